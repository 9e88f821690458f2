#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <limits>
#include <mutex>
#include <new>
#include <optional>
#include <thread>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <switchboard/error/invariant.hpp>
#include <switchboard/net/linux/descriptor.hpp>
#include <switchboard/notify/batch_epochs.hpp>
#include <switchboard/notify/epoll_accepts.hpp>
#include <switchboard/notify/epoll_port.hpp>
#include <switchboard/notify/packet_queue.hpp>
#include <switchboard/notify/registration_table.hpp>

namespace switchboard::notify {
namespace {

/// Most events one system call brings; a larger output is filled by the next wait.
constexpr std::size_t batch_limit = 128;
/// How often a poll (timeout 0) that met only events to be dropped looks again.
constexpr int poll_attempts = 16;

/// What epoll hands back with an event: the descriptor and the generation of its arm.
constexpr std::uint64_t token(std::uint32_t descriptor, std::uint32_t generation) noexcept {
  return std::uint64_t{generation} << 32 | descriptor;
}
/// No descriptor has these numbers: they are non-negative ints.
constexpr std::uint64_t wake_token = token(std::numeric_limits<std::uint32_t>::max(), 0);
constexpr std::uint64_t accept_token = token(std::numeric_limits<std::uint32_t>::max() - 1, 0);

std::error_code system_error(int number) noexcept {
  return {number, std::system_category()};
}

/// What the kernel says a descriptor is just now; nothing where it is no socket (N2).
struct socket_facts {
  std::uint64_t identity;
  bool is_stream;

  static std::optional<socket_facts> of(int descriptor) noexcept {
    int type = 0;
    socklen_t size = sizeof type;
    if (getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &size) != 0) return std::nullopt;
    std::uint64_t identity = 0;
    size = sizeof identity;
    if (getsockopt(descriptor, SOL_SOCKET, SO_COOKIE, &identity, &size) != 0) {
      // A kernel that emulates Linux may lack the cookie; the inode's number comes close.
      struct stat file {};
      if (::fstat(descriptor, &file) != 0) return std::nullopt;
      identity = file.st_ino;
    }
    return socket_facts{identity, type == SOCK_STREAM || type == SOCK_SEQPACKET};
  }
};

template <class Flags>
constexpr bool only(Flags set, Flags allowed) noexcept {
  return (set & allowed) == set;
}

bool is_valid_arm(const request& wanted) noexcept {
  constexpr auto known = trigger::oneshot | trigger::persistent | trigger::level | trigger::edge;
  return only(wanted.filter, interest::all) && only(wanted.how, known) &&
         has(wanted.how, trigger::level) != has(wanted.how, trigger::edge) &&
         !(has(wanted.how, trigger::oneshot) && has(wanted.how, trigger::persistent));
}

std::uint32_t kernel_interest(interest filter, trigger how, bool is_stream) noexcept {
  std::uint32_t events = 0;
  if (has(filter, interest::in)) events |= EPOLLIN;
  if (has(filter, interest::out)) events |= EPOLLOUT;
  // A datagram socket shut down for reading shows RDHUP too, and must not (N21).
  if (has(filter, interest::hangup) && is_stream) events |= EPOLLRDHUP;
  if (has(how, trigger::oneshot)) events |= EPOLLONESHOT;
  if (has(how, trigger::edge)) events |= EPOLLET;
  return events;
}

/// HUP alone is not translated: it cannot be masked, a TCP socket that never was connected shows it, and wherever a
/// stream really ended RDHUP accompanies it, as do IN and OUT.
event reportable(std::uint32_t happened, interest filter) noexcept {
  auto events = event::none;
  if ((happened & EPOLLIN) && has(filter, interest::in)) events |= event::in;
  if ((happened & EPOLLOUT) && has(filter, interest::out)) events |= event::out;
  if ((happened & EPOLLRDHUP) && has(filter, interest::hangup)) events |= event::hangup;
  if (happened & EPOLLERR) events |= event::err;
  return events;
}

class epoll_port final : public notification_port, private batch_epochs::sink {
public:
  epoll_port(net::descriptor set, net::descriptor wake)
      : set_(std::move(set)),
        wake_(std::move(wake)),
        epochs_(std::make_shared<batch_epochs>(static_cast<batch_epochs::sink&>(*this))) {}
  ~epoll_port() override;

