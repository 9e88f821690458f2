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
  SWITCHBOARD_INVARIANT(askable_ == nullptr && asked_ == nullptr && used() == 0, "a ledger ended before its accounts");
}

void ledger::link(account*& first, account& added) noexcept {
  added.next_ = first;
  added.previous_ = nullptr;
  if (first != nullptr) first->previous_ = &added;
  first = &added;
}

void ledger::unlink(account*& first, account& removed) noexcept {
  if (removed.next_ != nullptr) removed.next_->previous_ = removed.previous_;
  (removed.previous_ != nullptr ? removed.previous_->next_ : first) = removed.next_;
}

void ledger::enter(account& opened) noexcept {
  if (opened.holder_ != nullptr) {
    const std::lock_guard lock{mutex_};
    link(askable_, opened);
  }
  draw(opened.kind_, opened.drawn());
}

void ledger::leave(account& closed) noexcept {
  give_back(closed.kind_, closed.drawn());
  if (closed.holder_ == nullptr) return;
  const std::lock_guard lock{mutex_};
  unlink(closed.asked_ ? asked_ : askable_, closed);
  // What it gave back may have been less than it had when it was asked.
  if (closed.asked_) relieve_locked();
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
  std::size_t leaving = 0;
  for (const auto* each = asked_; each != nullptr; each = each->next_) leaving += each->drawn();
  while (used() > total_ + leaving) {
    account* most = nullptr;
    for (auto* each = askable_; each != nullptr; each = each->next_)
      if (most == nullptr || each->drawn() > most->drawn()) most = each;
    if (most == nullptr || most->drawn() < worth_ending_bytes) return;
    unlink(askable_, *most);
    link(asked_, *most);
    most->asked_ = true;
    leaving += most->drawn();
    most->holder_->on_shortage();
  }
}

}  // namespace switchboard::budget
