#pragma once

/// The deduplication windows that a journal has in memory, by room.
///
/// Why        ten thousand ids of a room take about 350 KiB, and there may be thousands of rooms. They are in the database too, from
///            where a window is read again within milliseconds: so they count with what rooms keep in memory, and where that
///            is too much the window goes that was used longest ago.
/// Threads    any. A window that is taken belongs to the one who took it until it is kept again; it counts meanwhile, and is
///            not released.
/// Owns       the windows that are not taken.
/// Errors     none.

#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include <switchboard/rooms/dedupe_window.hpp>
#include <switchboard/rooms/room_memory.hpp>

namespace switchboard::rooms::sqlite {

class known_ids final : private room_memory::keeper {
public:
  /// @param within  null: they are neither counted nor bounded.
  explicit known_ids(std::shared_ptr<room_memory> within) : memory_(std::move(within)) {}
  ~known_ids();
  known_ids(const known_ids&) = delete;
  known_ids& operator=(const known_ids&) = delete;

  /// Whether the room's ids need not be read: its window is here, or taken.
  bool has(std::string_view room) const;
  /// Nothing where the room's ids are to be read from the database.
  std::optional<dedupe_window> take(std::string_view room);
  void keep(const std::string& room, dedupe_window ids);
  void forget(std::string_view room);
  void clear();

private:
  struct entry {
    std::string room;
    std::optional<dedupe_window> ids;  ///< nothing: it is taken
    std::size_t footprint = 0;
  };
  using entries = std::list<entry>;

  /// What an entry takes besides its ids: two nodes, and the room's name.
  static constexpr std::size_t entry_bytes = 256;

  std::size_t footprint() const noexcept override;
  bool release_oldest() noexcept override;
  void erase(entries::iterator at) noexcept;
  void count();

  const std::shared_ptr<room_memory> memory_;
  mutable std::mutex mutex_;
  entries by_use_;                                                   ///< the one used last in front
  std::unordered_map<std::string_view, entries::iterator> by_room_;  ///< names are those of the entries
  std::size_t footprint_ = 0;
};

}  // namespace switchboard::rooms::sqlite
