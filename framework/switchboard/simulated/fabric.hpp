#pragma once

/// What a simulated world is made of: its sockets, what is under way between them, and the clock. Network and ports are
/// views of it.
/// Threads    every member with `mutex()` held, but for changes() and tell_waiters().
/// Owns       the sockets, by number.

#include <array>
#include <chrono>
#include <deque>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include <switchboard/net/transport.hpp>
#include <switchboard/notify/notification_port.hpp>
#include <switchboard/simulated/change_count.hpp>
#include <switchboard/simulated/dice.hpp>
#include <switchboard/simulated/fault.hpp>
#include <switchboard/simulated/weather.hpp>

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

/// A socket's place on a port. It belongs to at most one (N3), so it has one.
struct registration {
  enum class state : unsigned char { armed, fired, disabled, removing };

  std::uint64_t port = 0;        ///< 0: none
  std::uint32_t generation = 0;  ///< with the socket's number, the registration's name
  watcher* at = nullptr;
  std::uint64_t key = 0;
  state now = state::disabled;
  notify::interest filter = notify::interest::none;
  notify::trigger how = notify::trigger::none;
  notify::event risen = notify::event::none;     ///< since the last packet: what an edge tells of
  notify::event spurious = notify::event::none;  ///< told though it is not so
  bool needs_change = false;                     ///< tells of what has risen only: an edge
  std::uint64_t listing = 0;                     ///< its place among what the port looks at; 0: none
  std::uint64_t served_by = 0;                   ///< the call that took its last packet
  std::thread::id thread;                        ///< for the faults about threads: who armed, or was served
  std::deque<std::uint64_t> accepts;             ///< keys of those under way (N54)
};

enum class socket_kind : unsigned char { stream, listener, datagram };

/// Names a socket for longer than its number does.
struct socket_name {
  net::socket_handle handle = net::socket_handle::invalid;
  std::uint64_t identity = 0;
};

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
  notify::event conditions = notify::event::none;  ///< as they were last

  // Streams.
  socket_name other;
  bool is_connecting = false;
  bool is_dead = false;  ///< refused or reset: nothing moves any more
  bool was_refused = false;
  bool end_arrived = false;
  bool write_shut = false;
  std::error_code error;  ///< pending
  std::string unread;     ///< from `read_to` on
  std::size_t read_to = 0;
  std::deque<segment> arriving;  ///< under way to this socket, in order
  std::size_t arriving_bytes = 0;
  std::chrono::steady_clock::time_point last_arrival{};
  std::chrono::steady_clock::time_point reads_from{};   ///< until then reads would block
  std::chrono::steady_clock::time_point writes_from{};  ///< the same of writes

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

class fabric {
public:
  using clock = std::chrono::steady_clock;
  /// As many as Linux keeps unless told otherwise (SOMAXCONN); who comes after is refused.
  static constexpr std::size_t backlog_limit = 4096;
  /// More failures in a row than that are no transient ones (N17).
  static constexpr int failures_in_a_row_limit = 2;

  explicit fabric(std::uint64_t seed) : dice_(seed) {}
  ~fabric();
  fabric(const fabric&) = delete;
  fabric& operator=(const fabric&) = delete;

  std::mutex& mutex() const noexcept { return mutex_; }
  dice& chances() noexcept { return dice_; }
  weather& conditions() noexcept { return weather_; }
  bool broken(fault rule) const noexcept { return broken_ == rule; }
  void break_rule(fault rule) noexcept { broken_ = rule; }
  enum class attempt : unsigned char { call, request, accept };
  /// Whether something that can fail does now.
  bool fails(attempt what) noexcept;

  /// A number for a new port.
  std::uint64_t next_port_number() noexcept { return ++ports_; }
  /// Counts a re-arm; whether it is the one that is to be lost.
  bool loses_this_rearm() noexcept { return rearms_++ == lost_rearm_; }
  void lose_rearm(std::uint64_t number) noexcept { lost_rearm_ = rearms_ + number; }
  std::uint64_t rearms() const noexcept { return rearms_; }

  // Time.

  clock::time_point now() const noexcept { return now_; }
  void schedule(clock::time_point when, std::function<void()> what);
  std::optional<clock::time_point> next_event() const noexcept;
  /// Moves the clock, and lets happen what is due by then. The clock never goes back.
  void advance_to(clock::time_point when);

  // Waiting for other threads.

  const change_count& changes() const noexcept { return changes_; }
  void tell_waiters() noexcept { changes_.advance(); }

  // Sockets.

  socket& open(socket_kind kind);
  socket* find(net::socket_handle handle) const noexcept;
  socket* find(const socket_name& name) const noexcept;
  void close(socket& one);
  std::size_t size() const noexcept { return open_count_; }
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (const auto& each : sockets_)
      if (each) visit(*each);
  }

  bool is_listened_at(const std::string& where) const noexcept { return listening_.contains(where); }
  void listen(socket& at);
  std::uint16_t free_port() noexcept { return next_port_++; }
  void connect(socket& from, const net::endpoint& to);
  /// The next connection that waits at `at` and lives; null where none does.
  socket* accept(socket& at);

  /// Gives a datagram socket its address; address_in_use where another has it.
  std::error_code bind(socket& at, const net::endpoint& to);
  /// As with any network, nobody says whether it arrives.
  void send_datagram(const socket& from, std::span<const std::byte> bytes, const net::endpoint& to);

  net::io_result shake_hands(socket& at);
  net::io_result read(socket& at, std::span<std::byte> into);
  net::io_result write(socket& at, std::span<const net::const_buffer> pieces);
  std::error_code shut_down(socket& at);
  std::error_code take_error(socket& at);
  void cut(socket& at);

  notify::event conditions_of(const socket& at) const noexcept;
  /// Looks anew at what `at` is ready for, and tells its port.
  void changed(socket& at);

private:
  std::size_t room(const socket& at) const noexcept;
  bool lulls(clock::time_point socket::*until, socket& at);
  void send(const socket& from, segment what);
  void deliver_next(socket_name to);
  void arrive(socket& at, segment what);
  void break_connection(socket& at);
  void meet(socket_name from, const std::string& where);

  mutable std::mutex mutex_;
  dice dice_;
  weather weather_;
  std::optional<fault> broken_;
  std::array<int, 3> failures_in_a_row_{};  // by attempt
  std::uint64_t ports_ = 0;
  std::uint64_t rearms_ = 0;
  std::uint64_t lost_rearm_ = std::numeric_limits<std::uint64_t>::max();
  bool is_next_edge_lost_ = false;

  clock::time_point now_{std::chrono::hours{1}};
  /// By time, and what is due together by the order in which it was scheduled or, in rough weather, by lot.
  std::multimap<std::pair<clock::time_point, std::uint64_t>, std::function<void()>> events_;
  change_count changes_;

  std::vector<std::unique_ptr<socket>> sockets_;
  std::set<std::size_t> free_numbers_;
  std::size_t open_count_ = 0;
  std::uint64_t identities_ = 0;
  std::map<std::string, socket_name> listening_;
  std::map<std::string, socket_name> bound_;  // datagram sockets
  std::uint16_t next_port_ = 40'000;
};

}  // namespace switchboard::simulated
