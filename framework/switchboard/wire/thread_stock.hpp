#pragma once

/// Emptied containers that a thread keeps for its next use of their kind.
///
/// Why        what a turn fills is sent or read within microseconds: without a stock each would cost an allocation, and with one
///            of their own idle connections would cost memory.
/// Threads    any; each has its own stock.
/// Limits     at most count_kept containers of a type, none above one_bytes_max, together at most all_bytes_max.

#include <array>
#include <cstddef>
#include <utility>

namespace switchboard::wire {

template <class Container>
class thread_stock {
public:
  static constexpr std::size_t count_kept = 256;
  static constexpr std::size_t one_bytes_max = std::size_t{64} * 1024;
  static constexpr std::size_t all_bytes_max = std::size_t{512} * 1024;

  /// An empty container, with room where there was one in stock.
  static Container take() noexcept {
    auto& mine = of_thread();
    if (mine.count_ == 0) return {};
    Container found = std::move(mine.kept_[--mine.count_]);
    mine.bytes_ -= bytes_of(found);
    return found;
  }
  /// Empties it, and keeps its room if there is place for it.
  static void give_back(Container&& used) noexcept {
    auto gone = std::move(used);
    gone.clear();
    const auto bytes = bytes_of(gone);
    if (bytes < one_bytes_min || bytes > one_bytes_max) return;
    auto& mine = of_thread();
    if (mine.count_ == count_kept || mine.bytes_ + bytes > all_bytes_max) return;
    mine.bytes_ += bytes;
    mine.kept_[mine.count_++] = std::move(gone);
  }

private:
  /// Below this a string's own room does as well.
  static constexpr std::size_t one_bytes_min = 16;

  /// What is given back to a thread that has ended its stock is not kept.
  ~thread_stock() {
    count_ = 0;
    bytes_ = all_bytes_max;
  }
  static std::size_t bytes_of(const Container& room) noexcept {
    return room.capacity() * sizeof(typename Container::value_type);
  }
  static thread_stock& of_thread() noexcept {
    static thread_local thread_stock kept;
    return kept;
  }

  std::array<Container, count_kept> kept_{};
  std::size_t count_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace switchboard::wire
