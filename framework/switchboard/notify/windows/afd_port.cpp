#include "afd_device.hpp"
#include "iocp_port.hpp"

#include <array>
#include <atomic>
#include <list>
#include <mutex>
#include <new>
#include <vector>

namespace switchboard::notify {
namespace {

/// How many registrations share a device handle: the driver looks through all requests of one to cancel one.
constexpr std::size_t registrations_per_device = 32;

constexpr NTSTATUS invalid_handle = static_cast<NTSTATUS>(0xC0000008);

struct device_group {
  afd_device device;
  std::size_t members = 0;
};

class afd_port;

/// The one poll of a registration. Two at once would each take events from the other.
struct socket_poll final : attachment {
  void abandon() noexcept override;

  afd_request request;
  afd_port* owner = nullptr;
  device_group* group = nullptr;
  net::socket_handle socket = net::socket_handle::invalid;
  SOCKET base = INVALID_SOCKET;
  /// Of the arm that the request was started for: what it sees is not reported for a later arm.
  std::uint32_t serial = 0;
  bool is_in_kernel = false;
  bool is_abandoned = false;
  /// Of an edge: conditions that were reported and are not polled for again, because they stay true.
  ULONG reported = 0;
};

/// A persistent registration whose packet has been taken: it is polled again before the next look (N35), when the taker
/// has read what made it ready.
struct due_poll {
  net::socket_handle socket;
  std::uint32_t serial;
};

ULONG conditions(interest filter, bool is_stream) noexcept {
  // Failure and closing are always reported; a datagram socket has no connection that could be aborted (N21).
  ULONG events = afd::local_close | afd::connect_fail;
  if (is_stream) events |= afd::abort;
  if (has(filter, interest::in)) events |= afd::receive | afd::accept | (is_stream ? afd::disconnect : 0);
  if (has(filter, interest::out)) events |= afd::send;
  if (has(filter, interest::hangup) && is_stream) events |= afd::disconnect;
  return events;
}

event reportable(ULONG happened, interest filter, bool is_stream) noexcept {
  auto events = event::none;
  if ((happened & (afd::receive | afd::accept | afd::disconnect)) && has(filter, interest::in)) events |= event::in;
  if ((happened & afd::send) && has(filter, interest::out)) events |= event::out;
  if (is_stream && (happened & (afd::disconnect | afd::abort)) && has(filter, interest::hangup))
    events |= event::hangup;
  if (happened & (afd::connect_fail | afd::abort)) events |= event::err;
  return events;
}

class afd_port final : public iocp_port {
public:
  explicit afd_port(completion_port port) noexcept : iocp_port(std::move(port)) {}
  ~afd_port() override { end_and_drain(); }

  void release() noexcept override;
  void cancel(socket_poll& poll) noexcept { poll.group->device.cancel(poll.request); }
  void destroy(socket_poll& poll) noexcept;

private:
  std::error_code arm(registration& entry, const request& wanted, std::uint32_t serial) noexcept override;
  std::error_code disarm(registration& entry, net::socket_handle socket) noexcept override;
  std::error_code forget(registration& entry, net::socket_handle socket) noexcept override;
  void before_looking() noexcept override;
  bool translate(const OVERLAPPED_ENTRY& from, packet& into) noexcept override;
  bool is_idle() const noexcept override { return in_kernel_.load(std::memory_order_acquire) == 0; }

  error_or<socket_poll*> make_poll(net::socket_handle socket) noexcept;
  error_or<device_group*> join_group() noexcept;
  std::error_code start(socket_poll& poll, ULONG events, std::uint32_t serial) noexcept;
  std::error_code start_again(registration& entry) noexcept;
  void fire(registration& entry, ULONG happened) noexcept;
  void poll_later(registration& entry) noexcept;

