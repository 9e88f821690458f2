#pragma once

/// A directory of its own below one that was asked for, so that it is on that disk; gone with the object.
/// Threads    one.
/// Errors     std::runtime_error where none can be made.

#include <filesystem>
#include <stdexcept>
#include <string>

#include <stdlib.h>

namespace switchboard::bench {

class scratch_directory {
public:
  explicit scratch_directory(const std::string& below) {
    auto name = (std::filesystem::path(below) / "switchboard-bench-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error(below + ": no directory can be made there");
    path_ = name;
  }
  ~scratch_directory() { std::filesystem::remove_all(path_); }
  scratch_directory(const scratch_directory&) = delete;
  scratch_directory& operator=(const scratch_directory&) = delete;

  std::string file(const std::string& name) const { return (path_ / name).string(); }

private:
  std::filesystem::path path_;
};

}  // namespace switchboard::bench
