#pragma once

/// Finds out whether a client that says nothing is still there.
///
///     heard since the last look   →  alive
///     not heard                   →  ask: the client is sent one Session/Ping
///     not heard since that        →  gone
///
/// Why        a client that vanished without an end of stream keeps its connection as long as nothing is sent to it. What
///            it answers to the ping does not matter, nor does an empty frame: any bytes show that it is there.
/// Threads    the connection's.
/// Owns       its deadline.

#include <cstdint>

#include <caf/event_based_actor.hpp>

#include <switchboard/actors/connection_environment.hpp>

namespace switchboard::actors {

class idle_watch {
public:
  /// Of its deadlines; the link's are multiples of 4, those of calls odd.
  static constexpr std::uint64_t tag = 6;

  enum class verdict : unsigned char { alive, ask, gone };

  /// Both live longer.
  idle_watch(caf::event_based_actor& connection, const connection_environment& environment) noexcept
      : connection_(connection), environment_(environment) {}

  /// Where there is a limit, limits::idle_timeout from now.
  void start();
  void stop() noexcept;
  void heard() noexcept { heard_ = true; }
  /// When the deadline has come; unless the client is gone, another follows.
  verdict look();

  /// The number of the ping's call: the server's are even, each above all before.
  std::uint64_t next_ping() noexcept { return pings_ += 2; }
  bool is_ping(std::uint64_t call) const noexcept { return call % 2 == 0 && call <= pings_; }

private:
  caf::event_based_actor& connection_;
  const connection_environment& environment_;
  deadline_id deadline_ = deadline_id::none;
  std::uint64_t pings_ = 0;
  bool heard_ = false;
  bool asked_ = false;
};

}  // namespace switchboard::actors
