#include <switchboard/rooms/sqlite/checksum.hpp>
#include <switchboard/rooms/sqlite/schema.hpp>
#include <switchboard/rooms/sqlite/stored_message.hpp>

namespace switchboard::rooms::sqlite {

std::uint32_t checksum_of(std::string_view room, std::uint64_t sequence, std::uint64_t at,
                          std::string_view body) noexcept {
  return sqlite::checksum{}.add(room).add(sequence).add(at).add(body).value();
}

std::string stored_message::columns(std::size_t version) {
  return version < checksum_version ? "sequence, at, body, NULL" : "sequence, at, body, checksum";
}

stored_message::stored_message(const rows& row)
    : sequence(row.integer(0)),
      at(row.integer(1)),
      body(row.bytes(2)),
      checksum(row.is_null(3) ? std::nullopt : std::optional(row.integer(3))) {}

bool stored_message::is_whole(std::string_view room) const noexcept {
  return !checksum || *checksum == checksum_of(room, sequence, at, body);
}

}  // namespace switchboard::rooms::sqlite
