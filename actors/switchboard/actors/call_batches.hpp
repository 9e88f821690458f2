#pragma once

/// The calls and ends of one turn of a connection, by service, and by key where a service has an actor for each: each
/// gets its share as one message.
///
/// Why        a message per call costs more than the bare socket work of a call.
/// Threads    one connection at a time on each: a handler runs to its end on one thread, so the batches are the thread's,
///            and idle connections need none of their own.
/// Owns       the calls until they are sent. Those that are discarded end with UNAVAILABLE.

#include <memory>
#include <string>

#include <caf/local_actor.hpp>

#include <switchboard/actors/service_directory.hpp>
#include <switchboard/rpc/call_batch.hpp>

namespace switchboard::actors {

class call_batches {
public:
  /// The batch of `route`'s service; of the actor of `key` where it has an actor for each key, else that is null.
  static rpc::call_batch& to(service_route& route, const std::shared_ptr<const rpc::caller>& from,
                             const std::shared_ptr<const std::string>& key = nullptr);
  static void send(caf::local_actor& from);

  /// Destroys batches that were not sent because a handler has thrown: the next handler may be another connection's.
  class scope {
  public:
    scope() = default;
    scope(const scope&) = delete;
    scope& operator=(const scope&) = delete;
    ~scope();
  };
};

}  // namespace switchboard::actors
