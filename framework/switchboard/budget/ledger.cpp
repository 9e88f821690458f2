#include <switchboard/budget/account.hpp>
#include <switchboard/budget/ledger.hpp>
#include <switchboard/error/invariant.hpp>

namespace switchboard::budget {

const char* to_string(owner of) noexcept {
  switch (of) {
    case owner::connection:
      return "connection";
    case owner::room:
      return "room";
    case owner::stream:
      return "stream";
    case owner::journal:
      return "journal";
  }
  return "unknown";
}

ledger::~ledger() {
  SWITCHBOARD_INVARIANT(first_ == nullptr && used() == 0, "a ledger ended before its accounts");
}

void ledger::enter(account& opened) noexcept {
  if (opened.holder_ != nullptr) {
    const std::lock_guard lock{mutex_};
    opened.next_ = first_;
    if (first_ != nullptr) first_->previous_ = &opened;
    first_ = &opened;
  }
  draw(opened.kind_, opened.drawn());
}

void ledger::leave(account& closed) noexcept {
  give_back(closed.kind_, closed.drawn());
  if (closed.holder_ == nullptr) return;
  const std::lock_guard lock{mutex_};
  if (closed.next_ != nullptr) closed.next_->previous_ = closed.previous_;
  (closed.previous_ != nullptr ? closed.previous_->next_ : first_) = closed.next_;
  if (asked_ != &closed) return;
  asked_ = nullptr;
  // What it gave back may not have been enough.
  relieve_locked();
}

bool ledger::try_draw(owner of, std::size_t bytes) noexcept {
  auto used = used_.load(std::memory_order_relaxed);
  do {
    if (used > total_ || bytes > total_ - used) return false;
  } while (!used_.compare_exchange_weak(used, used + bytes, std::memory_order_relaxed));
  count(of, static_cast<std::int64_t>(bytes));
  return true;
}

void ledger::draw(owner of, std::size_t bytes) noexcept {
  const auto used = used_.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  count(of, static_cast<std::int64_t>(bytes));
  if (used > total_) relieve();
}

void ledger::give_back(owner of, std::size_t bytes) noexcept {
  used_.fetch_sub(bytes, std::memory_order_relaxed);
  count(of, -static_cast<std::int64_t>(bytes));
}

void ledger::count(owner of, std::int64_t bytes) noexcept {
  by_owner_[index(of)].fetch_add(static_cast<std::size_t>(bytes), std::memory_order_relaxed);
  if (observer_ != nullptr) observer_->changed(of, bytes);
}

void ledger::relieve() noexcept {
  const std::lock_guard lock{mutex_};
  relieve_locked();
}

void ledger::relieve_locked() noexcept {
  if (asked_ != nullptr || !is_short()) return;
  const account* most = nullptr;
  for (const auto* each = first_; each != nullptr; each = each->next_)
    if (most == nullptr || each->drawn() > most->drawn()) most = each;
  if (most == nullptr || most->drawn() < worth_ending_bytes) return;
  asked_ = most;
  most->holder_->on_shortage();
}

}  // namespace switchboard::budget
