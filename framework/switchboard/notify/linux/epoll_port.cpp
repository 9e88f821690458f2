#include "epoll_accepts.hpp"
#include "readiness_mask.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <limits>
#include <mutex>
#include <new>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <switchboard/error/invariant.hpp>
#include <switchboard/net/descriptor.hpp>
#include <switchboard/notify/epoll_port.hpp>
#include <switchboard/notify/kernel_port.hpp>

namespace switchboard::notify {
namespace {

/// Most events that one system call returns; a larger output is filled by the next wait.
constexpr std::size_t batch_limit = 128;
/// What epoll hands back with an event: the descriptor and the serial number of its arm.
constexpr std::uint64_t token(std::uint32_t descriptor, std::uint32_t serial) noexcept {
  return std::uint64_t{serial} << 32 | descriptor;
}
/// No descriptor has these numbers: they are non-negative ints.
constexpr std::uint64_t wake_token = token(std::numeric_limits<std::uint32_t>::max(), 0);
constexpr std::uint64_t accept_token = token(std::numeric_limits<std::uint32_t>::max() - 1, 0);

std::error_code system_error(int number) noexcept {
  return {number, std::system_category()};
}

static_assert(EPOLLIN == POLLIN && EPOLLOUT == POLLOUT && EPOLLRDHUP == POLLRDHUP && EPOLLERR == POLLERR);

std::uint32_t kernel_interest(interest filter, trigger how, bool is_stream) noexcept {
  auto events = mask_of(filter, is_stream);
  if (has(how, trigger::oneshot)) events |= EPOLLONESHOT;
  if (has(how, trigger::edge)) events |= EPOLLET;
  return events;
}

/// Whether the registration at the kernel may be a standing one. The word that the socket is drained says nothing of OUT; and
/// a datagram that is shorter than the buffer is no sign of it.
bool may_stand(const registration& entry, const request& wanted) noexcept {
  return has(wanted.known, hint::drained) && wanted.how == level_oneshot && entry.is_stream &&
         has(wanted.filter, interest::in) && !has(wanted.filter, interest::out);
}

/// What may be there after a read that came back short, with no edge to come: an end that arrived with the last bytes, or what
/// follows urgent data, before which a read stops (tcp(7)).
constexpr std::uint32_t left_by_short_read = EPOLLRDHUP | EPOLLHUP | EPOLLERR | EPOLLPRI;

std::uint32_t standing_interest(interest filter) noexcept {
  return mask_of(filter, true) | left_by_short_read | EPOLLET;
}

class epoll_port final : public kernel_port {
public:
  epoll_port(net::descriptor set, net::descriptor wake) : set_(std::move(set)), wake_(std::move(wake)) {}
  ~epoll_port() override { end(); }

  /// Adds the wake descriptor to the set.
  std::error_code prepare() noexcept;

private:
  std::error_code arm(registration& entry, const request& wanted, std::uint32_t serial) noexcept override;
  std::error_code disarm(registration& entry, net::socket_handle socket) noexcept override;
  std::error_code forget(registration& entry, net::socket_handle socket) noexcept override;
  std::error_code begin_accept(registration& entry, net::socket_handle listener, std::uint64_t key) noexcept override;
  void cancel_accepts(net::socket_handle listener, packet_list& removal, taker who) noexcept override;
  void drop_accepts(net::socket_handle listener) noexcept override;
  std::error_code close_socket(net::socket_handle socket) noexcept override;

  harvest reap(batch_epochs::waiter& self, std::span<packet> out, duration timeout) noexcept override;
  void send_wake() noexcept override { control(EPOLL_CTL_MOD, wake_.get(), EPOLLIN | EPOLLONESHOT, wake_token); }
  void wake_all() noexcept override { control(EPOLL_CTL_MOD, wake_.get(), EPOLLIN, wake_token); }

  int await_events(std::span<epoll_event> into, duration timeout) noexcept;
  bool translate(const epoll_event& from, packet& into) noexcept;
  void mute(registration& entry, int socket) noexcept;
  void fire(registration& entry, int socket, std::uint32_t reported) noexcept;
  void miss(registration& entry, int socket) noexcept;
  std::error_code put_in_set(const registration& entry, int socket, std::uint32_t events, std::uint64_t data) noexcept;
  int control(int operation, int socket, std::uint32_t events, std::uint64_t data) noexcept;

