#pragma once

/// The load of a fan-out: publishers, rooms, and members that read each one room; one thread and one epoll set.
///
/// Work       each publisher publishes in every room, and has a window of messages outstanding there: the next is published
///            when the oldest has reached, on average, all the room's members. At a fixed rate messages are due one after
///            the other, in turn by publisher and room; one that is due while its window is full waits, and the latency of
///            its deliveries counts that (measure/pace.hpp).
/// Verifies   that each member gets every message of its room once, each publisher's in order, with the text that was
///            published, which begins with the publisher's number and the message's; and that each publish is acknowledged.
/// Threads    one.
/// Owns       its connections.
/// Errors     std::runtime_error where the load cannot go on: no connection, nothing that arrives for `arrival_timeout`, or
///            a publish that is refused.

#include "fanout_dialect.hpp"
#include "measure/load.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>

#include <switchboard/net/endpoint.hpp>

namespace switchboard::bench {

struct fanout_workload {
  std::size_t members = 100;   ///< in all
  std::size_t rooms = 1;       ///< that share them evenly
  std::size_t publishers = 1;  ///< each in all rooms
  std::size_t window = 16;     ///< outstanding messages of a publisher in a room, at most
  std::size_t payload = 64;    ///< bytes of a text
  std::size_t unread = 0;      ///< more members of the first room, which take all credit and then read nothing
  std::optional<double> rate;  ///< messages published a second, by all in all rooms; nothing: as many as possible
};

class fanout_load final : public load {
public:
  static constexpr std::chrono::seconds arrival_timeout{10};

  /// Connects and subscribes all.
  fanout_load(const net::endpoint& server, std::unique_ptr<fanout_dialect> dialect, const fanout_workload& workload);
  ~fanout_load() override;

  load_slice run(std::chrono::nanoseconds duration) override;
  /// Deliveries of nothing that was published.
  faults verify() override;

private:
  class loop;

  std::unique_ptr<loop> loop_;
};

}  // namespace switchboard::bench
