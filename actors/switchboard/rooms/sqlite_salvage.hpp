#pragma once

/// Reads a room out of a directory's database as it is, damaged or not.
///
/// Why        a store refuses a damaged database; the messages that it still has must not be lost with the others.
/// Found      what its checksum and its taker say is whole; of a database from before checksums, what its taker says.
/// Order      of sequences; a hole is named once its end is known. What follows a damaged place is looked for one sequence
///            after the other.
/// Threads    one at a time.
/// Owns       the directory's lock, and a connection that only reads: nothing is made, migrated or repaired.
/// Errors     of open(): what is wrong with the directory or the database; not_found where it has no such room. Of
///            read() none: what cannot be read is lost.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <switchboard/rpc/result.hpp>

namespace switchboard::rooms {

class sqlite_salvage {
public:
  /// Takes a record's body, and says whether it is one: else the message is lost.
  using found_message = std::function<bool(std::uint64_t sequence, std::string_view body)>;
  /// Both ends included.
  using lost_messages = std::function<void(std::uint64_t from, std::uint64_t to)>;

  static rpc::result<sqlite_salvage> open(const std::filesystem::path& directory, const std::string& room);

  sqlite_salvage(sqlite_salvage&&) noexcept;
  sqlite_salvage& operator=(sqlite_salvage&&) noexcept;
  ~sqlite_salvage();

  /// Whether the room still says reliably where its messages begin and end. Where it does not, messages before the oldest
  /// or after the newest that is there may be lost without being named.
  bool knows_its_ends() const noexcept { return knows_its_ends_; }
  /// The highest sequence that the room has, or had.
  std::uint64_t last() const noexcept { return last_; }
  /// Each message that was kept is either found, or lost together with its neighbours that are.
  void read(const found_message& found, const lost_messages& lost);

private:
  struct files;  ///< the directory's lock and the database

  explicit sqlite_salvage(std::unique_ptr<files> opened);
  rpc::status find(const std::string& room);
  rpc::status find_ends();

  std::unique_ptr<files> files_;
  std::string name_;
  std::string columns_;  ///< of a message, in a database of this version
  std::uint64_t number_ = 0;
  bool knows_its_ends_ = true;
  std::uint64_t first_ = 1;
  std::uint64_t last_ = 0;
  std::uint64_t last_stored_ = 0;
};

}  // namespace switchboard::rooms
