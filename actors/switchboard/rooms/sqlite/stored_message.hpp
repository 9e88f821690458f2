#pragma once

/// A message as a database has it, and whether it is still what was written.
///
/// Why        each message is stored with a checksum (checksum.hpp): of its room's name, its sequence, the time of its append and
///            its body. What a database from before checksums stored has none, and is believed.
/// Threads    values.
/// Owns       nothing: the body lasts until the statement's next row.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <switchboard/rooms/sqlite/database.hpp>

namespace switchboard::rooms::sqlite {

std::uint32_t checksum_of(std::string_view room, std::uint64_t sequence, std::uint64_t at,
                          std::string_view body) noexcept;

struct stored_message {
  /// What a statement has to select, in a database of that version.
  static std::string columns(std::size_t version);
  /// Of a row of such a statement.
  explicit stored_message(const rows& row);

  /// Whether nothing shows that it was damaged.
  bool is_whole(std::string_view room) const noexcept;

  std::uint64_t sequence;
  std::uint64_t at;  ///< milliseconds since 1970
  std::string_view body;
  std::optional<std::uint64_t> checksum;
};

}  // namespace switchboard::rooms::sqlite
