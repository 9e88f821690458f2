#pragma once

/// A room's row as a database has it, and whether it is still what was written.
///
/// Why        a room that says wrongly where its messages begin and end hides them. Each row is stored with a checksum
///            (checksum.hpp): of its name, its number, its log_id, its first and last sequence and its bytes. One that was not
///            written since a database from before checksums became this one's has none, and is believed.
/// Threads    values.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <switchboard/rooms/sqlite/database.hpp>
#include <switchboard/rooms/sqlite/room_log.hpp>

namespace switchboard::rooms::sqlite {

std::uint32_t checksum_of(std::string_view name, const room_row& row) noexcept;

struct stored_room {
  /// What is said of a row that is not whole.
  static constexpr const char* damage = "what it says of where its messages begin and end is not as it was written";

  /// What a statement has to select first, in a database of that version; how many columns that is.
  static std::string columns(std::size_t version);
  static constexpr int column_count = 7;
  /// Of a row of such a statement.
  explicit stored_room(const rows& found);

  /// Whether nothing shows that it was damaged.
  bool is_whole() const noexcept { return !checksum || *checksum == checksum_of(name, row); }

  std::string name;
  room_row row;
  std::optional<std::uint64_t> checksum;
};

}  // namespace switchboard::rooms::sqlite