  /// Lets the set know the wake descriptor.
  std::error_code prepare() noexcept;

  error_or<std::size_t> process(std::span<request> requests, std::span<packet> out, duration timeout) noexcept override;
  std::error_code post(std::uint64_t key, std::uint64_t value) noexcept override;
  std::error_code async_accept(net::socket_handle listener, std::uint64_t key) noexcept override;
  void release() noexcept override;
  std::error_code close(net::socket_handle socket) noexcept override;
  bool batches_requests() const noexcept override { return false; }
  clock::time_point now() const noexcept override { return clock::now(); }

private:
  struct harvest {
    std::size_t events = 0;   ///< the kernel gave
    std::size_t packets = 0;  ///< became of them
    bool saw_wake = false;
    bool saw_accepts = false;  ///< whose completions are in the queue now
  };

  std::error_code apply_one(const request& wanted, packet_queue::taker who) noexcept;
  std::error_code enable(const request& wanted) noexcept;
  std::error_code enable_anew(registration& entry, const request& wanted) noexcept;
  std::error_code disable(const request& wanted) noexcept;
  std::error_code remove(const request& wanted, packet_queue::taker who) noexcept;

  std::size_t dequeue(batch_epochs::waiter& self, std::span<packet> out, duration timeout) noexcept;
  harvest gather(batch_epochs::waiter& self, std::span<packet> out, duration timeout) noexcept;
  harvest harvest_sockets(batch_epochs::waiter& self, std::span<packet> out, duration timeout) noexcept;
  bool translate(const epoll_event& from, packet& into) noexcept;
  void mute(registration& entry, int socket) noexcept;
  void fire(registration& entry, int socket) noexcept;
  std::size_t take_queued(std::span<packet> out, bool saw_wake) noexcept;
  std::size_t queue_share(std::size_t capacity) noexcept;
  int await_events(std::span<epoll_event> into, duration timeout) noexcept;

  void deliver(packet_list&& removals, packet_queue::taker who) noexcept override;
  int control(int operation, int socket, std::uint32_t events, std::uint64_t data) noexcept;
  void send_wake() noexcept { control(EPOLL_CTL_MOD, wake_.get(), EPOLLIN | EPOLLONESHOT, wake_token); }
  bool is_live(const registration& entry, int socket) const noexcept;
  std::error_code require_registered(registration& entry, int socket) const noexcept;

