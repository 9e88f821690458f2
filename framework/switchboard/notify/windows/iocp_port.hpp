#pragma once

/// What both backends on a completion port share: waiting on it, waking, accepting and closing.
/// Threads    as notification_port.
/// Owns       the completion port, and through it whatever the kernel still has to complete.

#include "completion_port.hpp"
#include "iocp_accepts.hpp"

#include <switchboard/notify/iocp_port.hpp>
#include <switchboard/notify/kernel_port.hpp>

namespace switchboard::notify {

/// Completion keys of the port's own. A registration's token is above: its upper half is a serial number, never 0.
inline constexpr ULONG_PTR wake_key = 1;
inline constexpr ULONG_PTR accept_key = 2;
inline constexpr ULONG_PTR poll_key = 3;

class iocp_port : public kernel_port {
public:
protected:
  explicit iocp_port(completion_port port) noexcept : port_(std::move(port)) {}

  /// To be called by the backend's destructor: ends the port, then waits until the kernel has given back everything.
  void end_and_drain() noexcept;
  /// Whether the kernel still has something of the backend's.
  virtual bool is_idle() const noexcept = 0;

  /// Makes a packet of what came for a registration; false where there is nothing to report.
  virtual bool translate(const OVERLAPPED_ENTRY& from, packet& into) noexcept = 0;

  std::error_code begin_accept(registration& entry, net::socket_handle listener, std::uint64_t key) noexcept final;
  void cancel_accepts(net::socket_handle listener, packet_list& removal, taker who) noexcept override;
  void drop_accepts(net::socket_handle listener) noexcept final { accepts_.drop(listener); }
  std::error_code close_socket(net::socket_handle socket) noexcept final;

  harvest reap(batch_epochs::waiter& self, std::span<packet> out, duration timeout) noexcept final;
  void send_wake() noexcept final { port_.post(wake_key); }
  void wake_all() noexcept final { port_.post(wake_key); }

  completion_port& port() noexcept { return port_; }
  iocp_accepts& accepts() noexcept { return accepts_; }

private:
  completion_port port_;
  iocp_accepts accepts_{port_, accept_key, queue()};
};

std::unique_ptr<notification_port> make_socket_notification_port(completion_port port);
std::unique_ptr<notification_port> make_afd_port(completion_port port);

}  // namespace switchboard::notify
