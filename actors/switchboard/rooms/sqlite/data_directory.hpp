#pragma once

/// The directory that holds a broker's data, claimed by one process.
///
/// Why        two brokers on one directory would each assign the same sequences. The claim is a lock on a file in it, so
///            it ends with the process, however that ends.
/// Privacy    the directory is made 0700 and files in it 0600, whatever the umask: others could read messages, or lock the
///            files and so stop the broker. What was there before stays as it is; exposed() names it.
/// Threads    one at a time.
/// Owns       the lock.
/// Errors     a status that says which directory, and why it cannot be had. What is there is left as it is where a file of
///            the database is not a regular file of this user's, or the database another application's, or where the
///            file "lock" is not a regular file of this user's with one name, or holds what no broker wrote.

#include <filesystem>
#include <string>
#include <vector>

#include <switchboard/rpc/result.hpp>

namespace switchboard::rooms::sqlite {

inline constexpr const char* database_name = "rooms.db";

class data_directory {
public:
  /// Makes the directory where its parent is there and it is not.
  static rpc::result<data_directory> claim(const std::filesystem::path& path);

  data_directory(data_directory&& other) noexcept;
  data_directory& operator=(data_directory&&) = delete;
  ~data_directory();

  /// Writes into the lock's file which process has it, for people alone: the lock holds without. Once the directory's
  /// database has been recognised, since it may be another program's directory, and lock, until then.
  void sign() const noexcept;
  /// Makes sure that the names of the files in it survive a loss of power.
  rpc::status sync() const;
  const std::filesystem::path& path() const noexcept { return path_; }
  /// Makes an empty file in it, its owner's alone, where there is none of that name.
  rpc::status make_file(const std::string& name) const;
  /// The directory and the files in it that others than their owner may use.
  std::vector<std::filesystem::path> exposed() const;

private:
  data_directory(std::filesystem::path path, int lock) noexcept : path_(std::move(path)), lock_(lock) {}

  std::filesystem::path path_;
  int lock_;
};

}  // namespace switchboard::rooms::sqlite
