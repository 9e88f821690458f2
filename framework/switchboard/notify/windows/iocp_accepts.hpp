#pragma once

/// Accepting as a completion with AcceptEx (N54).
///
/// Threads    any.
/// Owns       the pending accepts, each with the socket it accepts into and the packet it completes with.
/// Errors     of begin(): returned. Of accepting: in the packet.

#include "completion_port.hpp"

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>

#include <switchboard/notify/packet_queue.hpp>

namespace switchboard::notify {

class iocp_accepts {
public:
  iocp_accepts(completion_port& port, ULONG_PTR completion_key, packet_queue& completions) noexcept
      : port_(&port), completion_key_(completion_key), completions_(&completions) {}
  std::error_code begin(net::socket_handle listener, std::uint64_t key) noexcept;
  /// What the completion port gave with the completion key: queues what became of it. Gives the REMOVE event that may be
  /// delivered now, if any. The caller takes from the queue before it sleeps.
  packet_list complete(const OVERLAPPED_ENTRY& entry) noexcept;
  /// Cancels what is pending at `listener`.
  void cancel(net::socket_handle listener) noexcept;
  /// After cancel(): takes `removal`, the REMOVE event, if that must wait until the last accept has come back.
  void hold(net::socket_handle listener, packet_list& removal) noexcept;
  /// What is pending at `listener` ends silently.
  void drop(net::socket_handle listener) noexcept;
  /// Cancels everything.
  void drop_all() noexcept;
  /// Whether the kernel still has something of ours.
  bool is_idle() const noexcept { return in_kernel_.load(std::memory_order_acquire) == 0; }

private:
  struct operation;
  struct listening {
    std::uint64_t serial = 0;  ///< numbers may be used twice
    std::size_t pending = 0;
    bool is_associated = false;
    bool is_removing = false;
    packet_list removal;
  };

  std::error_code start(operation& accept) noexcept;
  static int outcome_of(operation& done) noexcept;

  completion_port* const port_;
  const ULONG_PTR completion_key_;
  packet_queue* const completions_;
  std::mutex mutex_;
  std::uint64_t last_serial_ = 0;
  std::map<net::socket_handle, listening> listeners_;
  std::atomic<std::size_t> in_kernel_{0};
};

}  // namespace switchboard::notify
