#pragma once

/// Ticks for every client that watches: a producer that does not wait for its slowest reader. A client without credit
/// misses ticks, and the next one it gets says how many; nothing is queued for it.

#include <chrono>
#include <list>

#include <switchboard/rpc/service_actor.hpp>
#include <switchboard/ticker/v1/ticker.switchboard.hpp>

namespace switchboard::ticker {

using namespace v1;

class ticker_service {
public:
  ticker_service(rpc::service_actor* self, std::chrono::milliseconds interval) : self_(self), interval_(interval) {
    self_->after(interval_, [this] { tick(); });
  }

  void watch(const WatchRequest&, rpc::outbound<Tick> ticks) { watchers_.push_back({std::move(ticks)}); }

private:
  struct watcher {
    rpc::outbound<Tick> ticks;
    std::uint64_t missed = 0;
  };

  void tick() {
    ++number_;
    for (auto& each : watchers_) {
      Tick tick;
      tick.set_number(number_);
      tick.set_missed(each.missed);
      each.missed = each.ticks.send(tick) ? 0 : each.missed + 1;
    }
    watchers_.remove_if([](const watcher& each) { return each.ticks.ended(); });
    self_->after(interval_, [this] { tick(); });
  }

  rpc::service_actor* const self_;
  const std::chrono::milliseconds interval_;
  std::uint64_t number_ = 0;
  std::list<watcher> watchers_;
};

}  // namespace switchboard::ticker
