#pragma once

/// SIGINT as something to wait for: a descriptor that can be read once it has come. The next one ends the program.
///
/// Threads    one, and the signal's handler. One object at a time.
/// Owns       a pipe.
/// Errors     where the system has no pipe to give, SIGINT stays what it was.

namespace switchboard::call {

class interruption {
public:
  interruption() noexcept;
  ~interruption();
  interruption(const interruption&) = delete;
  interruption& operator=(const interruption&) = delete;

  /// -1 where there is none.
  int descriptor() const noexcept { return ends_[0]; }
  static bool came() noexcept;

private:
  int ends_[2] = {-1, -1};
};

}  // namespace switchboard::call
