#include <switchboard/rooms/sqlite/checksum.hpp>
#include <switchboard/rooms/sqlite/schema.hpp>
#include <switchboard/rooms/sqlite/stored_room.hpp>

namespace switchboard::rooms::sqlite {

std::uint32_t checksum_of(std::string_view name, const room_row& row) noexcept {
  return checksum{}.add(name).add(row.number).add(row.log_id).add(row.first).add(row.last).add(row.bytes).value();
}

std::string stored_room::columns(std::size_t version) {
  return version < room_checksum_version ? "name, id, log_id, first, last, bytes, NULL"
                                         : "name, id, log_id, first, last, bytes, checksum";
}

stored_room::stored_room(const rows& found)
    : name(found.bytes(0)),
      row{found.integer(1), std::string(found.bytes(2)), found.integer(3), found.integer(4), found.integer(5)},
      checksum(found.is_null(6) ? std::nullopt : std::optional(found.integer(6))) {}

}  // namespace switchboard::rooms::sqlite
