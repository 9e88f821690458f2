#pragma once

/// A network and its notification ports in memory, with a clock of their own: what happens depends on nothing but the
/// seed and the calls made.
///
///     simulated::world world{seed};
///     world.change({.latency = 5ms, .cut = 2});
///     auto port = world.make_port();
///     auto listener = world.network().listen(…);
///
/// Why        bugs of order and timing appear in one run of a thousand; here each run has another seed, and a seed that failed
///            fails again.
/// Time       passes only in waits: one that finds nothing moves the clock to the next event, or to its deadline where that is
///            earlier. It sleeps, for other threads to act, only when there is neither an event nor a deadline; a program
///            with several threads therefore waits without deadlines.
/// Order      one thread: the same every time. Several: each call is atomic, and the system decides which comes first.
/// Edges      the strictest reading of the contract: none at ENABLE, and never more of them than changes (N29).
/// Handles    the lowest free number, as POSIX has it, so that numbers are reused as soon as possible (N51).
/// Threads    any.
/// Owns       the sockets until they are closed; transports, listeners and ports keep it alive.
/// Errors     as net::network and notify::notification_port describe them. Out of memory ends the program.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <switchboard/net/network.hpp>
#include <switchboard/notify/notification_port.hpp>
#include <switchboard/simulated/fault.hpp>
#include <switchboard/simulated/weather.hpp>

namespace switchboard::simulated {

class fabric;

class world {
public:
  using clock = notify::notification_port::clock;

  explicit world(std::uint64_t seed = 1);
  ~world();
  world(const world&) = delete;
  world& operator=(const world&) = delete;

  net::network& network() noexcept { return *network_; }
  std::unique_ptr<notify::notification_port> make_port();

  /// The weather from now on. Segments in flight keep their time of arrival.
  void change(const weather& to);
  /// From now on the world has this fault.
  void break_rule(fault which);
  /// Of all re-arms from now on, the one with this number, counted from 0, is lost: it succeeds and arms nothing.
  void lose_rearm(std::uint64_t number);

  clock::time_point now() const;
  /// Moves the clock to the next event if there is one within `limit`, or else by `limit`. Whether there was one.
  bool advance(clock::duration limit);

  /// Breaks the connection of `at`, as if a cable were cut: data in flight is lost from any byte on, and both ends see a
  /// reset.
  void cut(net::socket_handle at);
  /// Whether a read of `at`, or an accept, would find something.
  bool is_readable(net::socket_handle at) const;

  // For tests of leaks.

  std::size_t sockets() const;
  std::size_t registrations() const;
  std::size_t bytes_held() const;  ///< written and not read
  std::uint64_t rearms() const;    ///< since the world began

  /// Re-arms so far that said of a socket it was drained, though no read had found it so since its last packet (N56): each
  /// may have lost an event.
  std::uint64_t false_words() const;
  /// Each socket with its state, for people to read.
  std::string describe() const;

private:
  const std::shared_ptr<fabric> fabric_;
  const std::unique_ptr<net::network> network_;
};

/// Takes the socket out of a transport that world::network() made; it stays open.
net::socket_handle detach(std::unique_ptr<net::transport> from) noexcept;

}  // namespace switchboard::simulated
