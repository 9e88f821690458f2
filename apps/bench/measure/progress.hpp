#pragma once

/// One line on a terminal that says what is being done and how far it is; nothing where there is no terminal.
/// Threads    one.

#include <cstddef>
#include <cstdio>
#include <string>

namespace switchboard::bench {

class progress {
public:
  /// Shown where `to` is a terminal.
  explicit progress(std::FILE* to);
  ~progress() { clear(); }
  progress(const progress&) = delete;
  progress& operator=(const progress&) = delete;

  /// Something that takes `steps` steps, or for 0 an unknown number.
  void begin(std::string what, std::size_t steps);
  /// One of them is done.
  void advance();
  /// Removes the line, before something else is printed.
  void clear();

private:
  void show();

  std::FILE* to_;
  bool shown_;
  std::string what_;
  std::size_t steps_ = 0;
  std::size_t done_ = 0;
};

}  // namespace switchboard::bench
