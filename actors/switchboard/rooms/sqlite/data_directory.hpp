#pragma once

/// The directory that holds a broker's data, claimed by one process.
///
/// Why        two brokers on one directory would each assign the same sequences. The claim is a lock on a file in it, so
///            it ends with the process, however that ends.
/// Threads    one at a time.
/// Owns       the lock.
/// Errors     a status that says which directory, and why it cannot be had.

#include <filesystem>

#include <switchboard/rpc/result.hpp>

namespace switchboard::sqlite {

class data_directory {
public:
  /// Makes the directory where its parent is there and it is not.
  static rpc::result<data_directory> claim(const std::filesystem::path& path);

  data_directory(data_directory&& other) noexcept;
  data_directory& operator=(data_directory&&) = delete;
  ~data_directory();

  /// Makes sure that the names of the files in it survive a loss of power.
  rpc::status sync() const;
  const std::filesystem::path& path() const noexcept { return path_; }

private:
  data_directory(std::filesystem::path path, int lock) noexcept : path_(std::move(path)), lock_(lock) {}

  std::filesystem::path path_;
  int lock_;
};

}  // namespace switchboard::sqlite
