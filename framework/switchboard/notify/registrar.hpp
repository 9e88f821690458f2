#pragma once

/// One port's registrations, from ENABLE to the REMOVE event (N2 to N11, N48 to N52).
///
/// Why        the life of a registration is the same on every kernel; the backend only carries it out there.
/// Threads    any; each registration is worked on under its own lock.
/// Owns       nothing: registrations are the process-wide table's.
/// Errors     returned, by the names that the contract gives them.

#include <cstdint>
#include <optional>

#include <switchboard/notify/readiness_backend.hpp>

namespace switchboard::notify {

/// What the system says about a handle at the moment; none where it is no socket (N2).
struct socket_facts {
  std::uint64_t identity;
  bool is_stream;

  static std::optional<socket_facts> of(net::socket_handle socket) noexcept;
};

class registrar {
public:
  using taker = packet_queue::taker;

  registrar(const notification_port& port, readiness_backend& kernel, batch_epochs& epochs) noexcept
      : port_(port), kernel_(kernel), epochs_(epochs) {}

  std::error_code apply(const request& wanted, taker who) noexcept;

  // As notification_port describes them.
  std::error_code add(net::socket_handle socket, std::uint64_t key, interest filter, registration_id& name) noexcept;
  std::error_code rearm(registration_id which, interest filter, hint known) noexcept;
  std::error_code remove(registration_id which) noexcept;
  std::error_code async_accept(net::socket_handle listener, std::uint64_t key) noexcept;
  std::error_code close(net::socket_handle socket) noexcept;

  /// The REMOVE event is in a batch: its socket may be registered anew (N5).
  void end(const queued_packet& removal) noexcept;
  /// Forgets every registration, silently (N55).
  void end_all() noexcept { registration_table::of_process().forget_all(port_); }

private:
  std::error_code enable(const request& wanted, registration_id* name) noexcept;
  std::error_code enable_anew(registration& entry, const request& wanted) noexcept;
  std::error_code arm(registration& entry, const request& wanted) noexcept;
  std::error_code disable(const request& wanted) noexcept;
  std::error_code remove(net::socket_handle socket, registration_id name, taker who) noexcept;
  std::error_code require_registered(registration& entry, net::socket_handle socket) const noexcept;

  const notification_port& port_;
  readiness_backend& kernel_;
  batch_epochs& epochs_;
};

}  // namespace switchboard::notify
