#pragma once

/// Fixtures of the notification port's contract suite. A backend is added by one more `backend` in the backends.cpp of its
/// system.
///
/// NotificationPortContract, NotificationPortDrained, NotificationPortNames and NotificationPortIncidents need any port and any
/// network;
/// NotificationPortOnSystemSockets needs sockets of the operating system that are not connected yet. The others need what
/// not every backend has: NotificationPortWithStrictEdge an EDGE that reports nothing twice,
/// NotificationPortExplainingResets a system that keeps the reason of a reset, NotificationPortWithMovableListeners one
/// that lets a listener's completions go to another port. Tests of one system alone, or one kernel's interface, are in its
/// folder.

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <switchboard/net/network.hpp>
#include <switchboard/notify/notification_port.hpp>

namespace switchboard::notify {

struct backend {
  std::string name;
  error_or<std::unique_ptr<notification_port>> (*make_port)() noexcept;
  net::network& (*network)() noexcept;
  /// Returns once `socket` has something to read; false when that does not happen within the patience of a test.
  bool (*await_readable)(net::socket_handle socket);
  /// The socket without its transport, for tests that close it through the port.
  net::socket_handle (*detach)(std::unique_ptr<net::transport> from);
  /// For waits on a port that another thread is going to end.
  notification_port::duration longest_wait;

  friend std::ostream& operator<<(std::ostream& out, const backend& self) { return out << self.name; }
};

using namespace std::chrono_literals;

/// How long a test waits for what must happen.
inline constexpr auto patience = 10s;
/// The same by the system's clock, for what other threads have to do; short where a fault is to make a test fail.
std::chrono::nanoseconds patience_with_threads();
/// How long a test watches for what must not happen.
inline constexpr auto quiet_time = 20ms;

/// How long an idle wait is watched, and what it may cost then, sanitizers included.
inline constexpr auto watch_time = 100ms;
inline constexpr auto idle_cpu_limit = 20ms;

/// Both ends of a connection.
struct link {
  std::unique_ptr<net::transport> near;
  std::unique_ptr<net::transport> far;
};

void send(net::transport& to, std::string_view text);
/// Reads until a read would block, the end of the stream, or an error.
std::string drain(net::transport& from);
/// What one read gives, into a buffer that is larger than what a test sends.
std::string read_once(net::transport& from);
net::io_outcome outcome_of_read(net::transport& from);
/// Writes until a write would block. @return the bytes written.
std::size_t fill(net::transport& to);
/// Processor time that the calling thread has used.
std::chrono::nanoseconds cpu_time();
/// The system's number for the calling thread.
std::uint64_t thread_number();
/// Whether the system has put that thread to sleep.
bool is_asleep(std::uint64_t thread);
/// Polls `condition` until it holds or the time is over, by the system's clock.
bool eventually(const std::function<bool()>& condition,
                std::chrono::steady_clock::duration within = patience_with_threads());

class NotificationPortContract : public testing::TestWithParam<backend> {
protected:
  std::unique_ptr<notification_port> make_port() const;
  link make_link() const;
  std::unique_ptr<net::listener> listen() const;
  void await_readable(const net::transport& at) const;
  /// `near` sees the connection reset: `far` closes with unread bytes.
  void reset(link& pair) const;

  /// The connection in `completed`, the packet of an accept with `key`.
  std::unique_ptr<net::transport> accept_completed(const std::optional<packet>& completed, std::uint64_t key) const;

  notification_port& port() { return *port_; }
  void end_port() { port_.reset(); }
  void renew_port() { port_ = make_port(); }

  static request arm(const net::transport& socket, std::uint64_t key, interest filter, trigger how = level_oneshot);
  static request arm(net::socket_handle socket, std::uint64_t key, interest filter, trigger how = level_oneshot);
  /// Level-triggered and one-shot, of a socket that was drained since its last packet (N56).
  static request arm_drained(const net::transport& socket, std::uint64_t key, interest filter);
  static request disable(const net::transport& socket);
  static request remove(const net::transport& socket);
  /// The packets of one wait with room for many.
  static std::vector<packet> take(notification_port& from, notification_port::duration timeout = patience);
  /// The next packet, alone.
  static std::optional<packet> next(notification_port& from, notification_port::duration timeout = patience);
  static testing::AssertionResult is_quiet(notification_port& port, notification_port::duration how_long = quiet_time);
  /// Quiet, and asleep rather than spinning.
  static testing::AssertionResult is_quiet_without_cpu(notification_port& port);

private:
  std::unique_ptr<notification_port> port_ = make_port();
};

class NotificationPortWithStrictEdge : public NotificationPortContract {};
class NotificationPortExplainingResets : public NotificationPortContract {};
class NotificationPortWithMovableListeners : public NotificationPortContract {};
class NotificationPortOnSystemSockets : public NotificationPortContract {};
/// Registrations by name, which the contract does not have.
class NotificationPortNames : public NotificationPortContract {
protected:
  registration_id add(const net::transport& socket, std::uint64_t key, interest filter);
};
/// A connection whose reader says at each arm that it has drained its end (N56). Its key is 1.
class NotificationPortDrained : public NotificationPortContract {
protected:
  /// A message arrives and is read; its registration has fired then.
  void pass_message(std::string_view text);
  void arm_drained_for(interest filter);
  /// Armed as drained, twice: a port that keeps such arms to itself has begun to.
  void begin(interest filter);
  /// The same, and one message more has been read since.
  void begin_fired(interest filter);
  void arrive(std::string_view text);
  /// A packet about the end comes, and a read finds it.
  void expect_end();
  /// Threads that take one packet at a time, until one of key 0 is posted.
  std::vector<std::jthread> serve_with(std::size_t threads, const std::function<void(const packet&)>& serve);

  link pair = make_link();
};
/// Bugs that other libraries had.
class NotificationPortIncidents : public NotificationPortContract {};
#ifdef __linux__
class NotificationPortOnLinux : public NotificationPortContract {};
class NotificationPortOnEpoll : public NotificationPortDrained {};
#endif

/// Holds a thread until another opens it, once for each opening. Not std::binary_semaphore, which with libstdc++ 12 can
/// sleep through its release where there is no futex.
class gate {
public:
  void open();
  void pass();
  bool passes_within(std::chrono::steady_clock::duration limit);

private:
  std::mutex lock_;
  std::condition_variable opened_;
  bool is_open_ = false;
};

/// A thread that waits in the port.
class waiter {
public:
  /// @param waiting  what the thread does: a call of the port that waits, and whatever follows it.
  explicit waiter(std::function<void()> waiting);
  /// Waits until the system has put the thread to sleep; false where it did not in time.
  bool is_asleep() const;

private:
  std::atomic<std::uint64_t> thread_number_ = 0;
  std::jthread thread_;
};

/// A thread that takes one batch and holds it until release().
class holder {
public:
  holder(
      notification_port& port, std::function<void()> then = [] {});
  ~holder() { release(); }
  /// Waits for the batch; false when none came.
  bool has_taken() { return taken_.passes_within(patience_with_threads()); }
  void release();
  void join();

private:
  gate taken_;
  gate go_;
  bool is_released_ = false;
  std::jthread thread_;
};

inline bool operator==(const packet& a, const packet& b) {
  return a.key == b.key && a.value == b.value;
}
inline void PrintTo(const packet& shown, std::ostream* out) {
  *out << "{key " << shown.key << ", value " << shown.value << '}';
}
constexpr packet packet_of(std::uint64_t key, event events) {
  return {key, static_cast<std::uint64_t>(events)};
}

}  // namespace switchboard::notify
