#include <array>

#include <zlib.h>

#include <switchboard/rooms/sqlite/schema.hpp>
#include <switchboard/rooms/sqlite/stored_message.hpp>

namespace switchboard::rooms::sqlite {
namespace {

uLong add(uLong sum, std::string_view bytes) noexcept {
  return ::crc32_z(sum, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
}

uLong add(uLong sum, std::uint64_t number) noexcept {
  std::array<char, sizeof number> bytes;
  for (auto& each : bytes) {
    each = static_cast<char>(number & 0xff);
    number >>= 8;
  }
  return add(sum, {bytes.data(), bytes.size()});
}

}  // namespace

std::uint32_t checksum_of(std::string_view room, std::uint64_t sequence, std::uint64_t at,
                          std::string_view body) noexcept {
  return static_cast<std::uint32_t>(add(add(add(add(0, room), sequence), at), body));
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
