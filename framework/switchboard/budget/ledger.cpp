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
  const bool has_accounts = asked_ != nullptr || askable_ != decltype(askable_){};
  SWITCHBOARD_INVARIANT(!has_accounts && used() == 0, "a ledger ended before its accounts");
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
    link(askable_[opened.size_class_], opened);
  }
  draw(opened.kind_, opened.drawn());
}

void ledger::leave(account& closed) noexcept {
  give_back(closed.kind_, closed.drawn());
  if (closed.holder_ == nullptr) return;
  const std::lock_guard lock{mutex_};
  if (!closed.asked_) return unlink(askable_[closed.size_class_], closed);
  unlink(asked_, closed);
  expect_back(closed, 0);
  // What it gave back may have been less than it had when it was asked.
  relieve_locked();
}

void ledger::sort(account& resized) noexcept {
  const std::lock_guard lock{mutex_};
  auto& now = askable_[account::size_class(resized.drawn())];
  if (!resized.asked_) {
    unlink(askable_[resized.size_class_], resized);
  } else {
    expect_back(resized, resized.drawn());
    if (&now != &askable_.front()) return;
    unlink(asked_, resized);
    resized.asked_ = false;
    expect_back(resized, 0);
  }
  resized.size_class_ = static_cast<std::size_t>(&now - askable_.data());
  link(now, resized);
}

void ledger::expect_back(account& of, std::size_t bytes) noexcept {
  leaving_ = leaving_ - of.leaving_ + bytes;
  of.leaving_ = bytes;
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
  while (used() > total_ + leaving_) {
    auto* const most = largest();
    none_to_ask_.store(most == nullptr, std::memory_order_relaxed);
    if (most == nullptr) return;
    unlink(askable_[most->size_class_], *most);
    link(asked_, *most);
    most->asked_ = true;
    expect_back(*most, most->drawn());
    most->holder_->on_shortage();
  }
}

/// The one to be asked next; null where all that are left hold their first step only.
account* ledger::largest() const noexcept {
  for (auto size = size_classes - 1; size > 0; --size) {
    auto* most = askable_[size];
    int compared = 0;
    for (auto* each = most; each != nullptr && compared < compared_max; each = each->next_, ++compared)
      if (each->drawn() > most->drawn()) most = each;
    if (most != nullptr) return most;
  }
  return nullptr;
}

}  // namespace switchboard::budget
