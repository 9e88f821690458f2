#pragma once

/// The memory of a server that its clients cause: a total, and how much of it each kind of owner has.
///
///     const auto memory = std::make_shared<budget::ledger>(std::size_t{256} << 20);
///     budget::account own{memory, budget::owner::connection, this};
///
/// Why        limits of single connections and rooms say nothing about all of them together. What is buffered or retained for
///            an owner is on its account (account.hpp), and all accounts draw on one total.
/// Shortage   the total delays no owner. Past it, the connection that holds most is asked to end, and others by what they
///            hold while those that were asked have not enough to give back. So one client that takes what there is costs
///            itself, and not its neighbours; and one that is slow to end does not let others pass the total meanwhile.
///            A connection that holds no more than its own objects is never asked. Where only such are left, or those that
///            were asked take their time while the total is passed by an eighth, it is exhausted: there is none for
///            another connection.
/// Threads    any. An account draws in steps of some KiB, so the common atomics are not touched for each message.
/// Owns       nothing of what it counts. One for each server, handed down by constructors; there is none that a whole process
///            shares. It outlives its accounts, which share it.
/// Errors     none: what was spent is counted also past the total.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>

namespace switchboard::budget {

class account;

/// What bytes are held for.
enum class owner : unsigned char {
  connection,  ///< output, requests in flight, replies in the making
  room,        ///< messages in memory, their ids, membership events
  stream,      ///< pages that a stream reads
  journal,     ///< what waits for the disk
};
inline constexpr std::size_t owners = static_cast<std::size_t>(owner::journal) + 1;
/// The enumerator's name, as the figures show it.
const char* to_string(owner of) noexcept;

/// Learns of each change of what a kind of owner holds; for figures. Called on any thread.
class observer {
public:
  virtual void changed(owner of, std::int64_t bytes) noexcept = 0;

protected:
  ~observer() = default;
};

class ledger {
public:
  /// @param total     bytes
  /// @param watching  lives longer; null: none
  explicit ledger(std::size_t total, observer* watching = nullptr) noexcept : total_(total), observer_(watching) {}
  ledger(const ledger&) = delete;
  ledger& operator=(const ledger&) = delete;
  /// @pre no account is left
  ~ledger();

  std::size_t total() const noexcept { return total_; }
  /// By all accounts, in their steps.
  std::size_t used() const noexcept { return used_.load(std::memory_order_relaxed); }
  std::size_t used_by(owner of) const noexcept { return by_owner_[index(of)].load(std::memory_order_relaxed); }
  bool is_short() const noexcept { return used() > total_; }
  /// It is short by much, since those that were asked take their time, or there was none to ask when that was last looked at.
  bool is_exhausted() const noexcept {
    return used() > total_ + total_ / tolerated || (is_short() && none_to_ask_.load(std::memory_order_relaxed));
  }

private:
  friend class account;

  static constexpr std::size_t tolerated = 8;  ///< a part of the total: an eighth
  /// Accounts that can be asked are kept by how many steps they have drawn: 1, 2, 3 to 4, 5 to 8, …
  static constexpr std::size_t size_classes = 32;
  /// Within a class, the one that holds most is looked for among so many.
  static constexpr int compared_max = 64;

  static std::size_t index(owner of) noexcept { return static_cast<std::size_t>(of); }
  static void link(account*& first, account& added) noexcept;
  static void unlink(account*& first, account& removed) noexcept;

  void enter(account& opened) noexcept;
  void leave(account& closed) noexcept;
  /// What it has drawn has become another class. One that was asked and holds its first step only has nothing to give back.
  void sort(account& resized) noexcept;
  /// False, and nothing drawn, where the total has not so much left.
  bool try_draw(owner of, std::size_t bytes) noexcept;
  void draw(owner of, std::size_t bytes) noexcept;
  void give_back(owner of, std::size_t bytes) noexcept;
  void count(owner of, std::int64_t bytes) noexcept;
  void relieve() noexcept;
  void relieve_locked() noexcept;
  account* largest() const noexcept;
  void expect_back(account& of, std::size_t bytes) noexcept;

  const std::size_t total_;
  observer* const observer_;
  alignas(64) std::atomic<std::size_t> used_{0};
  std::array<std::atomic<std::size_t>, owners> by_owner_{};

  std::atomic<bool> none_to_ask_{false};

  // Lists of those that can be asked to end, by their size, and of those that were and are still here.
  std::mutex mutex_;
  std::array<account*, size_classes> askable_{};
  account* asked_ = nullptr;
  std::size_t leaving_ = 0;  ///< what is expected back of those that were asked
};

}  // namespace switchboard::budget