  std::mutex mutex_;  ///< of the groups and of what is due
  std::list<device_group> groups_;
  std::vector<due_poll> due_;
  std::atomic<std::size_t> due_count_{0};
  std::atomic<std::size_t> in_kernel_{0};
};

void socket_poll::abandon() noexcept {
  is_abandoned = true;
  if (is_in_kernel) {
    owner->cancel(*this);
  } else {
    owner->destroy(*this);
  }
}

socket_poll& poll_of(const registration& entry) noexcept {
  return static_cast<socket_poll&>(*entry.attached);
}

// ------------------------------------------------------------------------------------------------------ requests

error_or<device_group*> afd_port::join_group() noexcept try {
  const std::scoped_lock hold(mutex_);
  for (auto& each : groups_)
    if (each.members < registrations_per_device) {
      ++each.members;
      return &each;
    }
  auto& made = groups_.emplace_front();
  if (made.device.handle() == nullptr || !port().associate(made.device.handle(), poll_key)) {
    const auto status = made.device.status();
    groups_.pop_front();
    return std::error_code(static_cast<int>(::RtlNtStatusToDosError(status)), std::system_category());
  }
  ++made.members;
  return &made;
} catch (const std::bad_alloc&) {
  return std::make_error_code(std::errc::not_enough_memory);
}

error_or<socket_poll*> afd_port::make_poll(net::socket_handle socket) noexcept {
  const auto base = base_socket(static_cast<SOCKET>(socket));
  if (base == INVALID_SOCKET) return errc::not_a_socket;
  const auto group = join_group();
  if (!group) return group.error();
  auto* const made = new (std::nothrow) socket_poll;
  if (made == nullptr) {
    const std::scoped_lock hold(mutex_);
    --(*group)->members;
    return std::make_error_code(std::errc::not_enough_memory);
  }
  made->owner = this;
  made->group = *group;
  made->socket = socket;
  made->base = base;
  return made;
}

void afd_port::destroy(socket_poll& poll) noexcept {
  {
    const std::scoped_lock hold(mutex_);
    --poll.group->members;
  }
  delete &poll;
}

std::error_code afd_port::arm(registration& entry, const request& wanted, std::uint32_t serial) noexcept {
  if (entry.attached == nullptr) {
    const auto made = make_poll(wanted.socket);
    if (!made) return made.error();
    entry.attached = *made;
  }
  auto& poll = poll_of(entry);
  const auto events = conditions(wanted.filter, entry.is_stream);
  poll.reported = 0;
  if (!poll.is_in_kernel) {
    const auto failure = start(poll, events, serial);
    if (failure && !entry.in_kernel_set) entry.detach();
    return failure;
  }
  // The thread that takes its completion sees that it is not of this arm, and starts the one that is.
  if ((poll.request.asked() & events) != events) cancel(poll);
  return {};
}

std::error_code afd_port::start(socket_poll& poll, ULONG events, std::uint32_t serial) noexcept {
  poll.serial = serial;
  poll.is_in_kernel = true;
  in_kernel_.fetch_add(1, std::memory_order_relaxed);
  const auto status = poll.group->device.start(poll.request, poll.base, events);
  if (status >= 0) return {};
  poll.is_in_kernel = false;
  in_kernel_.fetch_sub(1, std::memory_order_release);
  if (status == invalid_handle) return errc::not_registered;
  return {static_cast<int>(::RtlNtStatusToDosError(status)), std::system_category()};
}

std::error_code afd_port::disarm(registration& entry, net::socket_handle) noexcept {
  if (poll_of(entry).is_in_kernel) cancel(poll_of(entry));
  return {};
}

std::error_code afd_port::forget(registration& entry, net::socket_handle) noexcept {
  entry.detach();
  return {};
}

// ------------------------------------------------------------------------------------------------------- waiting

/// Polls for the events that `entry` waits for at the moment.
std::error_code afd_port::start_again(registration& entry) noexcept {
  auto& poll = poll_of(entry);
  return start(poll, conditions(entry.filter, entry.is_stream) & ~poll.reported, entry.serial);
}

void afd_port::poll_later(registration& entry) noexcept {
  const std::scoped_lock hold(mutex_);
  try {
    due_.push_back({poll_of(entry).socket, entry.serial});
    due_count_.store(due_.size(), std::memory_order_release);
  } catch (const std::bad_alloc&) {
    // At once then: surplus packets rather than none.
    static_cast<void>(start_again(entry));
  }
}

void afd_port::before_looking() noexcept {
  if (due_count_.load(std::memory_order_acquire) == 0) return;
  std::vector<due_poll> due;
  {
    const std::scoped_lock hold(mutex_);
    due.swap(due_);
    due_count_.store(0, std::memory_order_release);
  }
  for (const auto& each : due) {
    auto& entry = *registration_table::of_process().find(static_cast<std::intptr_t>(each.socket));
    const std::scoped_lock hold(entry.lock);
    if (entry.port != this || entry.serial != each.serial || entry.state != registration_state::armed) continue;
    if (poll_of(entry).is_in_kernel) continue;
    // A number that is closed has no registration any more (N51).
    if (start_again(entry) == errc::not_registered) entry.forget();
  }
}

void afd_port::release() noexcept {
  iocp_port::release();
  before_looking();
}

bool afd_port::translate(const OVERLAPPED_ENTRY& from, packet& into) noexcept {
  auto& poll = *CONTAINING_RECORD(afd_request::of(from), socket_poll, request);
  auto& entry = *registration_table::of_process().find(static_cast<std::intptr_t>(poll.socket));
  const std::scoped_lock hold(entry.lock);
  poll.is_in_kernel = false;
  in_kernel_.fetch_sub(1, std::memory_order_release);
  if (poll.is_abandoned) {
    destroy(poll);
    return false;
  }
  if (entry.state != registration_state::armed) return false;
  const auto happened = poll.request.events();
  if (poll.serial == entry.serial && (happened & afd::local_close)) {
    entry.forget();
    return false;
  }
  const auto events = reportable(happened, entry.filter, entry.is_stream);
  if (poll.serial != entry.serial || events == event::none) {
    if (start_again(entry) == errc::not_registered) entry.forget();
    return false;
  }
  into = {entry.key, static_cast<std::uint64_t>(events)};
  fire(entry, happened);
  return true;
}

/// Moves the registration to its state after a delivered packet.
void afd_port::fire(registration& entry, ULONG happened) noexcept {
  if (has(entry.how, trigger::oneshot)) {
    entry.state = registration_state::fired;
    return;
  }
  // What stays true is no edge when it is seen again; reading makes IN false, and so it is asked for again.
  if (has(entry.how, trigger::edge))
    poll_of(entry).reported |= happened & (afd::send | afd::disconnect | afd::abort | afd::connect_fail);
  poll_later(entry);
}

}  // namespace

std::unique_ptr<notification_port> make_afd_port(completion_port port) {
  return std::make_unique<afd_port>(std::move(port));
}

}  // namespace switchboard::notify
