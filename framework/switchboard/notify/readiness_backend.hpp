#pragma once

/// What differs between operating systems: how registrations are made at the kernel, how it is asked for readiness, and how
/// its waiting threads are woken.
///
/// Threads    any. Functions about a registration are called with its lock held.
/// Errors     returned; they become the request's result.

#include <cstddef>
#include <cstdint>
#include <span>

#include <switchboard/notify/batch_epochs.hpp>
#include <switchboard/notify/packet_queue.hpp>
#include <switchboard/notify/registration_table.hpp>

namespace switchboard::notify {

class readiness_backend {
public:
  using taker = packet_queue::taker;
  using duration = notification_port::duration;

  struct harvest {
    std::size_t events = 0;   ///< taken from the kernel
    std::size_t packets = 0;  ///< made of them
    bool saw_wake = false;
    bool saw_accepts = false;  ///< whose completions are in the queue now
  };

  /// Makes room for that many requests, or as many as possible. An error fails the call before anything has changed.
  virtual std::error_code reserve(std::size_t) noexcept { return {}; }
  /// Submits requests to the kernel that would otherwise wait for this thread's next reap(): it will not call it.
  virtual void submit() noexcept {}

  // Registrations at the kernel. `entry` is the registration of `socket`.

  /// Arms with what `wanted` says; what the kernel reports of it is known by `serial`. not_registered: the kernel no
  /// longer has this socket, though `entry` says so (N51).
  virtual std::error_code arm(registration& entry, const request& wanted, std::uint32_t serial) noexcept = 0;
  /// Reports nothing more until the next arm().
  virtual std::error_code disarm(registration& entry, net::socket_handle socket) noexcept = 0;
  /// Forgets the registration.
  virtual std::error_code forget(registration& entry, net::socket_handle socket) noexcept = 0;
  virtual std::error_code begin_accept(registration& entry, net::socket_handle listener,
                                       std::uint64_t key) noexcept = 0;
  /// Cancels the accepts of a listener being removed. May take `removal`, its event, to withhold it later.
  virtual void cancel_accepts(net::socket_handle listener, packet_list& removal, taker who) noexcept = 0;
  virtual void drop_accepts(net::socket_handle listener) noexcept = 0;
  virtual std::error_code close_socket(net::socket_handle socket) noexcept = 0;

  // How it is asked and woken.

  /// A thread is about to look for packets.
  virtual void before_looking() noexcept {}
  /// Waits for what the kernel has and makes packets of it, calling begin_batch() before it looks at the first.
  virtual harvest reap(batch_epochs::waiter& self, std::span<packet> out, duration timeout) noexcept = 0;
  /// Makes one thread that waits, or the next to wait, see a wake.
  virtual void send_wake() noexcept = 0;
  /// The same for every thread, until none waits.
  virtual void wake_all() noexcept = 0;

protected:
  ~readiness_backend() = default;
};

}  // namespace switchboard::notify
