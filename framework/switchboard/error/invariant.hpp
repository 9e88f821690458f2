#pragma once

/// Checks that stay in release builds: a broken invariant ends the process with the place and the reason, because going
/// on would turn a bug into lost or wrong data.

namespace switchboard {

[[noreturn]] void invariant_broken(const char* condition, const char* reason, const char* file, int line) noexcept;

}  // namespace switchboard

#define SWITCHBOARD_INVARIANT(condition, reason) \
  (static_cast<bool>(condition) ? void() : ::switchboard::invariant_broken(#condition, reason, __FILE__, __LINE__))
