#include <map>
#include <string>
#include <utility>
#include <vector>

#include <switchboard/actors/call_batches.hpp>
#include <switchboard/actors/tell.hpp>

namespace switchboard::actors {
namespace {

struct routed_batch {
  service_route* route;
  rpc::calls calls;
};

struct unsent {
  std::vector<routed_batch> of_services;
  std::vector<routed_batch> of_keys;
  /// Where a key's batch is among them: one read may have thousands of keys.
  std::map<std::pair<const service_route*, std::string>, std::size_t> places;
};

unsent& of_thread() {
  static thread_local unsent batches;
  return batches;
}

// Most handlers open no calls, and ask only this.
constinit thread_local bool any_unsent = false;

void clear(unsent& batches) {
  any_unsent = false;
  batches.of_services.clear();
  if (batches.of_keys.empty()) return;
  batches.of_keys.clear();
  batches.places.clear();
}

rpc::call_batch& to_service(service_route& route, const std::shared_ptr<const rpc::caller>& from) {
  auto& all = of_thread().of_services;
  for (auto& each : all)
    if (each.route == &route) return *each.calls;
  any_unsent = true;
  return *all.emplace_back(routed_batch{&route, rpc::call_batch{from}}).calls;
}

}  // namespace

rpc::call_batch& call_batches::to(service_route& route, const std::shared_ptr<const rpc::caller>& from,
                                  const std::shared_ptr<const std::string>& key) {
  if (!key) return to_service(route, from);
  auto& batches = of_thread();
  auto& all = batches.of_keys;
  const auto [at, is_new] = batches.places.try_emplace({&route, *key}, all.size());
  any_unsent = true;
  if (is_new) all.emplace_back(routed_batch{&route, rpc::call_batch{from, key}});
  return *all[at->second].calls;
}

void call_batches::send(caf::local_actor& from) {
  if (!any_unsent) return;
  auto& batches = of_thread();
  // A batch that finds no host, or one that has ended, answers its calls UNAVAILABLE as it is destroyed.
  for (auto* const some : {&batches.of_services, &batches.of_keys})
    for (auto& batch : *some)
      if (const auto host = batch.route->host()) tell(from, host, std::move(batch.calls));
  clear(batches);
}

call_batches::scope::~scope() {
  if (any_unsent) clear(of_thread());
}

}  // namespace switchboard::actors
