#pragma once

/// What shows that stored values are no longer what was written: a disk may give other bytes back, without an error.
///
/// Form       the CRC-32 (zlib's) of values one after the other: bytes as they are, numbers as eight bytes, least significant
///            first.
/// Threads    a value.

#include <cstdint>
#include <string_view>

namespace switchboard::rooms::sqlite {

class checksum {
public:
  checksum& add(std::string_view bytes) noexcept;
  checksum& add(std::uint64_t number) noexcept;
  std::uint32_t value() const noexcept { return sum_; }

private:
  std::uint32_t sum_ = 0;
};

}  // namespace switchboard::rooms::sqlite
