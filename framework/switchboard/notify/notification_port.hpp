#pragma once

/// One queue of socket readiness and posted packets, drained by any number of threads: the contract of Winsock's socket
/// state notifications, the same on every system. Rules N1 to N56 of the notification contract are its specification.
///
/// Threads    every member from any thread, except that destruction ends all use (N55).
/// Owns       the queue and the registrations; never sockets, which must outlive their REMOVE event (N50).
/// Errors     of the call: returned. Of one request: in its `result`, which must be read (N12). Expiry is no error
///            (N41).
/// Batches    packets a thread took count as in its hands until its next process() or wait() with room for output, or
///            release(); a REMOVE event is withheld until every batch taken before it was asked for is released (N49).
/// Accepting  by a listener's IN (N53), or with async_accept(), which hands over connections as packets (N54).

#include <chrono>
#include <concepts>
#include <cstdint>
#include <memory>
#include <span>

#include <switchboard/error/errc.hpp>
#include <switchboard/error/error_or.hpp>
#include <switchboard/net/socket_handle.hpp>
#include <switchboard/notify/registration_id.hpp>

namespace switchboard::notify {

/// What a registration asks for (REGISTER_EVENT_*).
enum class interest : std::uint8_t { none = 0, in = 1, out = 2, hangup = 4, all = 7 };
/// What a packet reports (EVENT_*). err and remove are reported without being asked for (N19).
enum class event : std::uint8_t { none = 0, in = 1, out = 2, hangup = 4, err = 0x40, remove = 0x80 };
enum class operation : std::uint8_t { none = 0, enable = 1, disable = 2, remove = 4 };
/// One of level and edge; neither oneshot nor persistent means persistent (N27).
enum class trigger : std::uint8_t { none = 0, oneshot = 1, persistent = 2, level = 4, edge = 8 };
/// What the caller of an ENABLE knows and the port may use, or not. It is trusted.
enum class hint : std::uint8_t {
  none = 0,
  /// This thread is going to call process() or wait() soon, with room for output, and the kernel may hear of the ENABLE with
  /// that call, or with another thread's.
  wait_follows = 1,
  /// Of a stream, level-triggered and one-shot (N56): since its last packet this very socket was read until a read came back
  /// short or would block, so that the ENABLE need not look for input that came before that read. What arrives later, before
  /// the ENABLE or after it, and the stream's end are reported as always. Said without a read, or of a number that was closed
  /// without REMOVE and is another socket's now (N51), it may lose events.
  drained = 2,
};

template <class Flags>
concept flag_set = std::same_as<Flags, interest> || std::same_as<Flags, event> || std::same_as<Flags, operation> ||
    std::same_as<Flags, trigger> || std::same_as<Flags, hint>;

template <flag_set Flags>
constexpr Flags operator|(Flags a, Flags b) noexcept {
  return static_cast<Flags>(static_cast<std::uint8_t>(a) | static_cast<std::uint8_t>(b));
}
template <flag_set Flags>
constexpr Flags operator&(Flags a, Flags b) noexcept {
  return static_cast<Flags>(static_cast<std::uint8_t>(a) & static_cast<std::uint8_t>(b));
}
template <flag_set Flags>
constexpr Flags& operator|=(Flags& a, Flags b) noexcept {
  return a = a | b;
}
/// Whether `set` has any of `wanted`.
template <flag_set Flags>
constexpr bool has(Flags set, Flags wanted) noexcept {
  return (set & wanted) != static_cast<Flags>(0);
}

inline constexpr trigger level_oneshot = trigger::level | trigger::oneshot;

/// One entry of process()'s request array (SOCK_NOTIFY_REGISTRATION).
struct request {
  net::socket_handle socket = net::socket_handle::invalid;
  std::uint64_t key = 0;
  interest filter = interest::none;
  operation op = operation::none;
  trigger how = level_oneshot;
  hint known = hint::none;   ///< process() itself knows whether a wait follows
  std::error_code result{};  ///< written by process()