  net::descriptor set_;
  /// Always readable. Armed level-triggered one-shot to wake: that reaches exactly one waiter, stays until one comes,
  /// and needs no reading back.
  net::descriptor wake_;
  epoll_accepts accepts_{queue()};
};

/// The number of a handle that is a socket's.
int as_descriptor(net::socket_handle socket) noexcept {
  return static_cast<int>(socket);
}

std::error_code epoll_port::prepare() noexcept {
  return control(EPOLL_CTL_ADD, wake_.get(), EPOLLONESHOT, wake_token) == 0 ? std::error_code{} : system_error(errno);
}

int epoll_port::control(int operation, int socket, std::uint32_t events, std::uint64_t data) noexcept {
  epoll_event wanted{};
  wanted.events = events;
  wanted.data.u64 = data;
  return ::epoll_ctl(set_.get(), operation, socket, &wanted);
}

// ------------------------------------------------------------------------------------------------------ requests

std::error_code epoll_port::arm(registration& entry, const request& wanted, std::uint32_t serial) noexcept {
  const int socket = as_descriptor(wanted.socket);
  const bool stands = may_stand(entry, wanted);
  const auto events =
      stands ? standing_interest(wanted.filter) : kernel_interest(wanted.filter, wanted.how, entry.is_stream);
  if (const auto failure = put_in_set(entry, socket, events, token(static_cast<std::uint32_t>(socket), serial)))
    return failure;
  entry.standing = stands ? standing_edge::clear : standing_edge::none;
  return {};
}

/// Either call reports what is true already as an edge.
std::error_code epoll_port::put_in_set(const registration& entry, int socket, std::uint32_t events,
                                       std::uint64_t data) noexcept {
  if (entry.in_kernel_set) {
    if (control(EPOLL_CTL_MOD, socket, events, data) == 0) return {};
    if (errno == ENOENT || errno == EBADF || errno == EPERM) return errc::not_registered;
    return system_error(errno);
  }
  if (control(EPOLL_CTL_ADD, socket, events, data) == 0) return {};
  if (errno != EEXIST || control(EPOLL_CTL_MOD, socket, events, data) != 0) return system_error(errno);
  return {};
}

/// A mask of 0 still reports ERR and HUP: only what is out of the set is silent.
std::error_code epoll_port::disarm(registration& entry, net::socket_handle socket) noexcept {
  return forget(entry, socket);
}

std::error_code epoll_port::forget(registration& entry, net::socket_handle socket) noexcept {
  if (entry.in_kernel_set && control(EPOLL_CTL_DEL, as_descriptor(socket), 0, 0) != 0) return system_error(errno);
  entry.in_kernel_set = false;
  entry.standing = standing_edge::none;
  return {};
}

std::error_code epoll_port::begin_accept(registration& entry, net::socket_handle listener, std::uint64_t key) noexcept {
  return accepts_.begin(as_descriptor(listener), entry.identity, key, set_.get(), accept_token);
}

void epoll_port::cancel_accepts(net::socket_handle listener, packet_list&, taker who) noexcept {
  if (accepts_.cancel(as_descriptor(listener), who) == packet_queue::push_result::must_wake) send_wake();
}

void epoll_port::drop_accepts(net::socket_handle listener) noexcept {
  accepts_.drop(as_descriptor(listener));
}

std::error_code epoll_port::close_socket(net::socket_handle socket) noexcept {
  return ::close(as_descriptor(socket)) == 0 || errno == EINTR ? std::error_code{} : system_error(errno);
}

// ------------------------------------------------------------------------------------------------------- waiting

kernel_port::harvest epoll_port::reap(batch_epochs::waiter& self, std::span<packet> out, duration timeout) noexcept {
  harvest got;
  std::array<epoll_event, batch_limit> events;
  const int count = await_events(std::span(events).first(std::min(out.size(), batch_limit)), timeout);
  if (count <= 0) return got;
  got.events = static_cast<std::size_t>(count);
  epochs().begin_batch(self);
  for (const auto& each : std::span(events).first(got.events)) {
    if (each.data.u64 == wake_token) {
      got.saw_wake = true;
    } else if (each.data.u64 == accept_token) {
      accepts_.complete();
      got.saw_accepts = true;
    } else if (translate(each, out[got.packets])) {
      ++got.packets;
    }
  }
  return got;
}

int epoll_port::await_events(std::span<epoll_event> into, duration timeout) noexcept {
  static constinit std::atomic<bool> has_nanoseconds{true};
  const int limit = static_cast<int>(into.size());
  if (has_nanoseconds.load(std::memory_order_relaxed)) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(timeout);
    const timespec patience{.tv_sec = seconds.count(), .tv_nsec = std::chrono::nanoseconds(timeout - seconds).count()};
    const int count =
        ::epoll_pwait2(set_.get(), into.data(), limit, timeout == infinite ? nullptr : &patience, nullptr);
    if (count >= 0 || (errno != ENOSYS && errno != EPERM)) {
      SWITCHBOARD_INVARIANT(count >= 0 || errno == EINTR, "the port's epoll set is gone");
      return count;
    }
    has_nanoseconds.store(false, std::memory_order_relaxed);
  }
  // Before Linux 5.11: milliseconds, rounded up, as a wait never ends early (N41).
  constexpr int longest = std::numeric_limits<int>::max();
  const auto patience =
      std::chrono::ceil<std::chrono::milliseconds>(std::min<duration>(timeout, std::chrono::hours(24)));
  const int count =
      ::epoll_wait(set_.get(), into.data(), limit,
                   timeout == infinite ? -1 : static_cast<int>(std::min<std::int64_t>(patience.count(), longest)));
  SWITCHBOARD_INVARIANT(count >= 0 || errno == EINTR, "the port's epoll set is gone");
  return count;
}

/// Makes a packet of what the kernel reported, unless it is about an arm that is no more or shows nothing that was
/// asked for.
bool epoll_port::translate(const epoll_event& from, packet& into) noexcept {
  const int socket = static_cast<int>(static_cast<std::uint32_t>(from.data.u64));
  auto& entry = *registration_table::of_process().find(socket);
  const std::scoped_lock hold(entry.lock);
  if (entry.port != this || entry.serial != from.data.u64 >> 32) return false;
  if (entry.state != registration_state::armed) {
    miss(entry, socket);
    return false;
  }
  const auto events = reportable(from.events, entry.filter, entry.is_stream);
  if (events == event::none) {
    mute(entry, socket);
    return false;
  }
  into = {entry.key, static_cast<std::uint64_t>(events)};
  fire(entry, socket, from.events);
  return true;
}

/// HUP was reported and was not asked for: level-triggered it would be reported for ever, and as a one-shot it has used up
/// an arm that still waits for something else. Edge-triggered and persistent, the kernel reports the next change only.
void epoll_port::mute(registration& entry, int socket) noexcept {
  const bool is_persistent_edge = entry.how == trigger::edge || entry.how == (trigger::edge | trigger::persistent);
  if (entry.is_muted || is_persistent_edge || entry.standing != standing_edge::none) return;
  const auto events = kernel_interest(entry.filter, trigger::edge, entry.is_stream);
  if (control(EPOLL_CTL_MOD, socket, events, token(static_cast<std::uint32_t>(socket), entry.serial)) == 0)
    entry.is_muted = true;
}

/// Moves the registration to its state after a delivered packet.
void epoll_port::fire(registration& entry, int socket, std::uint32_t reported) noexcept {
  if (has(entry.how, trigger::oneshot)) {
    entry.state = registration_state::fired;
    if (entry.standing != standing_edge::none && (reported & left_by_short_read))
      entry.standing = standing_edge::missed;
    // Muted, the kernel does not know of the one-shot.
    if (!std::exchange(entry.is_muted, false)) return;
    control(EPOLL_CTL_DEL, socket, 0, 0);
    entry.in_kernel_set = false;
  } else if (std::exchange(entry.is_muted, false)) {
    control(EPOLL_CTL_MOD, socket, kernel_interest(entry.filter, entry.how, entry.is_stream),
            token(static_cast<std::uint32_t>(socket), entry.serial));
  }
}

/// A registration that stands has reported an edge after its one-shot fired: the next arm looks for what it was about. A
/// second one takes it out of the set, so that a socket which stays fired does not go on waking threads (N32).
void epoll_port::miss(registration& entry, int socket) noexcept {
  if (entry.standing == standing_edge::missed)
    static_cast<void>(forget(entry, static_cast<net::socket_handle>(socket)));
  else if (entry.standing == standing_edge::clear)
    entry.standing = standing_edge::missed;
}

}  // namespace

error_or<std::unique_ptr<notification_port>> make_epoll_port() noexcept try {
  net::descriptor set(::epoll_create1(EPOLL_CLOEXEC));
  if (!set) return system_error(errno);
  net::descriptor wake(::eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake) return system_error(errno);
  auto port = std::make_unique<epoll_port>(std::move(set), std::move(wake));
  if (const auto failure = port->prepare()) return failure;
  return std::unique_ptr<notification_port>(std::move(port));
} catch (const std::bad_alloc&) {
  return std::make_error_code(std::errc::not_enough_memory);
}

}  // namespace switchboard::notify
