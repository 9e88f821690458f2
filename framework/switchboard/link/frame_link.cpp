#include <utility>

#include <switchboard/error/invariant.hpp>
#include <switchboard/link/frame_link.hpp>
#include <switchboard/logging/logging.hpp>

namespace switchboard::link {

using notify::event;

namespace {

/// Bytes of replies that the upper layer makes itself in one turn, about: a quarter of a millisecond's work.
constexpr std::size_t turn_replies_max = std::size_t{512} << 10;
/// Frames that it is passed in one turn, about: opening a call, or cancelling one, takes less than half a microsecond.
constexpr std::size_t turn_frames_max = 1024;

/// What the parts of a link may be in each state.
void check(state now, const arming& armed, const frame_reader& input, const outbound_queue& output, bool has_socket) {
  SWITCHBOARD_INVARIANT(!is_live(now) || armed.armed(), "a link waits for nothing");
  SWITCHBOARD_INVARIANT(now == state::open || !input.paused(), "a link holds back input though it is not open");
  SWITCHBOARD_INVARIANT(may_receive(now) || now == state::handshaking || !is_live(now) || armed.hangup_seen(),
                        "a link waits for an end that it has seen");
  SWITCHBOARD_INVARIANT(now == state::open || input.held_bytes() == 0,
                        "a link keeps a part of a frame whose rest will not come");
  const bool writes = may_send(now) || now == state::flushing || now == state::last_flush;
  SWITCHBOARD_INVARIANT(writes || output.empty(), "a link keeps output that will not leave");
  SWITCHBOARD_INVARIANT((now == state::closed) == !has_socket, "a link has a socket beyond its end");
}

}  // namespace

frame_link::frame_link(upper_layer& upper, driver& by, const limits& within, std::unique_ptr<net::transport> transport,
                       const link_metrics& figures)
    : upper_(upper),
      driver_(by),
      limits_(within),
      transport_(std::move(transport)),
      input_(within.frame_bytes_max, figures),
      output_(figures),
      arming_(by) {}

// -- the beginning --------------------------------------------------------------------------------------------------

void frame_link::start() {
  shake_hands();
  if (!is_live(now())) return;
  const bool made = now() == state::open;
  if (const auto failure = arming_.open(transport_->handle(), made)) {
    logging::warn("{}: registration failed: {}", transport_->peer().to_string(), failure.message());
    return close(close_reason::refused, failure);
  }
  if (!made) driver_.set_deadline(driver_.now() + limits_.handshake_timeout);
}

void frame_link::shake_hands() {
  const auto shaken = transport_->handshake();
  arming_.note_read(shaken);
  if (shaken.outcome == net::io_outcome::would_block) return;
  if (shaken.outcome != net::io_outcome::done) return close(close_reason::handshake_failed, shaken.error);
  driver_.cancel_deadline();
  life_.to(state::open);
  upper_.on_open();
}

// -- input ----------------------------------------------------------------------------------------------------------

void frame_link::on_ready(event events) {
  if (!is_live(now()) || !arming_.fired(events)) return;
  if (has(events, event::err))
    if (const auto error = transport_->pending_error())
      return close(now() == state::handshaking ? close_reason::handshake_failed : close_reason::reset, error);
  if (now() == state::handshaking) return shake_hands();
  if (may_receive(now()) && !input_.paused()) {
    if (arming_.read_fired()) read();
  } else if (has(events, event::hangup)) {
    if (const auto error = transport_->pending_error()) close(close_reason::reset, error);
  }
}

void frame_link::on_turn() {
  turn_queued_ = false;
  if (now() == state::open && input_.has_rest()) {
    input_.take_up_rest();
    decode();
  } else if (may_receive(now()) && !input_.paused() && transport_->holds_input()) {
    read();
  }
}

void frame_link::read() {
  // What comes after the end of this side is read so that a reset does not overtake the last frames, and thrown away.
  const bool wanted = now() == state::open;
  const auto got = wanted ? input_.read(*transport_) : frame_reader::discard(*transport_);
  arming_.note_read(got);
  switch (got.outcome) {
    case net::io_outcome::would_block:
      return;
    case net::io_outcome::failed:
      return close(close_reason::reset, got.error);
    case net::io_outcome::done:
      if (wanted) decode();
      return;
    case net::io_outcome::end_of_stream:
      break;
  }
  arming_.note_end_of_stream();
  if (now() == state::lingering) return close(end_.how.reason);
  life_.to(wanted ? state::half_closed : state::last_flush);
  if (wanted) upper_.on_end_of_stream();
}

/// Passes the frames received to the upper layer. A few bytes of a request may ask for thousands of a reply: the input
/// after the frame that fills the output waits, and after the one that makes much of it, for another turn; so does what comes
/// after many frames.
void frame_link::decode() {
  const auto before = output_.reply_bytes();
  wire::frame_view frame;
  for (std::size_t frames = 0; now() == state::open; ++frames) {
    const auto replies = output_.reply_bytes();
    if (replies > 2 * limits_.outbound_high_bytes || replies > before + turn_replies_max || frames == turn_frames_max) {
      input_.keep_rest();
      break;
    }
    const auto outcome = input_.next(frame);
    if (outcome == frame_reader::outcome::need_more) break;
    if (outcome == frame_reader::outcome::frame) {
      upper_.on_frame(frame);
    } else {
      upper_.on_malformed(input_.error());
      SWITCHBOARD_INVARIANT(now() != state::open, "a link continued after bytes that are no frames");
    }
  }
  upper_.after_frames();
}

// -- the end of a turn ----------------------------------------------------------------------------------------------

void frame_link::end_turn() {
  const bool connected = is_live(now()) && now() != state::handshaking;
  if (connected && !arming_.write_blocked() && (!output_.empty() || transport_->holds_output())) {
    if (!driver_.has_more())
      write();
    else if (!std::exchange(turn_queued_, true))
      driver_.queue_turn();
  }
  step_orderly_close();
  update_reading();
  if (is_live(now())) {
    const bool reading = now() == state::handshaking || (may_receive(now()) && !input_.paused());
    if (const auto failure = arming_.arm(reading, now() != state::handshaking)) {
      logging::debug("{}: re-arm failed: {}", transport_->peer().to_string(), failure.message());
      close(failure == errc::closed ? close_reason::stopped : close_reason::failed, failure);
    }
  }
  // The rest of a frame will not be taken; calls may be answered, and the last of them flushed, much later.
  if (now() != state::open && now() != state::handshaking) input_.drop_partial();
  check(now(), arming_, input_, output_, transport_ != nullptr);
}

void frame_link::write() {
  const auto written = output_.write(*transport_);
  if (written.outcome == net::io_outcome::failed) return close(close_reason::reset, written.error);
  arming_.note_write(written);
  if (!arming_.write_blocked() && output_.bytes() <= limits_.outbound_low_bytes) upper_.on_output_low();
}

void frame_link::update_reading() {
  if (!is_live(now())) return;
  const auto replies_max = input_.paused() ? limits_.outbound_low_bytes : 2 * limits_.outbound_high_bytes;
  const bool full = output_.reply_bytes() > replies_max || !upper_.accepts_input();
  const bool stopped_before = input_.paused();
  input_.pause(now() == state::open && (full || input_.has_rest()));
  // As a turn of its own, so that a peer that takes its replies as fast as they are made leaves others theirs.
  const bool goes_on =
      may_receive(now()) && !(input_.paused() && full) && (input_.has_rest() || transport_->holds_input());
  if (goes_on && !std::exchange(turn_queued_, true)) driver_.queue_turn();
  if (now() != state::open) return;
  if (stopped_before != input_.paused()) driver_.cancel_deadline();
  // The peer may have ended its stream after the input that is not read for now, and may never take the output that input
  // waits for.
  if (arming_.hangup_seen() && input_.paused() && !driver_.has_deadline())
    driver_.set_deadline(driver_.now() + limits_.end_of_stream_flush);
  // It stays when the frame has come: on_deadline() looks at the frame that there is then.
  if (input_.inside_frame() && !input_.paused() && !driver_.has_deadline()) {
    input_.watch();
    driver_.set_deadline(driver_.now() + limits_.frame_timeout);
  }
}

// -- the end --------------------------------------------------------------------------------------------------------

void frame_link::finish(const orderly_close& how) {
  // Before the link is open there is nothing to flush, and the peer has been sent nothing.
  if (now() == state::handshaking) return close(how.reason);
  const auto until = driver_.now() + how.flush;
  if (may_send(now())) {
    life_.to(now() == state::open ? state::flushing : state::last_flush);
    end_.how = how;
    input_.pause(false);
    input_.drop_rest();
  } else if ((now() != state::flushing && now() != state::last_flush) || until > end_.flush_until) {
    return;
  }
  end_.flush_until = until;
  driver_.set_deadline(until);
}

void frame_link::step_orderly_close() {
  const bool flushes = now() == state::flushing || now() == state::last_flush;
  if (!flushes || !output_.empty() || transport_->holds_output()) return;
  if (now() == state::last_flush || transport_->shutdown_write()) return close(end_.how.reason);
  life_.to(state::lingering);
  if (end_.how.linger) driver_.set_deadline(driver_.now() + *end_.how.linger);
}

void frame_link::on_deadline() {
  if (!is_live(now())) return;
  if (now() == state::handshaking) return close(close_reason::handshake_timeout);
  if (now() == state::open && !input_.paused()) {
    const auto in_time = std::chrono::duration<double>(limits_.frame_timeout).count() *
                         static_cast<double>(limits_.frame_bytes_per_second);
    if (input_.is_late(static_cast<std::size_t>(in_time))) upper_.on_malformed(make_error_code(errc::timed_out));
    return;
  }
  // A lingering link has sent everything; the peer of a flushing one did not take it in time.
  close(now() == state::lingering ? end_.how.reason : close_reason::slow_to_flush);
}

void frame_link::close(close_reason reason, std::error_code why) {
  if (!is_live(now())) return;
  life_.to(state::closing);
  // The system has sent all its probes, or repeated what it had sent for as long as it does.
  if (reason == close_reason::reset && why == std::errc::timed_out) reason = close_reason::peer_lost;
  end_.how.reason = reason;
  input_.pause(false);
  upper_.on_closing(reason, why);
  driver_.cancel_deadline();
  output_.clear();
  input_.drop_rest();
  if (!driver_.remove()) on_registration_closed();
}

void frame_link::on_registration_closed() {
  if (now() != state::closing) return;
  life_.to(state::closed);
  logging::debug("{}: closed: {}", transport_->peer().to_string(), to_string(end_.how.reason));
  transport_ = nullptr;
  upper_.on_closed(end_.how.reason);
}

}  // namespace switchboard::link
