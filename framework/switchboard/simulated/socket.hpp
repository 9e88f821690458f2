#pragma once

/// A socket of a simulated world, and its registration at a notification port.
/// Threads    with the fabric's mutex held.

#include <chrono>
#include <cstdint>
#include <deque>
#include <string>
#include <system_error>
#include <thread>

#include <switchboard/net/endpoint.hpp>
#include <switchboard/net/socket_handle.hpp>
#include <switchboard/notify/notification_port.hpp>

namespace switchboard::simulated {

struct socket;

/// A port, as the sockets that are registered there see it.
class watcher {
public:
  /// What `at` is ready for may have changed.
  virtual void on_change(socket& at) = 0;
  /// `at` is closed, and its registration with it.
  virtual void on_close(socket& at) = 0;

protected:
  ~watcher() = default;
};

/// A socket belongs to one port at most (N3), so it has room for one registration.
struct registration {
  enum class state : unsigned char { armed, fired, disabled, removing };

  std::uint64_t port = 0;        ///< 0: none
  std::uint32_t generation = 0;  ///< with the socket's number, the registration's name
  watcher* at = nullptr;
  std::uint64_t key = 0;
  state now = state::disabled;
  notify::interest filter = notify::interest::none;
  notify::trigger how = notify::trigger::none;
  notify::event risen = notify::event::none;     ///< conditions that began to hold since the last packet
  notify::event spurious = notify::event::none;  ///< reported though they do not hold
  bool needs_change = false;                     ///< edge-triggered: reports `risen` only
  std::uint64_t listing = 0;                     ///< its number in the port's ready list; 0: not in it
  std::uint64_t served_by = 0;                   ///< the call that took its last packet
  std::thread::id thread;                        ///< that armed it, or took its packet; for the faults about threads
  std::deque<std::uint64_t> accepts;             ///< keys of outstanding asynchronous accepts (N54)
};

enum class socket_kind : unsigned char { stream, listener, datagram };

/// Names one socket, and no other one ever; its number (`handle`) may later be another socket's.
struct socket_name {
  net::socket_handle handle = net::socket_handle::invalid;
  std::uint64_t identity = 0;
};

/// What one end of a connection sends to the other.
struct segment {
  enum class kind : unsigned char { data, end, reset };
  kind what;
  std::string bytes;
};

struct socket {
  socket_name name;
  socket_kind kind = socket_kind::stream;
  net::endpoint local;
  net::endpoint peer;
  registration registered;
  notify::event conditions = notify::event::none;  ///< as they were when last computed

  // Streams.
  socket_name other;
  bool is_connecting = false;
  bool is_dead = false;  ///< refused or reset: no byte moves any more
  bool was_refused = false;
  bool end_arrived = false;
  bool write_shut = false;
  bool is_drained = false;  ///< by a read, or an accept, since the registration's last packet
  std::error_code error;    ///< pending
  std::string unread;       ///< from `read_to` on
  std::size_t read_to = 0;
  std::deque<segment> arriving;  ///< in flight to this socket, in order
  std::size_t arriving_bytes = 0;
  std::chrono::steady_clock::time_point last_arrival{};
  std::chrono::steady_clock::time_point reads_from{};   ///< until then reads would block
  std::chrono::steady_clock::time_point writes_from{};  ///< until then writes would block

  // Listeners.
  std::deque<socket_name> backlog;

  // Datagram sockets.
  struct datagram {
    std::string bytes;
    net::endpoint from;
  };
  std::deque<datagram> datagrams;

  std::size_t unread_bytes() const noexcept { return unread.size() - read_to; }
};

}  // namespace switchboard::simulated
