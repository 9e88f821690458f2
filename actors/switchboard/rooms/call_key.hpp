#pragma once

/// Which call, among all of a broker's: the connection's number and the call's on it.
/// Threads    a value.

#include <cstddef>
#include <cstdint>

namespace switchboard::rooms {

struct call_key {
  std::uint64_t caller = 0;
  std::uint64_t call = 0;
  friend bool operator==(const call_key&, const call_key&) = default;
};

struct call_key_hash {
  std::size_t operator()(const call_key& key) const noexcept {
    // Callers count up from 1 and so do calls: an odd multiplier keeps their pairs apart.
    return static_cast<std::size_t>(key.caller * 0x9e3779b97f4a7c15u ^ key.call);
  }
};

}  // namespace switchboard::rooms
