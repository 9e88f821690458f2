#include <utility>

#include <switchboard/error/invariant.hpp>
#include <switchboard/link/frame_link.hpp>
#include <switchboard/logging/logging.hpp>

namespace switchboard::link {

using notify::event;

frame_link::frame_link(upper_layer& upper, driver& by, const limits& within, std::unique_ptr<net::transport> transport)
    : upper_(upper),
      driver_(by),
      limits_(within),
      transport_(std::move(transport)),
      input_(within.frame_bytes_max),
      arming_(by) {}

void frame_link::transition(state next) {
  SWITCHBOARD_INVARIANT(may_follow(state_, next), "a link made a transition that its table does not have");
  state_ = next;
}

// -- the beginning --------------------------------------------------------------------------------------------------

void frame_link::start() {
  const auto shaken = transport_->handshake();
  const bool made = shaken.outcome == net::io_outcome::done;
  if (!made && shaken.outcome != net::io_outcome::would_block)
    return close(close_reason::handshake_failed, shaken.error);
  arming_.note_read(shaken);
  if (const auto failure = arming_.open(transport_->handle(), made)) {
    logging::warn("{}: registration failed: {}", peer().to_string(), failure.message());
    return close(close_reason::refused, failure);
  }
  if (!made) return driver_.set_deadline(driver_.now() + limits_.handshake_timeout);
  transition(state::open);
  upper_.on_open();
}

void frame_link::shake_hands() {
  const auto shaken = transport_->handshake();
  arming_.note_read(shaken);
  if (shaken.outcome == net::io_outcome::would_block) return;
  if (shaken.outcome != net::io_outcome::done) return close(close_reason::handshake_failed, shaken.error);
  driver_.cancel_deadline();
  transition(state::open);
  upper_.on_open();
}

// -- input ----------------------------------------------------------------------------------------------------------

void frame_link::on_ready(event events) {
  if (!is_live(state_) || !arming_.fired(events)) return;
  if (has(events, event::err))
    if (const auto error = transport_->pending_error())
      return close(state_ == state::handshaking ? close_reason::handshake_failed : close_reason::reset, error);
  if (state_ == state::handshaking) return shake_hands();
  if (may_receive(state_) && !reading_stopped_) {
    if (arming_.read_fired()) read();
  } else if (has(events, event::hangup)) {
    if (const auto error = transport_->pending_error()) close(close_reason::reset, error);
  }
}

void frame_link::on_turn() {
  turn_queued_ = false;
  if (state_ == state::open && input_.has_rest()) {
    input_.take_up_rest();
    decode();
  } else if (may_receive(state_) && !reading_stopped_ && transport_->holds_input()) {
    read();
  }
}

void frame_link::read() {
  // What comes after the end of this side is read so that a reset does not overtake the last frames, and thrown away.
  const bool wanted = state_ == state::open;
  const auto got = wanted ? input_.read(*transport_) : frame_reader::discard(*transport_);
  arming_.note_read(got);
  switch (got.outcome) {
    case net::io_outcome::would_block:
      return;
    case net::io_outcome::end_of_stream:
      return on_end_of_stream();
    case net::io_outcome::failed:
      return close(close_reason::reset, got.error);
    case net::io_outcome::done:
      if (wanted) decode();
  }
}

/// Gives the upper layer the frames that have come. A few bytes of a request may ask for thousands of a reply: what is
/// behind the one that fills the output waits.
void frame_link::decode() {
  wire::frame_view frame;
  while (state_ == state::open) {
    if (output_.reply_bytes() > 2 * limits_.outbound_high_bytes) {
      input_.keep_rest();
      break;
    }
    const auto outcome = input_.next(frame);
    if (outcome == frame_reader::outcome::need_more) break;
    if (outcome == frame_reader::outcome::frame) {
      upper_.on_frame(frame);
    } else {
      upper_.on_malformed(input_.error());
      SWITCHBOARD_INVARIANT(state_ != state::open, "a link went on behind bytes that are no frames");
    }
  }
  upper_.after_frames();
}

void frame_link::on_end_of_stream() {
  arming_.note_end_of_stream();
  if (state_ == state::open) {
    transition(state::half_closed);
    upper_.on_end_of_stream();
  } else if (state_ == state::flushing) {
    transition(state::last_flush);
  } else {
    close(ending_.reason);
  }
}

// -- the end of a turn ----------------------------------------------------------------------------------------------

void frame_link::end_turn() {
  const bool connected = is_live(state_) && state_ != state::handshaking;
  if (connected && !arming_.write_blocked() && (!output_.empty() || transport_->holds_output())) {
    if (!driver_.has_more())
      write();
    else if (!std::exchange(turn_queued_, true))
      driver_.queue_turn();
  }
  step_orderly_close();
  update_reading();
  if (is_live(state_)) {
    const bool reading = state_ == state::handshaking || (may_receive(state_) && !reading_stopped_);
    if (const auto failure = arming_.arm(reading, state_ != state::handshaking)) {
      logging::debug("{}: re-arm failed: {}", peer().to_string(), failure.message());
      close(failure == errc::closed ? close_reason::stopped : close_reason::failed, failure);
    }
  }
  check();
}

void frame_link::write() {
  const auto written = output_.write(*transport_);
  if (written.outcome == net::io_outcome::failed) return close(close_reason::reset, written.error);
  arming_.note_write(written);
  if (!arming_.write_blocked() && output_.bytes() <= limits_.outbound_low_bytes) upper_.on_output_low();
}

void frame_link::update_reading() {
  if (!is_live(state_)) return;
  const auto replies_max = reading_stopped_ ? limits_.outbound_low_bytes : 2 * limits_.outbound_high_bytes;
  const bool full = output_.reply_bytes() > replies_max || !upper_.accepts_input();
  const bool stopped_before = std::exchange(reading_stopped_, state_ == state::open && (full || input_.has_rest()));
  // As a turn of its own, so that a peer that takes its replies as fast as they are made leaves others theirs.
  const bool goes_on =
      may_receive(state_) && !(reading_stopped_ && full) && (input_.has_rest() || transport_->holds_input());
  if (goes_on && !std::exchange(turn_queued_, true)) driver_.queue_turn();
  if (state_ != state::open) return;
  if (stopped_before && !reading_stopped_) driver_.cancel_deadline();
  // It may have sent its end of stream, behind what is not read for now, and never take what keeps it from being read.
  if (arming_.hangup_seen() && reading_stopped_ && !driver_.has_deadline())
    driver_.set_deadline(driver_.now() + limits_.end_of_stream_flush);
}

/// What the flags may be in each state.
void frame_link::check() const {
  SWITCHBOARD_INVARIANT(!is_live(state_) || arming_.armed(), "a link waits for nothing");
  SWITCHBOARD_INVARIANT(state_ == state::open || !reading_stopped_, "a link holds back input that nobody waits for");
  SWITCHBOARD_INVARIANT(state_ == state::open || !input_.has_rest(), "a link keeps input that nobody waits for");
  SWITCHBOARD_INVARIANT(
      may_receive(state_) || state_ == state::handshaking || !is_live(state_) || arming_.hangup_seen(),
      "a link waits for an end that it has seen");
  const bool writes = may_send(state_) || state_ == state::flushing || state_ == state::last_flush;
  SWITCHBOARD_INVARIANT(writes || output_.empty(), "a link keeps output that will not leave");
  SWITCHBOARD_INVARIANT((state_ == state::closed) == (transport_ == nullptr), "a link has a socket beyond its end");
}

// -- the end --------------------------------------------------------------------------------------------------------

void frame_link::finish(const orderly_close& how) {
  // Before it is open there is nothing to flush, and nothing that the peer could have been told.
  if (state_ == state::handshaking) return close(how.reason);
  const auto until = driver_.now() + how.flush;
  if (may_send(state_)) {
    transition(state_ == state::open ? state::flushing : state::last_flush);
    ending_ = how;
    reading_stopped_ = false;
    input_.drop_rest();
  } else if ((state_ != state::flushing && state_ != state::last_flush) || until > flush_until_) {
    return;
  }
  flush_until_ = until;
  driver_.set_deadline(until);
}

void frame_link::step_orderly_close() {
  const bool flushes = state_ == state::flushing || state_ == state::last_flush;
  if (!flushes || !output_.empty() || transport_->holds_output()) return;
  if (state_ == state::last_flush || transport_->shutdown_write()) return close(ending_.reason);
  transition(state::lingering);
  if (ending_.linger) driver_.set_deadline(driver_.now() + *ending_.linger);
}

void frame_link::on_deadline() {
  if (!is_live(state_)) return;
  if (state_ == state::handshaking) return close(close_reason::handshake_timeout);
  // Who lingers has been told everything; who flushes did not take it in time.
  close(state_ == state::lingering ? ending_.reason : close_reason::slow_to_flush);
}

void frame_link::close(close_reason reason, std::error_code why) {
  if (!is_live(state_)) return;
  transition(state::closing);
  ending_.reason = reason;
  reading_stopped_ = false;
  upper_.on_closing(reason, why);
  driver_.cancel_deadline();
  output_.clear();
  input_.drop_rest();
  if (!driver_.remove()) on_registration_closed();
}

void frame_link::on_registration_closed() {
  if (state_ != state::closing) return;
  transition(state::closed);
  logging::debug("{}: closed: {}", peer().to_string(), to_string(ending_.reason));
  transport_ = nullptr;
  upper_.on_closed(ending_.reason);
}

}  // namespace switchboard::link
