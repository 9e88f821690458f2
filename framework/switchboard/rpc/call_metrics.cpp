#include <utility>

#include <switchboard/rpc/call_metrics.hpp>

namespace switchboard::rpc {

call_metrics::call_metrics(std::shared_ptr<metrics::registry> in, std::string_view method) : registry_(std::move(in)) {
  if (!registry_) return;
  opened_ =
      registry_->counters("switchboard_calls_opened_total", "Calls that clients opened.", {"method"}).with({method});
  const auto by_code = registry_->counters(
      "switchboard_calls_ended_total", "Calls that ended for their client, by final status code.", {"method", "code"});
  for (std::size_t each = 0; each != codes; ++each)
    ended_[each] = by_code.with({method, to_string(static_cast<code>(each))});
  duration_ =
      registry_
          ->histograms("switchboard_call_duration_seconds",
                       "From the read that opened a call to its end for the client.", metrics::latency, {"method"})
          .with({method});
}

void call_metrics::ended(code how, std::chrono::nanoseconds took) const noexcept {
  const auto number = static_cast<std::size_t>(how);
  ended_[number < codes ? number : static_cast<std::size_t>(code::unknown)].add();
  duration_.observe(took);
}

}  // namespace switchboard::rpc
