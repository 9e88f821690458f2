#pragma once

/// A log's newest message ids and where their messages are.
///
/// Why        a message that is published again within the window is stored once.
/// Form       a ring of digests (keyed_digest.hpp) in the order in which they came, and a hash table of places in it, probed
///            linearly: 24 bytes an id and 6 to 11 for its place, whatever an id's length.
/// Threads    one at a time.
/// Owns       at most `limit` ids.
/// Errors     none.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include <switchboard/rooms/keyed_digest.hpp>

namespace switchboard::rooms {

class dedupe_window {
public:
  explicit dedupe_window(std::size_t limit) : limit_(limit) {}

  std::optional<std::uint64_t> find(std::string_view key) const;
  /// Adds an id, unless it is known; the oldest goes where there are too many.
  void remember(std::string_view key, std::uint64_t sequence);
  /// Forgets the older half, and what it took.
  void forget_half();

  /// Where the message of the id is that was added `index` ids after the oldest. @pre index < size()
  std::uint64_t sequence_at(std::size_t index) const noexcept { return entry_at(index).sequence; }
  std::size_t size() const noexcept { return size_; }
  /// What it takes of the heap.
  std::size_t footprint() const noexcept;

private:
  struct entry {
    digest id;
    std::uint64_t sequence = 0;
  };
  /// In the table: 0 for a free slot, else a place in the ring and 1.
  using slot = std::uint32_t;
  static constexpr std::size_t first_entries = 8;

  std::size_t ring_place(std::size_t index) const noexcept { return (oldest_ + index) % ring_.size(); }
  const entry& entry_at(std::size_t index) const noexcept { return ring_[ring_place(index)]; }
  std::size_t slot_of(const digest& id) const noexcept { return id.low & (table_.size() - 1); }
  std::size_t next_slot(std::size_t at) const noexcept { return (at + 1) & (table_.size() - 1); }
  void insert(std::size_t place) noexcept;
  void erase(std::size_t place) noexcept;
  void forget_oldest() noexcept;
  void resize(std::size_t entries);

  std::size_t limit_;
  std::vector<entry> ring_;
  std::size_t oldest_ = 0;  ///< in the ring
  std::size_t size_ = 0;
  std::vector<slot> table_;  ///< a power of two, at most two thirds full
};

}  // namespace switchboard::rooms
