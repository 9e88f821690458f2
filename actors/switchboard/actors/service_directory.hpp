#pragma once

/// Finds what serves a method: a service's current actor, or the connection itself.
///
/// Why        connections look a method up for each call, while a service's actor may be replaced after it
///            died.
/// Threads    built by one thread, then immutable but for the routes, which any thread reads and the broker sets.
/// Owns       the service definitions, the built-in methods, and each service's current actor, strongly, until the broker ends it.

#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <caf/actor_control_block.hpp>

#include <switchboard/actors/built_in_method.hpp>
#include <switchboard/actors/routing_key.hpp>
#include <switchboard/rpc/call_metrics.hpp>
#include <switchboard/rpc/service.hpp>

namespace switchboard::actors {

/// A service and the actor that serves it now.
class service_route {
public:
  explicit service_route(rpc::service_definition definition) : definition_(std::move(definition)) {}

  const rpc::service_definition& definition() const noexcept { return definition_; }
  /// Null while the service is being restarted, and after the end.
  caf::strong_actor_ptr host() const {
    const std::lock_guard lock{mutex_};
    return host_;
  }
  void host(caf::strong_actor_ptr replacement) {
    const std::lock_guard lock{mutex_};
    host_.swap(replacement);
  }

private:
  const rpc::service_definition definition_;
  mutable std::mutex mutex_;
  caf::strong_actor_ptr host_;
};

/// What serves a method: the actor of a service, or the connection itself.
struct method_entry {
  const rpc::method* method = nullptr;
  service_route* route = nullptr;             ///< null where it is the connection
  const built_in_method* built_in = nullptr;  ///< null where it is an actor
  method_flags flags{};
  std::size_t answer_bytes_max = rpc::method::default_answer_bytes_max;  ///< beyond its request
  std::optional<routing_key> key{};  ///< where its service has an actor for each key
  rpc::call_metrics figures{};       ///< when sealed

  /// What a call takes of its client's allowance whose opening frame has a request of so many bytes.
  std::size_t allowance_bytes(std::size_t request) const noexcept { return 2 * request + answer_bytes_max; }
  /// Whether a client that has not authenticated, where the server demands that, may make the call.
  bool open_to_all(std::string_view request) const { return built_in && built_in->open_to_all(request); }
};

class service_directory {
public:
  service_directory();
  service_directory(const service_directory&) = delete;
  service_directory& operator=(const service_directory&) = delete;

  /// Adds a service; the sentence says why not, and is empty where it was added. Before the first lookup only.
  std::string add(rpc::service_definition definition);
  /// Finishes what Describe answers, and has each method's calls counted in `figures`; null: nowhere.
  void seal(const std::shared_ptr<metrics::registry>& figures = nullptr);

  const method_entry* find(std::string_view method) const;
  /// Whether a Health check of `service` is about something that is here. Empty: the server as a whole.
  bool serves(std::string_view service) const;
  std::deque<service_route>& routes() noexcept { return routes_; }
  const std::deque<service_route>& routes() const noexcept { return routes_; }
  /// What is counted of calls to methods that are not here.
  const rpc::call_metrics& unserved() const noexcept { return unserved_; }
  /// A serialized DescribeReply.
  const std::string& description() const noexcept { return description_; }

private:
  const std::vector<built_in_entry> built_in_;
  std::deque<service_route> routes_;          // stable addresses
  std::set<std::string, std::less<>> names_;  // of services, built-in ones included
  std::unordered_map<std::string_view, method_entry> methods_;
  std::string description_;
  rpc::call_metrics unserved_;
};

}  // namespace switchboard::actors
