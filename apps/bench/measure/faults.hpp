#pragma once

/// What was wrong with the results of a load, by kind.
/// Threads    a value.

#include <cstdint>
#include <string>

namespace switchboard::bench {

struct faults {
  std::uint64_t lost = 0;        ///< never came
  std::uint64_t duplicated = 0;  ///< came again
  std::uint64_t reordered = 0;   ///< came after a later one
  std::uint64_t corrupted = 0;   ///< came with other bytes than were sent

  std::uint64_t total() const noexcept { return lost + duplicated + reordered + corrupted; }

  faults& operator+=(const faults& other) noexcept {
    lost += other.lost;
    duplicated += other.duplicated;
    reordered += other.reordered;
    corrupted += other.corrupted;
    return *this;
  }

  /// As in "3 lost, 1 duplicated"; empty where nothing was wrong.
  std::string to_string() const {
    std::string text;
    const auto add = [&](std::uint64_t count, const char* kind) {
      if (count != 0) text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + kind;
    };
    add(lost, "lost");
    add(duplicated, "duplicated");
    add(reordered, "reordered");
    add(corrupted, "corrupted");
    return text;
  }

  friend bool operator==(const faults&, const faults&) = default;
};

}  // namespace switchboard::bench