  /// Whether filter and trigger are such as ENABLE takes (N27).
  bool is_valid_arm() const noexcept;
};

/// One entry of the output (OVERLAPPED_ENTRY). Classify by key before reading the mask: a posted value may equal any
/// mask (N43).
struct packet {
  std::uint64_t key = 0;
  std::uint64_t value = 0;
  event events() const noexcept { return static_cast<event>(value); }
  /// Of a key that was given to async_accept(): the connection, which belongs to the thread that took the packet, or why there is
  /// none. It goes to net::network::adopt() or port.close().
  error_or<net::socket_handle> accepted() const noexcept;
};

/// What an accept completes with; `accepted` is a socket, or the generic category's number of an error, negated.
constexpr packet packet_of_accept(std::uint64_t key, std::intptr_t accepted) noexcept {
  return {key, static_cast<std::uint64_t>(std::int64_t{accepted})};
}

class notification_port {
public:
  using clock = std::chrono::steady_clock;
  using duration = clock::duration;
  static constexpr duration infinite = duration::max();

  virtual ~notification_port() = default;
  notification_port(const notification_port&) = delete;
  notification_port& operator=(const notification_port&) = delete;

  /// Applies `requests` in order (N37), then waits until a packet is there or `timeout` has passed, never less (N41),
  /// and fills `out` from the front. Returns how many packets; 0 means the timeout passed, or that `out` is empty (then
  /// `timeout` must be zero, N38). Fails with `closed` when the port ends (N55), `invalid_request` for bad arguments.
  [[nodiscard]] virtual error_or<std::size_t> process(std::span<request> requests, std::span<packet> out,
                                                      duration timeout) noexcept = 0;
  /// process() without requests.
  [[nodiscard]] error_or<std::size_t> wait(std::span<packet> out, duration timeout) noexcept {
    return process({}, out, timeout);
  }
  /// Applies one request; its result, or the call's error.
  [[nodiscard]] std::error_code apply(request wanted) noexcept {
    const auto done = process({&wanted, 1}, {}, duration::zero());
    return done ? wanted.result : done.error();
  }
  /// Queues a packet of the caller's own; wakes one waiter (N42).
  [[nodiscard]] virtual std::error_code post(std::uint64_t key, std::uint64_t value) noexcept = 0;
  /// Accepts one connection of `listener`, which is registered here, and delivers it as a packet with `key`, another
  /// than the registration's (N54); packet::accepted() has it, non-blocking. Up to accept_limit may be pending at a
  /// listener, whatever its registration waits for. REMOVE completes each with operation_canceled ahead of its own
  /// event; close() and the end of the port drop them silently.
  [[nodiscard]] virtual std::error_code async_accept(net::socket_handle listener, std::uint64_t key) noexcept = 0;
  static constexpr std::size_t accept_limit = 256;
  /// This thread is done with the packets it took (N49).
  virtual void release() noexcept = 0;
  /// Deregisters and closes the socket, silently (N51).
  virtual std::error_code close(net::socket_handle socket) noexcept = 0;
  /// The port's clock: the system's steady one, or simulated time.
  virtual clock::time_point now() const noexcept = 0;

  // Registrations by name, an addition to Winsock's contract. A name needs no search for the socket, and a call that
  // comes too late cannot reach the socket that has the number by then. Level-triggered and one-shot.

  /// ENABLE of `socket`. `name` is written before a packet of the registration can come.
  [[nodiscard]] virtual std::error_code add(net::socket_handle socket, std::uint64_t key, interest filter,
                                            registration_id& name) noexcept = 0;
  /// ENABLE of a registration there is: `not_registered` after its end, `removing` once its removal was asked for.
  [[nodiscard]] virtual std::error_code rearm(registration_id which, interest filter,
                                              hint known = hint::none) noexcept = 0;
  /// REMOVE; the same errors.
  [[nodiscard]] virtual std::error_code remove(registration_id which) noexcept = 0;
  /// post(), withheld as a REMOVE event is: the packet comes once every batch taken before is released (N49). So a caller
  /// may free what belonged to a registration that the port has lost (N51, N52).
  [[nodiscard]] virtual std::error_code post_after_batches(std::uint64_t key, std::uint64_t value) noexcept = 0;

protected:
  notification_port() = default;
};

}  // namespace switchboard::notify
