#include <array>

#include <zlib.h>

#include <switchboard/rooms/sqlite/checksum.hpp>

namespace switchboard::rooms::sqlite {

checksum& checksum::add(std::string_view bytes) noexcept {
  sum_ = static_cast<std::uint32_t>(::crc32_z(sum_, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
  return *this;
}

checksum& checksum::add(std::uint64_t number) noexcept {
  std::array<char, sizeof number> bytes;
  for (auto& each : bytes) {
    each = static_cast<char>(number & 0xff);
    number >>= 8;
  }
  return add(std::string_view{bytes.data(), bytes.size()});
}

}  // namespace switchboard::rooms::sqlite
