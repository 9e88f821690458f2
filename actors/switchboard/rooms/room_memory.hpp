#pragma once

/// What rooms keep in memory, all of them together, within a bound.
///
/// Why        bounds of single rooms, however small, say little about 10,000 of them. Everything that a room keeps is counted,
///            with what it takes of the heap: messages, ids, what readers are given from, membership events.
/// Bound      past it the one that keeps most releases its oldest, until all fit: never another's. What rooms are beside what
///            they keep (actors, empty windows) no release gives back: of it there is a place in half of the bound, and then
///            no room more.
/// Threads    any. It holds its lock while it asks a keeper, which may take its own; a keeper never calls in while holding it.
/// Owns       nothing of what it counts. It outlives the keepers, which share it.
/// Errors     none.

#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <utility>

#include <switchboard/budget/account.hpp>
#include <switchboard/budget/ledger.hpp>

namespace switchboard::rooms {

class room_memory {
public:
  /// What one room keeps in one place: the log's messages, or what is in front of it.
  class keeper {
  public:
    /// What is kept, in all.
    virtual std::size_t footprint() const noexcept = 0;
    /// Releases some of the oldest of it; false where there is nothing that can go.
    virtual bool release_oldest() noexcept = 0;

  protected:
    /// @param own  what there is of the heap as long as the keeper is, beyond its first step
    explicit keeper(std::size_t own = 0) noexcept : own_(own) {}
    ~keeper() = default;

  private:
    friend class room_memory;
    const std::size_t own_;
    std::size_t counted_ = 0;  ///< under the lock
  };

  /// A keeper is counted in steps of so many bytes, one at least: what its room takes that is not its content.
  static constexpr std::size_t step = 1024;
  /// @param limit  bytes
  /// @param of     where the server counts them; null: nowhere
  explicit room_memory(std::size_t limit, std::shared_ptr<budget::ledger> of = nullptr);

  /// What `of` keeps has changed, by a step or so. Not called while the keeper's own lock is held.
  void update(keeper& of) noexcept;
  /// The last call for a keeper.
  void forget(keeper& of) noexcept;

  /// Whether there may be one keeper more that takes `own` of the heap.
  bool has_place_for(std::size_t own) const noexcept;

  std::size_t used() const noexcept;
  std::size_t limit() const noexcept { return limit_; }

private:
  /// So many of the largest are asked; where none of them has anything to release, the rest has little.
  static constexpr int asked_max = 8;
  using by_size = std::set<std::pair<std::size_t, keeper*>>;

  static std::size_t in_steps(std::size_t bytes) noexcept { return (bytes / step + 1) * step; }
  void recount(keeper& of);
  void count_in_ledger() noexcept {
    if (account_) account_->hold(used_ + own_);
  }
  void release_what_is_too_much();

  const std::size_t limit_;
  mutable std::mutex mutex_;
  by_size keepers_;
  std::size_t used_ = 0;
  std::size_t own_ = 0;  ///< of all keepers
  std::optional<budget::account> account_;
};

/// For a keeper that adds up its changes itself: whether so many bytes are worth an update().
class step_counter {
public:
  bool passes(std::size_t footprint) noexcept {
    const auto now = footprint / room_memory::step;
    return now != std::exchange(told_, now);
  }

private:
  std::size_t told_ = 0;
};

}  // namespace switchboard::rooms
