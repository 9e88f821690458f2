#include <utility>

#include <switchboard/simulated/fault_injector.hpp>

namespace switchboard::simulated {

bool fault_injector::fails(attempt what) noexcept {
  const chance how_often[] = {weather_.call_failure, weather_.request_failure, weather_.accept_failure};
  const auto which = static_cast<std::size_t>(what);
  auto& in_a_row = failures_in_a_row_[which];
  const bool now = in_a_row < failures_in_a_row_limit && dice_.happens(how_often[which]);
  in_a_row = now ? in_a_row + 1 : 0;
  return now;
}

bool fault_injector::loses_edge() noexcept {
  return broken(fault::edge_is_lost) && std::exchange(is_next_edge_lost_, !is_next_edge_lost_);
}

}  // namespace switchboard::simulated
