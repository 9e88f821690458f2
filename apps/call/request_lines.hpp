#pragma once

/// Standard input as lines, read as they come.
///
/// Threads    one.
/// Owns       what was read and not taken.
/// Limit      `line_bytes_max` a line.

#include <optional>
#include <string>

namespace switchboard::call {

class request_lines {
public:
  static constexpr std::size_t line_bytes_max = std::size_t{16} << 20;

  explicit request_lines(int descriptor) noexcept : descriptor_(descriptor) {}

  int descriptor() const noexcept { return descriptor_; }
  /// Reads once; waits where nothing is there.
  void read_some();
  /// The next whole line that is not blank, or what follows the last end of line once the input has ended.
  std::optional<std::string> next();
  /// The input has ended and every line was taken.
  bool ended() const noexcept { return input_ended_ && buffer_.empty(); }
  bool input_ended() const noexcept { return input_ended_; }
  /// A line was longer than line_bytes_max.
  bool too_long() const noexcept { return buffer_.size() > line_bytes_max; }

private:
  const int descriptor_;
  std::string buffer_;
  bool input_ended_ = false;
};

}  // namespace switchboard::call
