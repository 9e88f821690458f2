#pragma once

/// What a string is known by where it need not be kept: 128 bits that no client can foresee.
///
/// Why        a room knows thousands of message ids of up to 129 bytes each, and has only to recognise them. With a key of
///            the process's own a client cannot choose ids that collide, and by chance two of 10,000 do with a probability of
///            2^-102.
/// Threads    any.
/// Errors     none.
/// Source     Aumasson and Bernstein, "SipHash: a fast short-input PRF"; SipHash-2-4 with its authors' 128-bit output.

#include <array>
#include <cstdint>
#include <string_view>

namespace switchboard::rooms {

struct digest {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  friend bool operator==(const digest&, const digest&) = default;
};

using digest_key = std::array<std::uint64_t, 2>;

digest keyed_digest(const digest_key& key, std::string_view content) noexcept;
/// Under a key that this process has drawn at random.
digest keyed_digest(std::string_view content);

}  // namespace switchboard::rooms