  net::descriptor set_;
  /// Always readable. Armed level-triggered one-shot to wake: that reaches exactly one waiter, stays until one comes,
  /// and needs no reading back.
  net::descriptor wake_;
  packet_queue queue_;
  epoll_accepts accepts_{queue_};
  std::shared_ptr<batch_epochs> epochs_;
  std::atomic<unsigned> turn_{0};
  std::atomic<bool> is_closing_{false};
};

int as_descriptor(net::socket_handle socket) noexcept {
  const auto number = static_cast<std::intptr_t>(socket);
  return number < 0 || number > std::numeric_limits<int>::max() ? -1 : static_cast<int>(number);
}

// ---------------------------------------------------------------------------------------------------------- life

std::error_code epoll_port::prepare() noexcept {
  return control(EPOLL_CTL_ADD, wake_.get(), EPOLLONESHOT, wake_token) == 0 ? std::error_code{} : system_error(errno);
}

epoll_port::~epoll_port() {
  is_closing_.store(true, std::memory_order_seq_cst);
  // A waiter may still replace the level-triggered wake by one for a single other: hence again, until all have left.
  while (epochs_->anybody_inside()) {
    control(EPOLL_CTL_MOD, wake_.get(), EPOLLIN, wake_token);
    std::this_thread::yield();
  }
  epochs_->close();
  registration_table::of_process().forget_all(*this);
  // Connections that nobody took.
  for (const auto& each : queue_.take(std::numeric_limits<std::size_t>::max(), false).packets)
    if (each.from == queued_packet::origin::accept)
      if (const auto socket = each.content.accepted()) ::close(as_descriptor(*socket));
}

int epoll_port::control(int operation, int socket, std::uint32_t events, std::uint64_t data) noexcept {
  epoll_event wanted{};
  wanted.events = events;
  wanted.data.u64 = data;
  return ::epoll_ctl(set_.get(), operation, socket, &wanted);
}

/// Whether `entry`, which some port has, still is about the socket that `socket` names: a number closed without REMOVE
/// and given out again is not (N51).
bool epoll_port::is_live(const registration& entry, int socket) const noexcept {
  const auto facts = socket_facts::of(socket);
  return facts && facts->identity == entry.identity;
}

/// Why `entry`, found under the number of `socket`, is not a registration to work with here.
std::error_code epoll_port::require_registered(registration& entry, int socket) const noexcept {
  if (entry.port != this) return errc::not_registered;
  if (!is_live(entry, socket)) {
    if (entry.state != registration_state::removing) entry.forget();
    return errc::not_registered;
  }
  return entry.state == registration_state::removing ? errc::removing : std::error_code{};
}

// ------------------------------------------------------------------------------------------------------ requests

std::error_code epoll_port::apply_one(const request& wanted, packet_queue::taker who) noexcept {
  switch (wanted.op) {
    case operation::none:
      return {};
    case operation::enable:
      return enable(wanted);
    case operation::disable:
      return disable(wanted);
    case operation::remove:
      return remove(wanted, who);
  }
  return errc::invalid_request;
}

std::error_code epoll_port::enable(const request& wanted) noexcept {
  if (!is_valid_arm(wanted)) return errc::invalid_request;
  const int socket = as_descriptor(wanted.socket);
  auto* entry = registration_table::of_process().find(socket);
  if (entry == nullptr) {
    if (!socket_facts::of(socket)) return errc::not_a_socket;
    entry = registration_table::of_process().reach(socket);
    if (entry == nullptr) return std::make_error_code(std::errc::not_enough_memory);
  }
  const std::scoped_lock hold(entry->lock);
  if (entry->port != this || entry->key != wanted.key || !entry->in_kernel_set) return enable_anew(*entry, wanted);

  // The re-arm, which is what this framework does most: one call, and the kernel itself says if the number is another's
  // now.
  const auto generation = entry->generation + 1;
  if (control(EPOLL_CTL_MOD, socket, kernel_interest(wanted.filter, wanted.how, entry->is_stream),
              token(static_cast<std::uint32_t>(socket), generation)) != 0) {
    if (errno != ENOENT && errno != EBADF && errno != EPERM) return system_error(errno);
    entry->forget();
    return enable_anew(*entry, wanted);
  }
  entry->generation = generation;
  entry->state = registration_state::armed;
  entry->filter = wanted.filter;
  entry->how = wanted.how;
  entry->is_muted = false;
  return {};
}

std::error_code epoll_port::enable_anew(registration& entry, const request& wanted) noexcept {
  const int socket = as_descriptor(wanted.socket);
  const auto facts = socket_facts::of(socket);
  if (entry.port != nullptr) {
    if (!facts || facts->identity != entry.identity) {
      entry.forget();
    } else if (entry.port != this) {
      return errc::registered_elsewhere;
    } else if (entry.state == registration_state::removing) {
      return errc::removing;
    } else if (entry.key != wanted.key) {
      return errc::key_mismatch;
    }
  }
  if (!facts) return errc::not_a_socket;
  const auto generation = entry.generation + 1;
  const auto events = kernel_interest(wanted.filter, wanted.how, facts->is_stream);
  const auto data = token(static_cast<std::uint32_t>(socket), generation);
  if (control(EPOLL_CTL_ADD, socket, events, data) != 0 &&
      (errno != EEXIST || control(EPOLL_CTL_MOD, socket, events, data) != 0))
    return system_error(errno);
  entry.generation = generation;
  entry.port = this;
  entry.key = wanted.key;
  entry.identity = facts->identity;
  entry.state = registration_state::armed;
  entry.filter = wanted.filter;
  entry.how = wanted.how;
  entry.is_stream = facts->is_stream;
  entry.in_kernel_set = true;
  entry.is_muted = false;
  return {};
}

std::error_code epoll_port::disable(const request& wanted) noexcept {
  const int socket = as_descriptor(wanted.socket);
  auto* const entry = registration_table::of_process().find(socket);
  if (entry == nullptr) return errc::not_registered;
  const std::scoped_lock hold(entry->lock);
  if (const auto failure = require_registered(*entry, socket)) return failure;
  // A fired one-shot is silent as it is. Anything else must leave the set: a mask of 0 still reports ERR and HUP.
  if (entry->state == registration_state::armed && entry->in_kernel_set) {
    if (control(EPOLL_CTL_DEL, socket, 0, 0) != 0) return system_error(errno);
    entry->in_kernel_set = false;
  }
  ++entry->generation;
  entry->state = registration_state::disabled;
  return {};
}

std::error_code epoll_port::remove(const request& wanted, packet_queue::taker who) noexcept {
  const int socket = as_descriptor(wanted.socket);
  auto* const entry = registration_table::of_process().find(socket);
  if (entry == nullptr) return errc::not_registered;
  packet_list event_of_removal;
  try {
    event_of_removal.emplace_back();
  } catch (const std::bad_alloc&) {
    return std::make_error_code(std::errc::not_enough_memory);
  }
  {
    const std::scoped_lock hold(entry->lock);
    if (const auto failure = require_registered(*entry, socket)) return failure;
    if (entry->in_kernel_set && control(EPOLL_CTL_DEL, socket, 0, 0) != 0) return system_error(errno);
    entry->in_kernel_set = false;
    entry->state = registration_state::removing;
    auto& packet_of_removal = event_of_removal.front();
    packet_of_removal.content = {entry->key, static_cast<std::uint64_t>(event::remove)};
    packet_of_removal.from = queued_packet::origin::removal;
    packet_of_removal.descriptor = socket;
    packet_of_removal.generation = ++entry->generation;
    if (accepts_.cancel(socket, who) == packet_queue::push_result::must_wake) send_wake();
  }
  epochs_->withhold(std::move(event_of_removal), who);
  return {};
}

std::error_code epoll_port::close(net::socket_handle handle) noexcept {
  const int socket = as_descriptor(handle);
  const auto facts = socket_facts::of(socket);
  if (!facts) return errc::not_a_socket;
  if (auto* const entry = registration_table::of_process().find(socket)) {
    const std::scoped_lock hold(entry->lock);
    if (entry->port != nullptr && entry->identity == facts->identity) {
      if (entry->port != this) return errc::registered_elsewhere;
      // Not left to the kernel: a duplicate in another process would keep the registration alive, out of reach.
      if (entry->in_kernel_set) control(EPOLL_CTL_DEL, socket, 0, 0);
      accepts_.drop(socket);
      // A REMOVE that was asked for still gets its event (N10), and the entry waits for it.
      if (entry->state == registration_state::removing) {
        entry->in_kernel_set = false;
      } else {
        entry->forget();
      }
    }
  }
  return ::close(socket) == 0 || errno == EINTR ? std::error_code{} : system_error(errno);
}

// --------------------------------------------------------------------------------------------------- own packets

std::error_code epoll_port::post(std::uint64_t key, std::uint64_t value) noexcept {
  packet_list one;
  try {
    one.push_back({.content = {key, value}});
  } catch (const std::bad_alloc&) {
    return std::make_error_code(std::errc::not_enough_memory);
  }
  switch (queue_.push_post(std::move(one))) {
    case packet_queue::push_result::full:
      return std::make_error_code(std::errc::no_buffer_space);
    case packet_queue::push_result::must_wake:
      send_wake();
      break;
    case packet_queue::push_result::queued:
      break;
  }
  return {};
}

std::error_code epoll_port::async_accept(net::socket_handle listener, std::uint64_t key) noexcept {
  const int socket = as_descriptor(listener);
  auto* const entry = registration_table::of_process().find(socket);
  if (entry == nullptr) return errc::not_registered;
  const std::scoped_lock hold(entry->lock);
  if (const auto failure = require_registered(*entry, socket)) return failure;
  // A connection's number may equal any mask, so the key has to tell them apart (N43).
  if (entry->key == key) return errc::invalid_request;
  return accepts_.begin(socket, entry->identity, key, set_.get(), accept_token);
}

void epoll_port::deliver(packet_list&& removals, packet_queue::taker who) noexcept {
  if (queue_.push_events(std::move(removals), who) == packet_queue::push_result::must_wake) send_wake();
}

void epoll_port::release() noexcept {
  if (auto* const self = epochs_->find()) epochs_->release(*self);
}

std::size_t epoll_port::take_queued(std::span<packet> out, bool saw_wake) noexcept {
  const auto taken = queue_.take(out.size(), saw_wake);
  if (taken.must_wake) send_wake();
  std::size_t count = 0;
  for (const auto& each : taken.packets) {
    out[count++] = each.content;
    if (each.from != queued_packet::origin::removal) continue;
    // From here on the socket may be registered anew (N5), unless its number is somebody else's by now (N51).
    auto& entry = *registration_table::of_process().find(each.descriptor);
    const std::scoped_lock hold(entry.lock);
    if (entry.port == this && entry.generation == each.generation) entry.forget();
  }
  return count;
}

/// How much of the output posted packets may have before the sockets were looked at: half, so that neither starves
/// (N47).
std::size_t epoll_port::queue_share(std::size_t capacity) noexcept {
  if (capacity > 1) return (capacity + 1) / 2;
  return turn_.fetch_add(1, std::memory_order_relaxed) & 1;
}

// ------------------------------------------------------------------------------------------------------- waiting

error_or<std::size_t> epoll_port::process(std::span<request> requests, std::span<packet> out,
                                          duration timeout) noexcept {
  if (timeout < duration::zero() || (out.empty() && timeout != duration::zero())) return errc::invalid_request;
  if (is_closing_.load(std::memory_order_seq_cst)) return errc::closed;
  batch_epochs::waiter* self = nullptr;
  if (!out.empty()) {
    self = epochs_->enrol();
    if (self == nullptr) return std::make_error_code(std::errc::not_enough_memory);
    epochs_->enter(*self);
  }
  const auto who = self == nullptr ? packet_queue::taker::others : packet_queue::taker::caller_too;
  for (auto& each : requests) each.result = apply_one(each, who);
  if (self == nullptr) return std::size_t{0};

  const auto count = dequeue(*self, out, timeout);
  const bool closed = is_closing_.load(std::memory_order_seq_cst);
  auto* const epochs = epochs_.get();
  // The port may be gone as soon as it is seen that nobody is inside; the epochs stay, being this thread's as well.
  epochs->leave(*self, count > 0);
  // What was taken is delivered still: it may be a connection, which nobody else would close.
  if (closed && count == 0) return errc::closed;
  return count;
}

std::size_t epoll_port::dequeue(batch_epochs::waiter& self, std::span<packet> out, duration timeout) noexcept {
  const auto start = timeout == infinite || timeout == duration::zero() ? clock::time_point{} : now();
  // A deadline beyond the clock's end is none.
  const bool expires = timeout != infinite && timeout < clock::time_point::max() - start;
  auto remaining = expires ? timeout : infinite;
  for (int attempt = 1;; ++attempt) {
    const auto got = gather(self, out, remaining);
    if (got.packets > 0 || is_closing_.load(std::memory_order_seq_cst)) return got.packets;
    if (expires) {
      remaining = timeout == duration::zero() ? timeout : std::max(start + timeout - now(), duration::zero());
      // After events that turned out stale there may be others behind them, even if there is no time left to wait.
      if (remaining == duration::zero() && (got.events == 0 || attempt >= poll_attempts)) return 0;
    }
    // What was only dropped is in nobody's hands.
    epochs_->enter(self);
  }
}

epoll_port::harvest epoll_port::gather(batch_epochs::waiter& self, std::span<packet> out, duration timeout) noexcept {
  std::size_t queued = 0;
  const bool others_wait = !queue_.empty();
  if (others_wait) {
    epochs_->begin_batch(self);
    queued = take_queued(out.first(std::min(queue_share(out.size()), out.size())), false);
  }
  const auto room = out.subspan(queued);
  auto got = harvest_sockets(self, room, others_wait ? duration::zero() : timeout);
  // The wake took the only place a socket, ready for longer perhaps, could have had.
  if ((got.saw_wake || got.saw_accepts) && room.size() == 1)
    got.packets = harvest_sockets(self, room, duration::zero()).packets;
  got.packets += queued;
  if (got.saw_wake || !queue_.empty()) {
    epochs_->begin_batch(self);
    got.packets += take_queued(out.subspan(got.packets), got.saw_wake);
  }
  return got;
}

epoll_port::harvest epoll_port::harvest_sockets(batch_epochs::waiter& self, std::span<packet> out,
                                                duration timeout) noexcept {
  harvest got;
  if (out.empty()) return got;
  std::array<epoll_event, batch_limit> events;
  const int count = await_events(std::span(events).first(std::min(out.size(), batch_limit)), timeout);
  if (count <= 0) return got;
  got.events = static_cast<std::size_t>(count);
  epochs_->begin_batch(self);
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
  if (entry.port != this || entry.generation != from.data.u64 >> 32 || entry.state != registration_state::armed)
    return false;
  const auto events = reportable(from.events, entry.filter);
  if (events == event::none) {
    mute(entry, socket);
    return false;
  }
  into = {entry.key, static_cast<std::uint64_t>(events)};
  fire(entry, socket);
  return true;
}

/// HUP was reported and nobody asked: level-triggered it would be reported for ever, and as a one-shot it has used up
/// an arm that still waits for something else. Edge-triggered and persistent, the kernel tells of the next change only.
void epoll_port::mute(registration& entry, int socket) noexcept {
  const bool is_persistent_edge = entry.how == trigger::edge || entry.how == (trigger::edge | trigger::persistent);
  if (entry.is_muted || is_persistent_edge) return;
  const auto events = kernel_interest(entry.filter, trigger::edge, entry.is_stream);
  if (control(EPOLL_CTL_MOD, socket, events, token(static_cast<std::uint32_t>(socket), entry.generation)) == 0)
    entry.is_muted = true;
}

/// Brings the registration to where a delivered packet leaves it.
void epoll_port::fire(registration& entry, int socket) noexcept {
  if (has(entry.how, trigger::oneshot)) {
    entry.state = registration_state::fired;
    // Muted, the kernel does not know of the one-shot.
    if (!std::exchange(entry.is_muted, false)) return;
    control(EPOLL_CTL_DEL, socket, 0, 0);
    entry.in_kernel_set = false;
  } else if (std::exchange(entry.is_muted, false)) {
    control(EPOLL_CTL_MOD, socket, kernel_interest(entry.filter, entry.how, entry.is_stream),
            token(static_cast<std::uint32_t>(socket), entry.generation));
  }
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
