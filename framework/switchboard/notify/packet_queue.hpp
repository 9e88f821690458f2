#pragma once

/// What a port delivers besides readiness: posted packets, accepted connections and REMOVE events, first in, first out,
/// with the rule for when a sleeper must be woken, so that a burst costs one wake (N42).
///
/// Threads    any.
/// Owns       the packets.
/// Errors     full: only posts are refused, at post_limit; the port's own packets are bounded by the number of descriptors
///            and by accept_limit.
/// Invariant  while packets wait, a wake is on its way to some thread, or a thread is about to take them and to answer for it.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>

#include <switchboard/notify/notification_port.hpp>

namespace switchboard::notify {

struct queued_packet {
  enum class origin : unsigned char { post, accept, removal };

  packet content;
  origin from = origin::post;
  /// Of a removal: the socket.
  std::intptr_t descriptor = -1;
  std::uint32_t serial = 0;
  /// The batch stamp the event is withheld for (N49).
  std::uint64_t barrier = 0;
};

/// Lists, so that a packet's memory is allocated before anything changes, and moving it cannot fail.
using packet_list = std::list<queued_packet>;

class packet_queue {
public:
  static constexpr std::size_t post_limit = std::size_t{1} << 20;

  enum class push_result : unsigned char { queued, must_wake, full };
  /// Whether the caller is going to take from the queue itself before it sleeps.
  enum class taker : unsigned char { others, caller_too };

  push_result push_post(packet_list&& one) noexcept;
  /// Counts a post that push_events() will add later; false at the limit.
  bool admit_post() noexcept;
  /// Packets of the port itself: accepts and REMOVE events.
  push_result push_events(packet_list&& some, taker who) noexcept;

  struct taken {
    packet_list packets;
    bool must_wake;
  };
  /// Takes up to `limit`. `saw_wake`: the caller received a wake, so the next one must be sent anew.
  [[nodiscard]] taken take(std::size_t limit, bool saw_wake) noexcept;

  bool empty() const noexcept { return size_.load(std::memory_order_acquire) == 0; }

private:
  push_result announce() noexcept;

  std::mutex mutex_;
  packet_list packets_;
  std::size_t posts_ = 0;
  bool wake_sent_ = false;
  std::atomic<std::size_t> size_{0};
};

}  // namespace switchboard::notify
