#include <algorithm>

#include <caf/actor_system.hpp>
#include <caf/mailbox_element.hpp>

#include <switchboard/client/channel_actor.hpp>
#include <switchboard/client/stub_handle.hpp>
#include <switchboard/rpc/caf_error.hpp>
#include <switchboard/rpc/turn.hpp>

namespace switchboard::client {
namespace {

using rpc::code;

/// A dialer: an actor with a thread of its own, for the look-up blocks. It has said all when it has started.
void look_up_and_connect(caf::event_based_actor*, const caf::strong_actor_ptr& for_whom, net::network* network,
                         const net::endpoint& to, std::uint64_t attempt) {
  for_whom->enqueue(
      caf::make_mailbox_element(nullptr, caf::make_message_id(), {}, dialed{attempt, network->connect(to)}), nullptr);
}

}  // namespace

channel_actor::channel_actor(caf::actor_config& config, std::shared_ptr<notification_pump> pump, net::endpoint to,
                             channel_options options, methods of_service)
    : caf::event_based_actor(config),
      pump_(std::move(pump)),
      options_(std::move(options)),
      of_service_(std::move(of_service)),
      driver_(*this, pump_),
      core_(*this, driver_, std::move(to), options_) {}

caf::behavior channel_actor::make_behavior() {
  methods_ = of_service_(*this);
  // The methods, by far the most frequent, come first.
  return methods_.or_else(
      [this](inherited& call) {
        const rpc::turn turn{this};
        const rpc::deadline_scope until{call.until};
        const rpc::metadata_scope carrying{std::move(call.metadata)};
        (void)methods_(call.call);
      },
      [this](const socket_ready& ready) {
        const rpc::turn turn{this};
        if (core_.link() && driver_.owns(ready)) core_.link()->on_ready(ready.events);
        end_turn();
      },
      [this](const rpc::stream_ready& ready) {
        draw_requests(ready.call);
        end_turn();
      },
      [this](const replies_wanted& more) {
        if (const auto* call = core_.calls().find(more.call))
          core_.calls().grant(more.call, static_cast<actor_call&>(*call->what.handler).replies().take_credit());
        end_turn();
      },
      [this](const link::link_turn&) {
        const rpc::turn turn{this};
        if (core_.link()) core_.link()->on_turn();
        end_turn();
      },
      [this](const replies_unwanted& no_more) {
        core_.calls().cancel(no_more.call, {code::cancelled, "nobody reads the replies"});
        end_turn();
      },
      [this](const deadline_expired& expired) {
        on_deadline(expired);
        end_turn();
      },
      [this](dialed& result) {
        if (result.attempt == attempt_) core_.dialed(result.connection.take());
        end_turn();
      },
      [this](const registration_closed& closed) {
        if (core_.link() && driver_.owns(closed)) core_.link()->on_registration_closed();
        end_turn();
      },
      [this](const begin_connecting& begin) {
        handle_ = begin.handle;
        core_.look_at_time();
        end_turn();
      },
      [this](const shut_down& end) {
        const rpc::turn turn{this};
        core_.shut_down(end.why);
        end_turn();
      },
      [this](const abandoned&) {
        abandoned_ = true;
        end_turn();
      });
}

template <class Message>
void channel_actor::tell_self(Message message) {
  enqueue(caf::make_mailbox_element(nullptr, caf::make_message_id(), {}, std::move(message)), context());
}

// -- the connection -------------------------------------------------------------------------------------------------

void channel_actor::dial(const net::endpoint& to) {
  ++attempt_;
  auto& network = options_.network ? *options_.network : net::system_network();
  if (!to.needs_lookup()) return core_.dialed(network.connect(to));
  system().spawn<caf::detached>(look_up_and_connect, self_ptr(), &network, to, attempt_);
}

void channel_actor::on_lost(const rpc::status& why, std::optional<clock::duration> pause) {
  stalled_.clear();
  if (!pause) tell_handle(why);
}

/// No connection will be made any more: monitors of the handle are notified.
void channel_actor::tell_handle(const rpc::status& why) {
  if (const auto handle = handle_.lock())
    static_cast<stub_handle*>(handle->get())->cleanup(rpc::to_error(why), context());
}

void channel_actor::on_exit() {
  // Only a fault of ours ends the actor before its channel: the slot then keeps it, and with it the socket, until the
  // REMOVE event (N50).
  if (timer_ != deadline_id::none) pump_->cancel(timer_);
  if (!core_.why_ended()) end({code::unavailable, "the actor of the channel failed"});
  if (core_.link()) core_.link()->close(link::close_reason::failed);
}

// -- time -----------------------------------------------------------------------------------------------------------

void channel_actor::on_deadline(const deadline_expired& expired) {
  const rpc::turn turn{this};
  if (expired.tag == timer_tag_) {
    timer_ = deadline_id::none;
    core_.look_at_time();
  } else if (core_.link() && driver_.owns(expired)) {
    core_.link()->on_deadline();
  }
}

/// One timer for whatever comes next. One that turns out to be early costs a look.
void channel_actor::keep_time() {
  const auto wake = core_.wake_at();
  if (wake == deadline::max() || (timer_ != deadline_id::none && timer_at_ <= wake)) return;
  if (timer_ != deadline_id::none) pump_->cancel(timer_);
  timer_ = pump_->schedule(wake, self_ptr(), timer_tag_ += 2);
  timer_at_ = wake;
  if (timer_ == deadline_id::none) end({code::unavailable, "the pump has ended"});
}

void channel_actor::end(const rpc::status& why) {
  core_.shut_down(why);
  tell_handle(why);
}

void channel_actor::end_turn() {
  core_.end_turn();
  keep_time();
  if (abandoned_ && core_.why_ended() && !core_.link()) quit();
}

// -- calls ----------------------------------------------------------------------------------------------------------

void channel_actor::open(call_opening opening, std::shared_ptr<reply_taker> replies, rpc::inbound_bytes requests) {
  const auto now = pump_->now();
  const auto number = next_number();
  opening.metadata = rpc::current_metadata();
  opening.until = rpc::current_deadline();
  if (opening.kind == rpc::method_kind::unary && options_.timeout.count() > 0)
    opening.until = std::min(opening.until, now + options_.timeout);
  opening.credit = replies->take_credit();
  opening.handler = std::make_shared<actor_call>(*this, number, std::move(replies), std::move(requests));
  core_.calls().open(std::move(opening), now);
  draw_requests(number);
  end_turn();
}

void channel_actor::draw_requests(std::uint64_t number) {
  auto& calls = core_.calls();
  const auto* call = calls.find(number);
  if (!call) return;
  // Shared: the call may end meanwhile.
  const auto handler = call->what.handler;
  auto& requests = static_cast<actor_call&>(*handler).requests();
  if (!requests) return;
  const rpc::turn turn{this};
  for (std::size_t taken = 0;; ++taken) {
    const bool full = core_.link() && core_.link()->output_full();
    call = calls.find(number);
    if (!call) return;
    if (call->machine.request_credit() == 0 || full) {
      if (requests.ended()) break;
      if (full && std::find(stalled_.begin(), stalled_.end(), number) == stalled_.end()) stalled_.push_back(number);
      return;
    }
    if (taken == turn_messages_max) return tell_self(rpc::stream_ready{number});
    rpc::payload message;
    const auto outcome = requests.next(message);
    if (outcome == rpc::source::outcome::wait) return;
    if (outcome == rpc::source::outcome::end) break;
    const auto size = message.bytes.size();
    if (calls.send(number, message.bytes) != rpc::call_effect::taken) return;
    requests.grant(0, size);
  }
  const auto how = requests.result();
  requests = {};
  if (how.ok())
    calls.finish(number);
  else
    calls.cancel(number, how);
}

void channel_actor::on_output_low() {
  for (const auto number : std::exchange(stalled_, {})) tell_self(rpc::stream_ready{number});
}

}  // namespace switchboard::client
