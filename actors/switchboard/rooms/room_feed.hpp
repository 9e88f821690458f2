#pragma once

/// What the cursors of one log read: the log, the tail in front of it, the presence changes between.
///
/// Why        a cursor outlives nothing but what it reads; a room, or a followed log, and its cursors share this. A room
///            that is started anew makes a new one in front of the same log.
/// Threads    as its parts say; the room (the followed log) alone writes.
/// Memory     its tail and its membership events may be dropped, oldest first, where rooms take too much: a log has the
///            messages, and a reader may miss older membership events.
/// Owns       its parts.

#include <memory>
#include <string>
#include <utility>

#include <switchboard/rooms/feed_codec.hpp>
#include <switchboard/rooms/log.hpp>
#include <switchboard/rooms/presence_window.hpp>
#include <switchboard/rooms/room_memory.hpp>
#include <switchboard/rooms/room_metrics.hpp>
#include <switchboard/rooms/tail.hpp>

namespace switchboard::rooms {

/// What bounds a room; values, but for the memory, which rooms share.
struct room_limits {
  tail_limits tail;
  /// Newest presence changes kept.
  std::size_t presence_changes = presence_window::default_limit;
  /// What a cursor asks the log for at once, and so holds while it draws.
  std::size_t page_entries = 64;
  std::size_t page_bytes = std::size_t{64} << 10;
  /// Publishes that are appended together at most.
  std::size_t batch_entries = 1024;
  std::size_t batch_bytes = std::size_t{256} << 10;
  /// Where what is in front of the log counts with that of all rooms; null: nowhere.
  std::shared_ptr<room_memory> memory{};
};

class room_feed final : private room_memory::keeper {
public:
  /// What an empty room takes of the heap: its actor, this, and the windows that are made for its first entries; by a profile.
  static constexpr std::size_t room_bytes = std::size_t{5} << 10;

  room_feed(std::string name_of_room, std::shared_ptr<const feed_codec> words, std::shared_ptr<rooms::log> messages,
            const room_limits& bounds, room_metrics count_in = room_metrics{})
      : room_memory::keeper(room_bytes),
        name(std::move(name_of_room)),
        codec(std::move(words)),
        log(std::move(messages)),
        limits(bounds),
        figures(std::move(count_in)),
        tail(log->extent().last, bounds.tail),
        presence(bounds.presence_changes) {
    if (limits.memory) limits.memory->update(*this);
  }
  ~room_feed() {
    if (limits.memory) limits.memory->forget(*this);
  }
  room_feed(const room_feed&) = delete;
  room_feed& operator=(const room_feed&) = delete;

  /// After changes of the tail or the events: counts them.
  void count_memory() noexcept {
    if (limits.memory && counted_.passes(footprint())) limits.memory->update(*this);
  }

  const std::string name;
  const std::shared_ptr<const feed_codec> codec;
  const std::shared_ptr<rooms::log> log;
  const room_limits limits;
  const room_metrics figures;
  rooms::tail tail;
  presence_window presence;

private:
  std::size_t footprint() const noexcept override { return tail.footprint() + presence.footprint(); }
  bool release_oldest() noexcept override { return tail.drop_oldest() || presence.drop_oldest(); }

  step_counter counted_;
};

}  // namespace switchboard::rooms
