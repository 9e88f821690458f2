#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <switchboard/actors/call_batches.hpp>
#include <switchboard/actors/tell.hpp>

namespace switchboard::actors {
namespace {

struct routed_batch {
  routed_batch(service_route* to, rpc::call_batch empty) : route(to), calls(std::move(empty)) {}

  service_route* route;
  rpc::call_batch calls;
};

struct unsent {
  std::vector<routed_batch> of_services;
  std::vector<routed_batch> of_keys;
  /// Where a key's batch is among them: one read may have thousands of keys.
  std::map<std::pair<const service_route*, std::string>, std::size_t> places;

  bool empty() const noexcept { return of_services.empty() && of_keys.empty(); }
  void clear() {
    if (empty()) return;
    of_services.clear();
    of_keys.clear();
    places.clear();
  }
};
thread_local unsent batches;

}  // namespace

rpc::call_batch& call_batches::to(service_route& route, const std::shared_ptr<const rpc::caller>& from) {
  auto& all = batches.of_services;
  const auto found = std::find_if(all.begin(), all.end(), [&](const auto& each) { return each.route == &route; });
  if (found != all.end()) return found->calls;
  return all.emplace_back(&route, rpc::call_batch{from}).calls;
}

rpc::call_batch& call_batches::to(service_route& route, const std::shared_ptr<const rpc::caller>& from,
                                  const std::shared_ptr<const std::string>& key) {
  auto& all = batches.of_keys;
  const auto [at, is_new] = batches.places.try_emplace({&route, *key}, all.size());
  if (is_new) all.emplace_back(&route, rpc::call_batch{from, key});
  return all[at->second].calls;
}

void call_batches::send(caf::local_actor& from) {
  // A batch that finds no host, or one that has ended, answers its calls UNAVAILABLE as it is destroyed.
  for (auto* const some : {&batches.of_services, &batches.of_keys})
    for (auto& batch : *some)
      if (const auto host = batch.route->host()) tell(from, host, rpc::calls{std::move(batch.calls)});
  batches.clear();
}

call_batches::scope::~scope() {
  batches.clear();
}

}  // namespace switchboard::actors
