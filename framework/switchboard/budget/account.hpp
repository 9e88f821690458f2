#pragma once

/// What one owner holds of a server's memory.
///
/// Why        a charge costs an addition and a comparison, on a line that its owner has in its cache: the account draws on
///            the ledger in steps, and keeps up to `slack` that it does not need at the moment.
/// First step each account holds one from its beginning to its end: an owner's own objects (a connection's actor and link, a
///            room's actor) take about as much. Whatever stays within it costs the ledger nothing more.
/// Threads    one at a time. What it has drawn may be read on any, and its holder is asked to end on any.
/// Owns       a share of the ledger; what is on it is given back when it is destroyed.
/// Errors     try_reserve() says no where the total has not so much left. A release of more than is held is a broken
///            invariant.

#include <atomic>
#include <cstddef>
#include <memory>

#include <switchboard/budget/ledger.hpp>

namespace switchboard::budget {

/// An owner that can be asked to release all that it holds.
class holder {
public:
  /// The ledger is short, and this one holds most. Called on any thread, while the account is there, inside the ledger's
  /// lock: it may only send itself a message.
  virtual void on_shortage() noexcept = 0;

protected:
  ~holder() = default;
};

class account {
public:
  static constexpr std::size_t step = 4096;
  static constexpr std::size_t slack = 2 * step;

  /// @param whose  lives longer; null: an owner that is never asked to end.
  account(std::shared_ptr<ledger> of, owner kind, holder* whose = nullptr);
  ~account();
  account(const account&) = delete;
  account& operator=(const account&) = delete;

  /// Something that is to come: true where the total has so much left, and it is held from now on.
  [[nodiscard]] bool try_reserve(std::size_t bytes) noexcept {
    if (used_ + bytes > drawn() && !draw_for(used_ + bytes)) return false;
    used_ += bytes;
    return true;
  }
  /// Something that is there already.
  void charge(std::size_t bytes) noexcept { hold(used_ + bytes); }
  /// @pre so much is held
  void release(std::size_t bytes) noexcept;
  /// So much is held now, in all: for an owner that adds up itself what it has.
  void hold(std::size_t bytes) noexcept {
    used_ = bytes;
    if (bytes > drawn() || drawn() - bytes > slack) adjust();
  }

  /// What it has drawn beyond what it holds goes back to the ledger.
  void give_back_slack() noexcept {
    if (drawn() != in_steps(used_)) adjust();
  }

  std::size_t used() const noexcept { return used_; }
  /// What the ledger counts of it: at least used(), in steps.
  std::size_t drawn() const noexcept { return drawn_.load(std::memory_order_relaxed); }
  const std::shared_ptr<ledger>& of() const noexcept { return ledger_; }

private:
  friend class ledger;

  static std::size_t in_steps(std::size_t bytes) noexcept;
  static std::size_t size_class(std::size_t drawn) noexcept;
  void draw_so_far(std::size_t bytes) noexcept;
  bool draw_for(std::size_t bytes) noexcept;
  void adjust() noexcept;

  const std::shared_ptr<ledger> ledger_;
  const owner kind_;
  holder* const holder_;
  std::size_t used_ = 0;
  std::atomic<std::size_t> drawn_{step};  ///< written by the owner's thread
  // Its place among those that can be asked to end, or were; under the ledger's lock.
  std::size_t size_class_ = 0;
  std::size_t leaving_ = 0;  ///< what is expected back of it
  account* next_ = nullptr;
  account* previous_ = nullptr;
  bool asked_ = false;
};

}  // namespace switchboard::budget
