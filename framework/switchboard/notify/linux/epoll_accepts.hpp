#pragma once

/// Accepting as a completion on Linux's epoll(7), which has none (N54): the thread that drains the port accepts.
///
/// How        listeners with pending accepts are in an epoll set of their own, which is readable in the port's set
///            when connections come. So what the listener's registration waits for is not touched.
/// Threads    any.
/// Owns       the set and the pending accepts; each holds the packet it completes with, so that completing cannot fail.
/// Errors     of begin(): returned. Of accepting: in the packet.

#include <cstdint>
#include <map>
#include <mutex>

#include <switchboard/net/descriptor.hpp>
#include <switchboard/notify/packet_queue.hpp>

namespace switchboard::notify {

class epoll_accepts {
public:
  explicit epoll_accepts(packet_queue& completions) noexcept : completions_(&completions) {}

  /// One more accept at `listener`, the socket of that `identity`. `port_set` reports complete() as due with `token`.
  std::error_code begin(int listener, std::uint64_t identity, std::uint64_t key, int port_set,
                        std::uint64_t token) noexcept;
  /// Accepts what waits and queues the completions. The caller takes from the queue before it sleeps.
  void complete() noexcept;
  /// Ends the pending accepts at `listener`, as cancelled or silently.
  packet_queue::push_result cancel(int listener, packet_queue::taker who) noexcept;
  void drop(int listener) noexcept;

private:
  struct listening {
    std::uint64_t identity = 0;
    packet_list pending;
    bool is_armed = false;
  };

  std::error_code open_set(int port_set, std::uint64_t token) noexcept;
  std::error_code arm(int listener, listening& at) noexcept;
  void serve(int listener, packet_list& done) noexcept;

  packet_queue* const completions_;
  std::mutex mutex_;
  net::descriptor set_;
  std::map<int, listening> listeners_;
};

}  // namespace switchboard::notify
