#pragma once

/// The name of a registration on a port: its slot in the table of registrations, and how many that slot has had.
///
/// Why        a socket's number is used again; a name is not, until a slot's count wraps (2^32 registrations).
/// Threads    values.

#include <cstdint>

namespace switchboard::notify {

enum class registration_id : std::uint64_t { none = ~std::uint64_t{0} };

constexpr registration_id make_registration_id(std::uint32_t slot, std::uint32_t generation) noexcept {
  return static_cast<registration_id>(std::uint64_t{generation} << 32 | slot);
}
constexpr std::uint32_t slot_of(registration_id name) noexcept {
  return static_cast<std::uint32_t>(static_cast<std::uint64_t>(name));
}
constexpr std::uint32_t generation_of(registration_id name) noexcept {
  return static_cast<std::uint32_t>(static_cast<std::uint64_t>(name) >> 32);
}

}  // namespace switchboard::notify
