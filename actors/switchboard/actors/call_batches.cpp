#include <algorithm>
#include <utility>
#include <vector>

#include <switchboard/actors/call_batches.hpp>
#include <switchboard/actors/tell.hpp>

namespace switchboard {
namespace {

struct routed_batch {
  routed_batch(service_route* to, rpc::call_batch empty) : route(to), calls(std::move(empty)) {}

  service_route* route;
  rpc::call_batch calls;
};
thread_local std::vector<routed_batch> batches;

}  // namespace

rpc::call_batch& call_batches::to(service_route& route, const std::shared_ptr<const rpc::caller>& from) {
  const auto found =
      std::find_if(batches.begin(), batches.end(), [&](const auto& each) { return each.route == &route; });
  if (found != batches.end()) return found->calls;
  return batches.emplace_back(&route, rpc::call_batch{from}).calls;
}

void call_batches::send(caf::local_actor& from) {
  // A batch that finds no host, or one that has ended, answers its calls UNAVAILABLE as it is destroyed.
  for (auto& batch : batches)
    if (const auto host = batch.route->host()) tell(from, host, rpc::calls{std::move(batch.calls)});
  batches.clear();
}

call_batches::scope::~scope() {
  batches.clear();
}

}  // namespace switchboard
