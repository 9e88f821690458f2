#include <algorithm>
#include <bit>
#include <utility>

#include <switchboard/budget/account.hpp>
#include <switchboard/error/invariant.hpp>

namespace switchboard::budget {

account::account(std::shared_ptr<ledger> of, owner kind, holder* whose)
    : ledger_(std::move(of)), kind_(kind), holder_(whose) {
  ledger_->enter(*this);
}

account::~account() {
  ledger_->leave(*this);
}

void account::release(std::size_t bytes) noexcept {
  SWITCHBOARD_INVARIANT(bytes <= used_, "an account gave back more than it held");
  hold(used_ - bytes);
}

/// The steps that hold so many bytes; an account always has the first.
std::size_t account::in_steps(std::size_t bytes) noexcept {
  return std::max(step, (bytes + step - 1) / step * step);
}

std::size_t account::size_class(std::size_t drawn) noexcept {
  return std::min(static_cast<std::size_t>(std::bit_width(drawn / step - 1)), ledger::size_classes - 1);
}

/// It has drawn so much now, in all.
void account::draw_so_far(std::size_t bytes) noexcept {
  const auto before = drawn_.exchange(bytes, std::memory_order_relaxed);
  if (holder_ != nullptr && size_class(bytes) != size_class(before)) ledger_->sort(*this);
}

bool account::draw_for(std::size_t bytes) noexcept {
  const auto wanted = in_steps(bytes);
  if (!ledger_->try_draw(kind_, wanted - drawn())) return false;
  draw_so_far(wanted);
  return true;
}

/// Draws what `used_` needs, or gives back what it does not.
void account::adjust() noexcept {
  const auto before = drawn();
  const auto wanted = in_steps(used_);
  if (wanted > before) {
    // First, so that the one who looks for the largest account when the total is passed finds this one as it is.
    draw_so_far(wanted);
    ledger_->draw(kind_, wanted - before);
  } else {
    // Last: until then the ledger expects back what it has already.
    ledger_->give_back(kind_, before - wanted);
    draw_so_far(wanted);
  }
}

}  // namespace switchboard::budget
