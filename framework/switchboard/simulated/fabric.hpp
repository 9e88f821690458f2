#pragma once

/// The state of a simulated world: sockets, connections, addresses, clock and faults. The network and the ports of the
/// world are views of it.
/// Threads    every member with `mutex()` held, but for changes().
/// Owns       the sockets.

#include <functional>
#include <mutex>
#include <span>
#include <system_error>

#include <switchboard/simulated/address_table.hpp>
#include <switchboard/simulated/change_count.hpp>
#include <switchboard/simulated/fault_injector.hpp>
#include <switchboard/simulated/socket_table.hpp>
#include <switchboard/simulated/stream_layer.hpp>
#include <switchboard/simulated/virtual_clock.hpp>

namespace switchboard::simulated {

class fabric {
public:
  using clock = virtual_clock::clock;

  explicit fabric(std::uint64_t seed) : faults_(seed) {}
  fabric(const fabric&) = delete;
  fabric& operator=(const fabric&) = delete;

  std::mutex& mutex() const noexcept { return mutex_; }
  /// Moves with every change that a waiting thread may have to see.
  change_count& changes() noexcept { return changes_; }

  fault_injector& faults() noexcept { return faults_; }
  virtual_clock& time() noexcept { return time_; }
  const socket_table& sockets() const noexcept { return sockets_; }
  address_table& addresses() noexcept { return addresses_; }
  stream_layer& streams() noexcept { return streams_; }

  /// Calls `what` when it is `when`. Events of the same time happen in the order in which they were scheduled, or in
  /// shuffled weather in any.
  void schedule(clock::time_point when, std::function<void()> what);
  /// A number for a new notification port.
  std::uint64_t next_port_number() noexcept { return ++ports_; }

  socket& open(socket_kind kind);
  void close(socket& one);
  /// Lost without notice where no socket is bound to `to`, as with UDP.
  void send_datagram(const socket& from, std::span<const std::byte> bytes, const net::endpoint& to);
  /// @return the pending error of `at`, which has none afterwards.
  std::error_code take_error(socket& at);

  notify::event conditions_of(const socket& at) const noexcept;
  /// Computes anew what `at` is ready for, and notifies its port.
  void changed(socket& at);

private:
  mutable std::mutex mutex_;
  change_count changes_;
  fault_injector faults_;
  virtual_clock time_;
  socket_table sockets_;
  address_table addresses_;
  stream_layer streams_{*this};
  std::uint64_t ports_ = 0;
};

}  // namespace switchboard::simulated
