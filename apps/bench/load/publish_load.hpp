#pragma once

/// Publishers of one chat room, each with one outstanding publish; they do not read the room.
///
/// Verifies   each acknowledgement: a sequence above the publisher's last, as durable as was asked for. At the end it reads
///            the room: every message that was acknowledged is there once, each publisher's in order.
/// Threads    one.
/// Owns       its connections.
/// Errors     std::runtime_error where the load cannot go on.

#include "measure/load.hpp"

#include <cstddef>
#include <memory>

#include <switchboard/net/endpoint.hpp>

namespace switchboard::bench {

struct publish_workload {
  std::size_t publishers = 1;
  std::size_t text = 64;        ///< bytes of a text, text_number::digits at least
  bool must_be_synced = false;  ///< whether an acknowledgement has to promise stable storage
};

class publish_load final : public load {
public:
  /// Connects all and has them join.
  publish_load(const net::endpoint& server, const publish_workload& workload);
  ~publish_load() override;

  /// A result is a publish that was acknowledged.
  load_slice run(std::chrono::nanoseconds duration) override;
  faults verify() override;

private:
  class loop;
  std::unique_ptr<loop> loop_;
};

}  // namespace switchboard::bench
