#pragma once

/// Logs in memory: each room's newest messages, within a bound a room and a bound in all.
///
/// Why        the default store of rooms that need not outlive the broker. What a bound trims, readers name in a gap.
/// Threads    any: a room appends while connections read.
/// Owns       the rooms' logs; a log outlives the store as long as it is shared.
/// Errors     none: memory stores at once, and `done` is called before append() or read() returns.

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <switchboard/rooms/log.hpp>

namespace switchboard::rooms {

/// Bytes are those of the encoded entries. What goes over is trimmed, oldest first.
struct memory_limits {
  std::size_t room_entries = 100'000;
  std::size_t room_bytes = std::size_t{64} << 20;
  std::size_t total_bytes = std::size_t{512} << 20;  ///< past it the room that takes most is trimmed
  std::size_t dedupe_window = 10'000;                ///< a room's newest ids that are known again
};

class memory_log;
class memory_account;

class memory_store final : public log_store {
public:
  explicit memory_store(encoder encode, memory_limits limits = {});
  ~memory_store() override;

  std::shared_ptr<log> open(const std::string& room) override;
  void close(const std::string& room) override;
  std::shared_ptr<log> find(const std::string& room) const override;
  std::vector<std::string> rooms(const std::string& after, std::size_t limit) const override;
  std::size_t size() const override;

private:
  const encoder encode_;
  const memory_limits limits_;
  const std::shared_ptr<memory_account> account_;
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<memory_log>> logs_;
};

}  // namespace switchboard::rooms
