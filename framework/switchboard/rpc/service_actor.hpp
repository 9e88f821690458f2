#pragma once

/// The actor that a service's object lives in, as the object sees it.
///
///     struct clock_service {
///       explicit clock_service(rpc::service_actor* self) : self_(self) { tick(); }
///       void tick() { self_->after(std::chrono::seconds{1}, [this] { tick(); }); }
///       …
///
/// Why        a service needs its actor for more than calls: to send, to spawn, and to be called back in time. The
///            pump's deadlines cost nothing while they wait; CAF's own timers are not used.
/// Threads    its own handlers.
/// Owns       its timers and account of the streams opened in its handlers; both end with it.
/// Errors     at most `timers_max` timers: one more is refused (timer_id::none).

#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <caf/message_handler.hpp>

#include <switchboard/pump/direct_actor.hpp>
#include <switchboard/pump/notification_pump.hpp>
#include <switchboard/rpc/turn.hpp>

namespace switchboard::rpc {

enum class timer_id : std::uint64_t { none = 0 };

class service_actor : public direct_actor {
public:
  static constexpr std::size_t timers_max = 65'536;

  service_actor(caf::actor_config& config, std::shared_ptr<notification_pump> pump);

  const std::shared_ptr<notification_pump>& pump() const noexcept { return pump_; }
  /// The pump's clock; in a simulation the simulated one.
  notification_pump::clock::time_point now() const noexcept { return pump_->now(); }

  /// Calls `then` once, in this actor, when `span` has passed and never before.
  timer_id after(notification_pump::clock::duration span, std::function<void()> then);
  /// True if it was still pending; its handler is destroyed.
  bool cancel(timer_id which);

  /// Runs `handler` as one of `method`'s: what it throws is reported to failed(), and the call that it drops by that
  /// answers INTERNAL.
  template <class Handler>
  void run(std::string_view method, Handler&& handler) noexcept {
    std::optional<turn> own;
    if (const auto* now = turn::current(); !now || now->self() != this) own.emplace(this, &streams_);
    try {
      handler();
    } catch (const std::exception& failure) {
      failed(method, failure.what());
    } catch (...) {
      failed(method, "an exception of unknown type");
    }
  }

  void on_exit() override;

protected:
  /// For several handlers in a row, whose answers then travel together.
  turn open_turn() noexcept { return turn{this, &streams_}; }
  /// Turns of streams.
  bool deliver(caf::mailbox_element& message) override;
  /// Timers.
  caf::message_handler own_messages();
  /// A handler threw: of a method, or (empty) of a stream or timer. `what` says what, where it is known.
  virtual void failed(std::string_view method, const char* what) noexcept = 0;

private:
  void on(stream_turn& due);

  struct timer {
    deadline_id deadline;
    std::function<void()> then;
  };

  const std::shared_ptr<notification_pump> pump_;
  std::vector<std::weak_ptr<stream_end>> streams_;
  std::unordered_map<std::uint64_t, timer> timers_;
  std::uint64_t last_timer_ = 0;
};

}  // namespace switchboard::rpc
