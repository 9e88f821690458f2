#include <switchboard/actors/call_batches.hpp>
#include <switchboard/actors/connection.hpp>
#include <switchboard/actors/tell.hpp>
#include <switchboard/logging/logging.hpp>
#include <switchboard/wire/frame_encoder.hpp>

namespace switchboard::actors {
namespace {

using link::is_live;

logging::throttle& protocol_errors() {
  static logging::throttle lines{"protocol errors"};
  return lines;
}

}  // namespace

connection::connection(caf::actor_config& config, std::shared_ptr<const connection_environment> environment,
                       std::uint64_t id, std::unique_ptr<net::transport> transport, connection_place place)
    : direct_actor(config),
      environment_(std::move(environment)),
      driver_(*this, environment_->pump),
      link_(*this, driver_, environment_->limits.link, std::move(transport), environment_->link_figures),
      session_(*this, link_, *environment_, id),
      calls_(*this, *environment_, link_, session_),
      watches_{{*this, *environment_}, {*this, *environment_, link_}},
      memory_(*this, *environment_, link_, calls_, session_),
      place_(std::move(place)) {}

template <class Handle>
void connection::turn(Handle&& handle) {
  const call_batches::scope batches;
  handle();
  call_batches::send(*this);
  session_.clock().end_turn();
  if (!is_live(link_.now())) {
    link_.end_turn();
    return memory_.add_up();
  }
  const auto& bounds = environment_->limits.link;
  if (link_.now() == link::state::half_closed && calls_.table().unary() == 0)
    link_.finish({link::close_reason::end_of_stream, finishing_ ? bounds.flush_timeout : bounds.end_of_stream_flush});
  link_.end_turn();
  if (session_.draining() && !drain_reported_ && calls_.table().unary() == 0) {
    drain_reported_ = true;
    tell(*this, environment_->broker, connection_drained{session_.id()});
  }
  if (is_live(link_.now())) {
    session_.output_left(link_.output().held_bytes());
    // At the drain's end each is about to be stopped.
    if (!finishing_) calls_.run_waiting();
    watches_.peer.note_sent();
  }
  memory_.add_up();
}

caf::behavior connection::make_behavior() {
  link_.start();
  link_.end_turn();
  return {
      [this](const deadline_expired& expired) { turn([&] { on_deadline(expired); }); },
      [this](const cancel_calls& rest) { turn([&] { calls_.cancel(rest.those); }); },
      [this](const stop_calls& rest) { turn([&] { drain(rest.those, rest.after); }); },
      [this](const registration_closed& closed) {
        // Services first learn of the ends of all its calls.
        if (calls_.table().cancelled() > 0)
          return tell(*this, caf::strong_actor_ptr{ctrl()}, registration_closed{closed});
        link_.on_registration_closed();
      },
      [this](const begin_drain&) {
        turn([&] {
          if (!session_.draining()) drain(call_table::which::streams);
        });
      },
      [this](const finish_drain&) { turn([&] { drain(call_table::which::all); }); },
      [this](const memory_is_short&) {
        turn([&] {
          if (!is_live(link_.now()) || !memory_.is_worth_ending()) return;
          // Where it ends already, it has been sent its last frame.
          const bool has_output = !link_.output().empty();
          if (!link::may_send(link_.now()) || (has_output && environment_->memory->is_exhausted()))
            return link_.close(link::close_reason::memory_max);
          end_with_status(link::close_reason::memory_max, rpc::code::resource_exhausted,
                          "memory_max: the server's memory is short, and this connection holds most of it");
        });
      },
      [this](const close_connection&) { turn([&] { link_.close(link::close_reason::stopped); }); },
  };
}

// -- frequent messages ----------------------------------------------------------------------------------------------

bool connection::deliver(caf::mailbox_element& message) {
  if (const auto* const ready = content_of<socket_ready>(message)) {
    if (driver_.owns(*ready)) turn([&] { link_.on_ready(ready->events); });
  } else if (auto* const answers = content_of<rpc::answers>(message)) {
    turn([&] { calls_.on_answers(*answers, is_live(link_.now())); });
  } else if (const auto* const drawn = content_of<rpc::stream_ready>(message)) {
    turn([&] {
      if (is_live(link_.now())) calls_.draw(drawn->call);
    });
  } else if (content_of<link::link_turn>(message)) {
    turn([&] { link_.on_turn(); });
  } else {
    return false;
  }
  return true;
}

// -- from the link --------------------------------------------------------------------------------------------------

void connection::on_open() {
  watches_.idle.start();
  if (session_.authenticated()) return;
  auto& pump = *environment_->pump;
  authentication_ = pump.schedule(pump.now() + environment_->limits.authentication_timeout,
                                  caf::strong_actor_ptr{ctrl()}, authentication_tag);
}

void connection::on_frame(const wire::frame_view& frame) {
  if (frame.call == 0) {
    if (!frame.has_status) return;
    calls_.cancel(call_table::which::all);
    const auto& bounds = environment_->limits.link;
    link_.finish({link::close_reason::ended_by_peer, bounds.flush_timeout, bounds.linger});
  } else if (frame.method.empty()) {
    if (!watches_.idle.is_ping(frame.call)) calls_.on_frame(frame);
  } else if (const auto* const fault = calls_.open(frame)) {
    end_with_status(link::close_reason::protocol_error, rpc::code::invalid_argument, fault);
  }
}

void connection::after_frames() {
  watches_.idle.heard();
  call_batches::send(*this);
}

void connection::on_malformed(std::error_code why) {
  using link::close_reason;
  if (why == errc::timed_out)
    return end_with_status(close_reason::frame_timeout, rpc::code::deadline_exceeded,
                           "a frame was begun and not finished in time");
  if (why != errc::frame_too_large)
    return end_with_status(close_reason::protocol_error, rpc::code::invalid_argument, why.message());
  const auto& limit = environment_->hits->frame_bytes_max;
  limit.hit(link_.transport().peer().to_string());
  end_with_status(close_reason::protocol_error, rpc::code::resource_exhausted, limit.name() + ": " + why.message());
}

/// Ends the connection for what its client did, or did not do.
void connection::end_with_status(link::close_reason reason, rpc::code code, std::string_view text) {
  if (reason == link::close_reason::protocol_error)
    protocol_errors().info("{}: {}: {}", link_.transport().peer().to_string(), rpc::to_string(code), text);
  // A client that does not read cannot be sent a reason, and what waits for it is what is to be released.
  if (reason == link::close_reason::memory_max && link_.output().bytes() > environment_->limits.link.outbound_low_bytes)
    return link_.close(reason);
  calls_.cancel(call_table::which::all);
  // The last frame: after replies and stream messages alike.
  link_.output().add_stream_frame([&](std::string& out) { wire::append_status(out, 0, static_cast<int>(code), text); });
  const auto& bounds = environment_->limits.link;
  link_.finish({reason, bounds.flush_timeout, bounds.linger});
}

/// The client's streams are cancelled without a status; its unary calls are answered.
void connection::on_end_of_stream() {
  calls_.cancel(call_table::which::streams);
  link_.output().drop_streams();
}

void connection::on_closing(link::close_reason reason, std::error_code) {
  if (auto* const limit = environment_->hits->of(reason)) limit->hit(link_.transport().peer().to_string());
  calls_.cancel(call_table::which::all);
  call_batches::send(*this);
  session_.close();
  watches_.idle.stop();
  watches_.peer.stop();
  if (authentication_ != deadline_id::none) environment_->pump->cancel(authentication_);
}

void connection::on_closed(link::close_reason reason) {
  place_ = {};
  tell(*this, environment_->broker, connection_closed{session_.id(), reason});
  quit();
}

// -- the rest -------------------------------------------------------------------------------------------------------

void connection::on_deadline(const deadline_expired& expired) {
  if (expired.tag == authentication_tag) {
    authentication_ = deadline_id::none;
    if (link_.now() == link::state::open && !session_.authenticated())
      end_with_status(link::close_reason::authentication_timeout, rpc::code::unauthenticated,
                      "not authenticated in time");
  } else if (expired.tag == idle_watch::tag) {
    on_silence();
  } else if (expired.tag == peer_watch::tag) {
    if (is_live(link_.now()) && watches_.peer.finds_it_lost())
      link_.close(link::close_reason::peer_lost, std::make_error_code(std::errc::timed_out));
  } else if (driver_.owns(expired)) {
    link_.on_deadline();
  } else if (is_live(link_.now())) {
    calls_.on_deadline(expired.tag);
  }
}

void connection::on_silence() {
  if (link_.now() != link::state::open) return;
  // What it may have said meanwhile is not read.
  if (!accepts_input()) watches_.idle.heard();
  const auto verdict = watches_.idle.look();
  if (verdict == idle_watch::verdict::gone)
    end_with_status(link::close_reason::idle, rpc::code::unavailable, "nothing was heard, nor was a ping answered");
  else if (verdict == idle_watch::verdict::ask)
    link_.output().add_reply([&](std::string& out) {
      wire::append_open(out, watches_.idle.next_ping(), "switchboard.v1.Session/Ping", {}, true, 0, 0);
    });
}

/// Stops calls as the server drains. At the drain's end the connection ends after the last of them.
void connection::drain(call_table::which those, std::uint64_t after) {
  session_.begin_drain();
  finishing_ = finishing_ || those == call_table::which::all;
  if (!is_live(link_.now()) || !calls_.stop(those, after) || those != call_table::which::all) return;
  if (link_.now() != link::state::half_closed)
    link_.finish({link::close_reason::drained, environment_->limits.link.flush_timeout});
}

void connection::on_exit() {
  // Only a fault of ours ends the actor before its registration: the slot then keeps it, and with it the socket, until
  // the REMOVE event (N50).
  link_.close(link::close_reason::failed);
  if (link_.now() == link::state::closing)
    tell(*this, environment_->broker, connection_closed{session_.id(), link::close_reason::failed});
  while (calls_.table().cancelled() > 0) calls_.cancel(call_table::which::all);
  call_batches::send(*this);
  session_.close();
  session_.release_caller();
  place_ = {};
  memory_.close();
  // A call that is still held somewhere keeps this actor's memory; it must not keep the services, which may own what
  // holds the call.
  environment_ = nullptr;
}

}  // namespace switchboard::actors
