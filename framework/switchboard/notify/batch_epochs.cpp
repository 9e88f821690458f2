#include <algorithm>
#include <limits>
#include <new>

#include <pthread.h>

#include <switchboard/error/invariant.hpp>
#include <switchboard/notify/batch_epochs.hpp>

namespace switchboard::notify {
namespace {

constexpr std::uint64_t inside = 1;

constexpr std::uint64_t stamp_of(std::uint64_t word) noexcept {
  return word >> 1;
}

/// The port this thread waited on last: programs have one, and then no search is needed.
struct latest {
  const batch_epochs* epochs;
  batch_epochs::waiter* self;
};
constinit thread_local latest last{nullptr, nullptr};

}  // namespace

struct thread_enrolments {
  struct enrolment {
    std::shared_ptr<batch_epochs> epochs;
    batch_epochs::waiter* self;
  };
  std::vector<enrolment> all;

  void drop_closed() {
    std::erase_if(all, [](const enrolment& each) {
      const std::scoped_lock hold(each.epochs->mutex_);
      return each.epochs->sink_ == nullptr;
    });
  }

  ~thread_enrolments() {
    last = {nullptr, nullptr};
    for (auto& each : all) each.epochs->depart(*each.self);
  }

  /// Those of the calling thread; nullptr where it has none.
  static thread_enrolments* find() noexcept { return static_cast<thread_enrolments*>(::pthread_getspecific(key())); }
  /// Throws std::bad_alloc.
  static thread_enrolments& make() {
    auto made = std::make_unique<thread_enrolments>();
    if (::pthread_setspecific(key(), made.get()) != 0) throw std::bad_alloc();
    return *made.release();
  }

private:
  /// Not a thread_local object: GCC's emulation of those on Windows frees their memory before it destroys them.
  static pthread_key_t key() noexcept {
    static const pthread_key_t instance = [] {
      pthread_key_t made{};
      const auto destroy = [](void* enrolments) { delete static_cast<thread_enrolments*>(enrolments); };
      SWITCHBOARD_INVARIANT(::pthread_key_create(&made, destroy) == 0, "the process has no thread-specific key left");
      return made;
    }();
    return instance;
  }
};

batch_epochs::waiter* batch_epochs::find() const noexcept {
  // An address cannot be another's: the enrolment that `last` mirrors keeps it in use.
  if (last.epochs == this) return last.self;
  const auto* const enrolments = thread_enrolments::find();
  if (enrolments == nullptr) return nullptr;
  for (const auto& each : enrolments->all) {
    if (each.epochs.get() != this) continue;
    last = {this, each.self};
    return each.self;
  }
  return nullptr;
}

batch_epochs::waiter* batch_epochs::enrol() noexcept try {
  if (auto* const known = find()) return known;
  auto* const existing = thread_enrolments::find();
  auto& enrolments = existing == nullptr ? thread_enrolments::make() : *existing;
  last = {nullptr, nullptr};
  enrolments.drop_closed();
  enrolments.all.reserve(enrolments.all.size() + 1);
  auto& self = free_waiter();
  enrolments.all.push_back({shared_from_this(), &self});
  last = {this, &self};
  return &self;
} catch (const std::bad_alloc&) {
  return nullptr;
}

batch_epochs::waiter& batch_epochs::free_waiter() {
  const std::scoped_lock hold(mutex_);
  const auto idle = std::ranges::find_if(waiters_, [](const auto& each) { return !each->is_taken_; });
  if (idle == waiters_.end()) return *waiters_.emplace_back(std::make_unique<waiter>());
  (*idle)->is_taken_ = true;
  return **idle;
}

// Releasing and withholding each write their own word and then read the other's. All four are sequentially consistent:
// so either the releasing thread sees that something is withheld and promotes it, or the removal sees that the batch is
// released.

void batch_epochs::arrive(waiter& self) noexcept {
  self.word_.store(self.word_.load(std::memory_order_relaxed) | inside, std::memory_order_seq_cst);
}

void batch_epochs::enter(waiter& self) noexcept {
  self.word_.store(inside, std::memory_order_seq_cst);
  if (withheld_count_.load(std::memory_order_seq_cst) != 0) promote(packet_queue::taker::caller_too);
}

void batch_epochs::release(waiter& self) noexcept {
  if (self.word_.load(std::memory_order_relaxed) == 0) return;
  self.word_.store(0, std::memory_order_seq_cst);
  if (withheld_count_.load(std::memory_order_seq_cst) != 0) promote(packet_queue::taker::others);
}

void batch_epochs::begin_batch(waiter& self) noexcept {
  // Why relaxed is enough for the store: this thread then takes the lock of the registration whose packet it looks at.
  // If a removal takes that lock later, it sees this store; if it took it earlier, the packet is recognised as too
  // late. A stamp newer than a removal's was read from the clock it had advanced, after it had taken the lock: too late
  // as well.
  // A batch that has begun keeps its stamp: what was taken from the queue must not look as new as the sockets' packets.
  if (stamp_of(self.word_.load(std::memory_order_relaxed)) != 0) return;
  const auto stamp = removal_clock_.load(std::memory_order_acquire);
  self.word_.store(stamp << 1 | inside, std::memory_order_relaxed);
}

void batch_epochs::leave(waiter& self, bool holds_batch) noexcept {
  const auto word = self.word_.load(std::memory_order_relaxed);
  if (holds_batch) {
    self.word_.store(word & ~inside, std::memory_order_release);
  } else {
    release(self);
  }
}

void batch_epochs::withhold(packet_list&& one, packet_queue::taker who) noexcept {
  const std::scoped_lock hold(mutex_);
  // Barriers grow along the list, as the clock only moves under this lock.
  one.front().barrier = removal_clock_.fetch_add(1, std::memory_order_acq_rel);
  withheld_.splice(withheld_.end(), one);
  withheld_count_.store(withheld_.size(), std::memory_order_seq_cst);
  promote_locked(who);
}

void batch_epochs::promote(packet_queue::taker who) noexcept {
  const std::scoped_lock hold(mutex_);
  promote_locked(who);
}

void batch_epochs::promote_locked(packet_queue::taker who) noexcept {
  if (withheld_.empty()) return;
  auto oldest_held = std::numeric_limits<std::uint64_t>::max();
  for (const auto& each : waiters_)
    if (const auto stamp = stamp_of(each->word_.load(std::memory_order_seq_cst)))
      oldest_held = std::min(oldest_held, stamp);
  packet_list ready;
  while (!withheld_.empty() && withheld_.front().barrier < oldest_held)
    ready.splice(ready.end(), withheld_, withheld_.begin());
  withheld_count_.store(withheld_.size(), std::memory_order_seq_cst);
  if (!ready.empty() && sink_ != nullptr) sink_->deliver(std::move(ready), who);
}

void batch_epochs::depart(waiter& self) noexcept {
  release(self);
  const std::scoped_lock hold(mutex_);
  self.is_taken_ = false;
}

bool batch_epochs::any_inside() noexcept {
  const std::scoped_lock hold(mutex_);
  return std::ranges::any_of(
      waiters_, [](const auto& each) { return (each->word_.load(std::memory_order_seq_cst) & inside) != 0; });
}

void batch_epochs::close() noexcept {
  const std::scoped_lock hold(mutex_);
  sink_ = nullptr;
  withheld_.clear();
  withheld_count_.store(0, std::memory_order_seq_cst);
}

}  // namespace switchboard::notify
