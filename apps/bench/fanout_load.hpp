#pragma once

/// The load of a fan-out: one publisher, rooms, and members that read each one room; one thread and one epoll set.
///
/// Work       a window of messages is outstanding in every room: the next is published when the oldest has reached, on
///            average, all its members. A message's text begins with its number in its room, so a member sees what is
///            missing or twice.
/// Threads    one.
/// Owns       its connections.
/// Errors     a delivery out of order is counted; std::runtime_error where there is no going on.

#include "comparison.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <switchboard/net/endpoint.hpp>

namespace switchboard::bench {

struct fanout_workload {
  std::size_t members = 100;  ///< in all
  std::size_t rooms = 1;      ///< that share them evenly
  std::size_t window = 16;    ///< outstanding messages in each room
  std::size_t payload = 64;   ///< bytes of a text
  std::size_t unread = 0;     ///< more members of the first room, which take all credit and then read nothing
};

/// What arrived on a connection, in whichever protocol.
class arrivals {
public:
  virtual ~arrivals() = default;
  /// The connection has what it asked for first: a member its subscription, the publisher its right to publish in a
  /// room.
  virtual void ready() = 0;
  /// A member's message.
  virtual void delivered(std::string_view text) = 0;
};

/// How one server is talked to.
class fanout_dialect {
public:
  /// Understands the bytes of one connection.
  class reader {
  public:
    virtual ~reader() = default;
    /// @throws std::runtime_error where the server refuses something.
    virtual void feed(std::span<const std::byte> chunk, arrivals& into) = 0;
  };

  virtual ~fanout_dialect() = default;
  virtual std::unique_ptr<reader> make_reader() const = 0;
  /// Appends what makes a connection a member of `room`; one ready() answers it.
  virtual void subscribe(std::string& out, const std::string& room) const = 0;
  /// Appends what lets the publisher publish in all `rooms`; returns how many ready() answer it.
  virtual std::size_t prepare_publisher(std::string& out, const std::vector<std::string>& rooms) = 0;
  virtual void publish(std::string& out, const std::string& room, std::string_view text) = 0;
};

/// Switchboard's own: Chat/Join as an observer, Chat/Publish.
std::unique_ptr<fanout_dialect> switchboard_dialect();
/// Redis's SUBSCRIBE and PUBLISH.
std::unique_ptr<fanout_dialect> redis_dialect();

class fanout_load {
public:
  static constexpr std::chrono::seconds arrival_timeout{10};

  /// Connects and subscribes all.
  fanout_load(const net::endpoint& server, std::unique_ptr<fanout_dialect> dialect, const fanout_workload& workload);
  ~fanout_load();
  fanout_load(const fanout_load&) = delete;
  fanout_load& operator=(const fanout_load&) = delete;

  /// Publishes for `duration`, then waits for the last deliveries.
  load_slice run(std::chrono::nanoseconds duration);

private:
  class loop;

  std::unique_ptr<loop> loop_;
};

}  // namespace switchboard::bench
