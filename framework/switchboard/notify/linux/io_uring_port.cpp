#include "readiness_mask.hpp"
#include "socket_identity.hpp"
#include "submission_ring.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <list>
#include <map>
#include <mutex>
#include <new>
#include <thread>
#include <vector>

#include <sys/socket.h>
#include <unistd.h>

#include <switchboard/error/invariant.hpp>
#include <switchboard/net/linux/accept_next.hpp>
#include <switchboard/notify/io_uring_port.hpp>
#include <switchboard/notify/kernel_port.hpp>

namespace switchboard::notify {
namespace {

/// Most completions looked at before packets are handed out.
constexpr std::size_t batch_limit = 128;
/// A re-arm is a cancellation and a poll.
constexpr std::size_t requests_of_an_arm = 2;
/// How long the end of a port waits for the kernel to complete its requests; after that they complete in the background.
constexpr std::chrono::seconds end_patience{1};

/// What a request is known by when it completes: its kind, its descriptor and a serial number: the arm's, or the accept's.
enum class kind : std::uint64_t { ignored, wake, poll, accept };
constexpr std::uint64_t token(kind what, std::uint32_t descriptor, std::uint32_t serial) noexcept {
  return static_cast<std::uint64_t>(what) << 56 | std::uint64_t{descriptor} << 32 | serial;
}
constexpr kind kind_of(std::uint64_t from) noexcept {
  return static_cast<kind>(from >> 56);
}
constexpr std::uint32_t descriptor_of(std::uint64_t from) noexcept {
  return static_cast<std::uint32_t>(from >> 32 & 0xff'ffff);
}
constexpr std::uint32_t serial_of(std::uint64_t from) noexcept {
  return static_cast<std::uint32_t>(from);
}
static_assert(registration_table::descriptor_limit <= std::size_t{1} << 24);

/// Level-triggered, a poll is asked for anew after each packet; edge-triggered, one poll reports every change, as when muted.
bool goes_on(const registration& entry) noexcept {
  return entry.is_muted || (has(entry.how, trigger::edge) && !has(entry.how, trigger::oneshot));
}

/// Locks, in the order they are taken: a registration's, then the ring's.
class io_uring_port final : public kernel_port {
public:
  explicit io_uring_port(std::unique_ptr<submission_ring> ring) noexcept : ring_(std::move(ring)) {}
  ~io_uring_port() override;

private:
  /// A registration that has ended while the kernel still has requests of it. When they are complete the kernel
  /// holds its socket open no longer, so that closing it reaches the other side; the REMOVE event waits for that.
  struct departing {
    std::uint32_t requests;
    std::uint32_t serial;      ///< its polls are older
    std::uint32_t accepts_to;  ///< its accepts' serial numbers are not above
    packet_list removal;

    bool has(std::uint64_t request) const noexcept {
      return kind_of(request) == kind::poll ? static_cast<std::int32_t>(serial_of(request) - serial) < 0
                                            : static_cast<std::int32_t>(serial_of(request) - accepts_to) <= 0;
    }
  };
  /// What the kernel still has of one descriptor.
  struct pending {
    std::uint32_t requests = 0;  ///< of the registration there is, not completed for good
    std::uint32_t accepts = 0;   ///< of those
    std::uint32_t serial = 0;    ///< of the poll, while there is one
    bool has_poll = false;
    std::list<departing> before;  ///< oldest first
  };
  struct accepting {
    std::uint64_t key;
    bool is_dropped;
  };
  struct completion {
    std::uint64_t token;
    std::uint64_t key;  ///< of an accept
    int result;
    bool more;
  };

  std::error_code reserve(std::size_t requests) noexcept override;
  void submit() noexcept override;

  std::error_code arm(registration& entry, const request& wanted, std::uint32_t serial) noexcept override;
  std::error_code disarm(registration& entry, net::socket_handle socket) noexcept override;
  std::error_code forget(registration& entry, net::socket_handle socket) noexcept override;
  std::error_code begin_accept(registration& entry, net::socket_handle listener, std::uint64_t key) noexcept override;
  void cancel_accepts(net::socket_handle listener, packet_list& removal, taker who) noexcept override;
  void drop_accepts(net::socket_handle listener) noexcept override;
  std::error_code close_socket(net::socket_handle socket) noexcept override;

  harvest reap(batch_epochs::waiter& self, std::span<packet> out, duration timeout) noexcept override;
  void send_wake() noexcept override;
  void wake_all() noexcept override { send_wake(); }

  // With the ring's lock held.
  std::error_code make_room(std::size_t requests) noexcept;
  std::error_code ask_poll(int socket, std::uint32_t mask, bool multishot, std::uint32_t serial) noexcept;
  void cancel_poll(std::uint32_t descriptor, pending& of) noexcept;
  std::size_t take(std::span<completion> into, packet_list& removals) noexcept;
  bool account(const io_uring_cqe& from, completion& into, packet_list& removals) noexcept;

  bool translate(const completion& from, packet& into) noexcept;
  static event current(const registration& entry, int socket, std::uint32_t reported) noexcept;
  void poll_anew(registration& entry, int socket) noexcept;
  void fire(registration& entry, int socket, bool more) noexcept;

  std::mutex mutex_;
  const std::unique_ptr<submission_ring> ring_;
  std::vector<pending> pending_;  ///< by descriptor
  std::map<std::uint64_t, accepting> accepts_;
  std::uint32_t accepts_begun_ = 0;
  std::size_t requests_pending_ = 0;
};

io_uring_port::~io_uring_port() {
  end();
  // Each poll and accept holds its socket open: what its owner closes now should be closed.
  const auto give_up_at = clock::now() + end_patience;
  std::array<completion, batch_limit> done;
  packet_list removals;
  for (bool is_told = false; clock::now() < give_up_at;) {
    unsigned waiting = 0;
    {
      const std::scoped_lock hold(mutex_);
      if (!is_told && !make_room(1)) {
        auto& all = ring_->next_request();
        io_uring_prep_cancel64(&all, 0, IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL);
        all.user_data = token(kind::ignored, 0, 0);
        is_told = true;
      }
      waiting = ring_->publish();
      for (std::size_t count = take(done, removals); count > 0; count = take(done, removals))
        for (const auto& each : std::span(done).first(count))
          if (kind_of(each.token) == kind::accept && each.result >= 0) ::close(each.result);
      if (requests_pending_ == 0) return;
    }
    ring_->enter(waiting, true, std::chrono::milliseconds{10});
  }
}

// ------------------------------------------------------------------------------------------------------ requests

std::error_code io_uring_port::make_room(std::size_t requests) noexcept {
  while (ring_->room() < requests) {
    const int taken = ring_->enter(ring_->publish(), false, duration::zero());
    if (taken < 0 && taken != -EINTR) return {-taken, std::system_category()};
  }
  return {};
}

std::error_code io_uring_port::reserve(std::size_t requests) noexcept {
  const std::scoped_lock hold(mutex_);
  return make_room(std::min<std::size_t>(requests * requests_of_an_arm, submission_ring::request_room));
}

void io_uring_port::submit() noexcept {
  unsigned waiting = 0;
  {
    const std::scoped_lock hold(mutex_);
    waiting = ring_->publish();
  }
  // What a full kernel refuses for now goes with the next call.
  if (waiting > 0) ring_->enter(waiting, false, duration::zero());
}

std::error_code io_uring_port::ask_poll(int socket, std::uint32_t mask, bool multishot, std::uint32_t serial) noexcept
    try {
  const auto descriptor = static_cast<std::uint32_t>(socket);
  if (pending_.size() <= descriptor) pending_.resize(std::max<std::size_t>(descriptor + 1, 2 * pending_.size()));
  if (const auto failure = make_room(requests_of_an_arm)) return failure;
  auto& of = pending_[descriptor];
  cancel_poll(descriptor, of);
  auto& poll = ring_->next_request();
  if (multishot)
    io_uring_prep_poll_multishot(&poll, socket, mask);
  else
    io_uring_prep_poll_add(&poll, socket, mask);
  poll.user_data = token(kind::poll, descriptor, serial);
  of.has_poll = true;
  of.serial = serial;
  ++of.requests;
  ++requests_pending_;
  return {};
} catch (const std::bad_alloc&) {
  return std::make_error_code(std::errc::not_enough_memory);
}

void io_uring_port::cancel_poll(std::uint32_t descriptor, pending& of) noexcept {
  if (!std::exchange(of.has_poll, false)) return;
  auto& cancel = ring_->next_request();
  io_uring_prep_poll_remove(&cancel, token(kind::poll, descriptor, of.serial));
  cancel.user_data = token(kind::ignored, 0, 0);
  cancel.flags |= IOSQE_CQE_SKIP_SUCCESS;
}

std::error_code io_uring_port::arm(registration& entry, const request& wanted, std::uint32_t serial) noexcept {
  // The kernel will look at the number only when it is submitted, and cannot say whether it still is this socket's.
  if (entry.in_kernel_set && identity_of(wanted.socket) != entry.identity) return errc::not_registered;
  const bool multishot = has(wanted.how, trigger::edge) && !has(wanted.how, trigger::oneshot);
  const std::scoped_lock hold(mutex_);
  return ask_poll(static_cast<int>(wanted.socket), mask_of(wanted.filter, entry.is_stream), multishot, serial);
}

std::error_code io_uring_port::disarm(registration&, net::socket_handle socket) noexcept {
  const auto descriptor = static_cast<std::uint32_t>(socket);
  const std::scoped_lock hold(mutex_);
  if (const auto failure = make_room(1)) return failure;
  cancel_poll(descriptor, pending_[descriptor]);
  return {};
}

std::error_code io_uring_port::forget(registration& entry, net::socket_handle socket) noexcept try {
  const auto descriptor = static_cast<std::uint32_t>(socket);
  const std::scoped_lock hold(mutex_);
  if (descriptor < pending_.size() && pending_[descriptor].requests > 0) {
    auto& of = pending_[descriptor];
    if (const auto failure = make_room(1)) return failure;
    of.before.push_back({of.requests, entry.serial + 1, accepts_begun_, {}});
    of.requests = of.accepts = 0;
    of.has_poll = false;
    // Polls and accepts alike.
    auto& cancel = ring_->next_request();
    io_uring_prep_cancel_fd(&cancel, static_cast<int>(socket), IORING_ASYNC_CANCEL_ALL);
    cancel.user_data = token(kind::ignored, 0, 0);
    cancel.flags |= IOSQE_CQE_SKIP_SUCCESS;
  }
  entry.in_kernel_set = false;
  return {};
} catch (const std::bad_alloc&) {
  return std::make_error_code(std::errc::not_enough_memory);
}

std::error_code io_uring_port::begin_accept(registration&, net::socket_handle listener, std::uint64_t key) noexcept
    try {
  const int socket = static_cast<int>(listener);
  if (!net::is_listening(socket)) return errc::invalid_request;
  const auto descriptor = static_cast<std::uint32_t>(socket);
  const std::scoped_lock hold(mutex_);
  auto& of = pending_[descriptor];
  if (of.accepts >= accept_limit) return std::make_error_code(std::errc::no_buffer_space);
  if (const auto failure = make_room(1)) return failure;
  const auto known_by = token(kind::accept, descriptor, ++accepts_begun_);
  accepts_.insert_or_assign(known_by, accepting{key, false});
  auto& accept = ring_->next_request();
  io_uring_prep_accept(&accept, socket, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  accept.user_data = known_by;
  ++of.accepts;
  ++of.requests;
  ++requests_pending_;
  return {};
} catch (const std::bad_alloc&) {
  return std::make_error_code(std::errc::not_enough_memory);
}

/// forget() has cancelled them.
void io_uring_port::cancel_accepts(net::socket_handle listener, packet_list& removal, taker) noexcept {
  const std::scoped_lock hold(mutex_);
  auto& before = pending_[static_cast<std::uint32_t>(listener)].before;
  if (!before.empty() && before.back().serial == removal.front().serial)
    before.back().removal.splice(before.back().removal.end(), removal);
}

void io_uring_port::drop_accepts(net::socket_handle listener) noexcept {
  const auto descriptor = static_cast<std::uint32_t>(listener);
  const std::scoped_lock hold(mutex_);
  const auto from = accepts_.lower_bound(token(kind::accept, descriptor, 0));
  const auto to = accepts_.upper_bound(token(kind::accept, descriptor, std::numeric_limits<std::uint32_t>::max()));
  for (auto each = from; each != to; ++each) each->second.is_dropped = true;
}

std::error_code io_uring_port::close_socket(net::socket_handle socket) noexcept {
  // The kernel has to read the cancellation while the number still is this socket's.
  submit();
  return ::close(static_cast<int>(socket)) == 0 || errno == EINTR ? std::error_code{}
                                                                  : std::error_code{errno, std::system_category()};
}

// ------------------------------------------------------------------------------------------------------- waiting

void io_uring_port::send_wake() noexcept {
  for (;;) {
    unsigned waiting = 0;
    {
      const std::scoped_lock hold(mutex_);
      if (make_room(1)) {
        std::this_thread::yield();
        continue;
      }
      auto& wake = ring_->next_request();
      io_uring_prep_nop(&wake);
      wake.user_data = token(kind::wake, 0, 0);
      waiting = ring_->publish();
    }
    // A kernel short of memory refuses for now; the thread that submits next takes it along, but none may come.
    while (waiting > 0 && ring_->enter(waiting, false, duration::zero()) < 0) {
      std::this_thread::yield();
      const std::scoped_lock hold(mutex_);
      waiting = ring_->publish();
    }
    return;
  }
}

kernel_port::harvest io_uring_port::reap(batch_epochs::waiter& self, std::span<packet> out, duration timeout) noexcept {
  harvest got;
  unsigned waiting = 0;
  bool has_some = false;
  {
    const std::scoped_lock hold(mutex_);
    waiting = ring_->publish();
    has_some = ring_->has_completions();
  }
  if (waiting > 0 || !has_some) ring_->enter(waiting, !has_some && timeout != duration::zero(), timeout);

  epochs().begin_batch(self);
  std::array<completion, batch_limit> done;
  packet_list removals;
  {
    const std::scoped_lock hold(mutex_);
    got.events = take(std::span(done).first(std::min(out.size(), batch_limit)), removals);
  }
  std::array<std::uint32_t, batch_limit> from;
  for (const auto& each : std::span(done).first(got.events)) {
    auto& into = out[got.packets];
    switch (kind_of(each.token)) {
      case kind::wake:
        got.saw_wake = true;
        break;
      case kind::accept:
        into = packet_of_accept(each.key, each.result);
        from[got.packets++] = std::numeric_limits<std::uint32_t>::max();
        break;
      case kind::poll: {
        packet next;
        if (!translate(each, next)) break;
        // An edge may have been seen twice since the last batch: together they are one packet (N18).
        const auto same = std::find(from.begin(), from.begin() + got.packets, descriptor_of(each.token));
        if (same != from.begin() + got.packets) {
          out[static_cast<std::size_t>(same - from.begin())].value |= next.value;
          break;
        }
        into = next;
        from[got.packets++] = descriptor_of(each.token);
        break;
      }
      case kind::ignored:
        break;
    }
  }
  while (!removals.empty()) {
    packet_list one;
    one.splice(one.end(), removals, removals.begin());
    epochs().withhold(std::move(one), taker::caller_too);
  }
  // Other threads should see what these sockets show next without this one coming back.
  if (got.packets > 0) submit();
  return got;
}

std::size_t io_uring_port::take(std::span<completion> into, packet_list& removals) noexcept {
  std::array<io_uring_cqe, batch_limit> raw;
  std::size_t count = 0;
  for (const auto& each : std::span(raw).first(ring_->take(std::span(raw).first(into.size()))))
    if (account(each, into[count], removals)) ++count;
  return count;
}

/// Counts a completion; false where no event follows from it.
bool io_uring_port::account(const io_uring_cqe& from, completion& into, packet_list& removals) noexcept {
  into = {from.user_data, 0, from.res, (from.flags & IORING_CQE_F_MORE) != 0};
  const auto what = kind_of(into.token);
  if (what == kind::ignored) return false;
  if (what == kind::wake) return true;
  auto& of = pending_[descriptor_of(into.token)];
  const auto whose = std::ranges::find_if(of.before, [&](const departing& each) { return each.has(into.token); });
  const bool is_current = whose == of.before.end();
  bool is_told = true;
  if (what == kind::accept) {
    const auto found = accepts_.find(into.token);
    into.key = found->second.key;
    is_told = !found->second.is_dropped;
    accepts_.erase(found);
    if (is_current) --of.accepts;
    if (!is_told && into.result >= 0) ::close(into.result);
  }
  if (into.more) return is_told;
  --requests_pending_;
  if (is_current) {
    --of.requests;
    if (what == kind::poll && of.serial == serial_of(into.token)) of.has_poll = false;
  } else if (--whose->requests == 0) {
    removals.splice(removals.end(), whose->removal);
    of.before.erase(whose);
  }
  return is_told;
}

/// Makes a packet of what a poll reported, unless it is about an arm that is no more or shows nothing that was asked
/// for.
bool io_uring_port::translate(const completion& from, packet& into) noexcept {
  const int socket = static_cast<int>(descriptor_of(from.token));
  auto& entry = *registration_table::of_process().find(socket);
  const std::scoped_lock hold(entry.lock);
  if (entry.port != this || entry.serial != serial_of(from.token) || entry.state != registration_state::armed)
    return false;
  if (from.result == -ECANCELED) {
    // Not by this port: the thread that submitted the request has ended, and the kernel cancels a thread's requests then.
    poll_anew(entry, socket);
    return false;
  }
  // The poll has kept a socket going that its owner has closed, or came too late for it (N51).
  if (identity_of(static_cast<net::socket_handle>(socket)) != entry.identity) {
    entry.forget();
    return false;
  }
  const auto events = from.result < 0 ? event::err : current(entry, socket, static_cast<std::uint32_t>(from.result));
  if (events == event::none) {
    // HUP or RDHUP, which was not asked for. Polled once more it would be there again, for ever; a poll that goes on
    // reports the next change. What was level-triggered and is over is polled as before.
    if (!from.more) {
      entry.is_muted = (from.result & (POLLHUP | POLLRDHUP)) != 0;
      poll_anew(entry, socket);
    }
    return false;
  }
  into = {entry.key, static_cast<std::uint64_t>(events)};
  fire(entry, socket, from.more);
  return true;
}

/// What a poll reported, of what was asked for. Persistent and level-triggered, the poll was made when the last packet
/// was handed out, and what it saw may have ended since (N28).
event io_uring_port::current(const registration& entry, int socket, std::uint32_t reported) noexcept {
  if (!has(entry.how, trigger::oneshot) && !has(entry.how, trigger::edge)) {
    pollfd now{.fd = socket, .events = static_cast<short>(mask_of(entry.filter, entry.is_stream)), .revents = 0};
    if (::poll(&now, 1, 0) >= 0) reported = static_cast<std::uint16_t>(now.revents);
  }
  return reportable(reported, entry.filter, entry.is_stream);
}

/// Moves the registration to its state after a delivered packet.
void io_uring_port::fire(registration& entry, int socket, bool more) noexcept {
  const bool was_muted = std::exchange(entry.is_muted, false);
  if (has(entry.how, trigger::oneshot)) {
    entry.state = registration_state::fired;
    if (more) static_cast<void>(disarm(entry, static_cast<net::socket_handle>(socket)));
  } else if (was_muted || !more) {
    poll_anew(entry, socket);
  }
}

/// Asks again for what an armed registration wants, in place of what the kernel may still have of it.
void io_uring_port::poll_anew(registration& entry, int socket) noexcept {
  const std::scoped_lock hold(mutex_);
  ++entry.serial;
  // A kernel that is short of memory takes it later; left out, the socket would never be heard of again.
  while (ask_poll(socket, mask_of(entry.filter, entry.is_stream), goes_on(entry), entry.serial))
    std::this_thread::yield();
}

}  // namespace

error_or<std::unique_ptr<notification_port>> make_io_uring_port() noexcept try {
  auto ring = std::make_unique<submission_ring>();
  if (const auto failure = ring->open()) return failure;
  return std::unique_ptr<notification_port>(std::make_unique<io_uring_port>(std::move(ring)));
} catch (const std::bad_alloc&) {
  return std::make_error_code(std::errc::not_enough_memory);
}

}  // namespace switchboard::notify
