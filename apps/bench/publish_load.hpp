#pragma once

/// Publishers of one chat room, each with one outstanding publish; they do not read the room.
///
/// Threads    one.
/// Owns       its connections.
/// Errors     std::runtime_error where there is no going on.

#include "comparison.hpp"

#include <cstddef>
#include <memory>

#include <switchboard/net/endpoint.hpp>

namespace switchboard::bench {

class publish_load {
public:
  /// Connects all and has them join.
  publish_load(const net::endpoint& server, std::size_t publishers, std::size_t text_bytes);
  ~publish_load();
  publish_load(const publish_load&) = delete;
  publish_load& operator=(const publish_load&) = delete;

  /// A result is a publish that was acknowledged.
  load_slice run(std::chrono::nanoseconds duration);

private:
  class loop;
  std::unique_ptr<loop> loop_;
};

}  // namespace switchboard::bench
