#pragma once

/// The newest entries of a room, for readers that keep up: messages and membership events in the order in which
/// every member sees them.
///
/// Why        fan-out without a copy: the room writes an entry once, any number of readers look at it where it is.
///            Readers take no lock and count no references but once a chunk.
/// Form       a chain of chunks, the first of a few entries and each of up to twice as many as the one before, so that a room
///            with little to say takes little. An entry never changes once the head is past it. A chunk
///            names its successor weakly: a reader that does not advance keeps its own chunk and none after it, a long
///            chain is never freed recursively, and a reader that comes too late finds no successor and returns to the
///            log.
/// Threads    append, publish and clear: the room alone. All else: any; drop_oldest() is for the one who bounds the memory of all
///            rooms.
/// Owns       its chunks up to the bounds; a reader owns the one it stands in.
/// Errors     none.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>

#include <switchboard/wire/shared_bytes.hpp>

namespace switchboard::rooms {

/// What a tail keeps; whole chunks go as soon as either is passed.
struct tail_limits {
  std::size_t entries = 4096;
  std::size_t bytes = std::size_t{1} << 20;
  /// A chunk is closed before it holds more (one entry it always takes): what a reader that does not advance can keep
  /// alive.
  std::size_t chunk_bytes = std::size_t{32} << 10;
  /// Of the first chunk; later ones double it, up to tail::chunk_entries.
  std::uint32_t first_chunk_entries = 4;
};

class tail {
public:
  static constexpr std::uint32_t chunk_entries = 64;

  struct entry {
    wire::shared_bytes bytes;
    std::uint64_t sequence = 0;    ///< the message's; of a presence change the one it is placed after
    std::uint64_t change = 0;      ///< the presence change's number; 0: a message
    std::uint64_t membership = 0;  ///< whose presence changed
    /// Of a joined: the index in its chunk, plus 1, of the left with which it may be dropped (presence_storm.hpp); 0: none.
    std::uint8_t left = 0;
  };

  struct chunk {
    explicit chunk(std::uint32_t most) : closed_at(most), capacity(most), entries(new entry[most]) {}

    std::uint64_t first_position = 0;  ///< of its first entry, counted from the tail's beginning
    std::uint64_t after_sequence = 0;  ///< the last message before its first entry
    /// How many entries it has once it has a successor. Read when the head is past an entry's position: then it is
    /// settled whether that entry is here.
    std::atomic<std::uint32_t> closed_at;
    const std::uint32_t capacity;
    /// Of a left: the index of the joined with which it may be dropped; 0: none. Set before the head is past the joined.
    std::array<std::atomic<std::uint8_t>, chunk_entries> joined{};
    std::weak_ptr<const chunk> next;  ///< valid once the head is past the chunk
    const std::unique_ptr<entry[]> entries;
  };

  /// Between two entries, or after the last one.
  struct place {
    std::shared_ptr<const chunk> in;  ///< null: nothing is held, and the place is the head
    std::uint32_t index = 0;
    std::uint64_t position = 0;
  };

  explicit tail(std::uint64_t last_sequence, tail_limits limits = {});

  /// Adds an entry that readers see after publish(). A message's sequence must be above all before it. Returns its
  /// position. `left`: the position of the left with which this joined may be dropped, where both are in one chunk.
  std::uint64_t append(entry added, std::optional<std::uint64_t> left = {});
  /// Moves the head past all that was appended.
  void publish() noexcept;
  /// Forgets all entries. @pre there are no readers
  void clear();
  /// Forgets the oldest chunk, whose readers go on in the log; false where there is none.
  bool drop_oldest();
  /// What it takes of the heap. Entries that a log in memory shares count here too.
  std::size_t footprint() const noexcept { return footprint_.load(std::memory_order_relaxed); }

  /// How many entries were published since the beginning. What is before it may be read (acquire).
  std::uint64_t head() const noexcept { return head_.load(std::memory_order_acquire); }
  /// Of the newest published message.
  std::uint64_t last_sequence() const noexcept { return last_sequence_.load(std::memory_order_acquire); }
  /// The place after message `sequence`, before presence changes placed after it; nothing when entries between it and
  /// the oldest held are missing.
  std::optional<place> after(std::uint64_t sequence) const;

private:
  struct held_chunk {
    std::shared_ptr<chunk> entries;
    std::uint32_t count = 0;
    std::size_t bytes = 0;
    std::size_t footprint = 0;
  };

  void open_chunk();
  void close_last();
  void drop_front();

  const tail_limits limits_;
  // The room's own view, which readers do not look at.
  std::uint64_t appended_ = 0;
  std::uint64_t appended_sequence_;

  mutable std::mutex mutex_;  ///< guards which chunks are held and how full they are, not their entries
  std::deque<held_chunk> chunks_;
  std::size_t held_entries_ = 0;
  std::size_t held_bytes_ = 0;
  std::atomic<std::size_t> footprint_{0};

  alignas(64) std::atomic<std::uint64_t> head_{0};
  std::atomic<std::uint64_t> last_sequence_;
};

}  // namespace switchboard::rooms
