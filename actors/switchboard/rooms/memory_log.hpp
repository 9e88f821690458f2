#pragma once

/// Logs in memory: each room's newest messages, within bounds of the room and of all rooms together.
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
#include <switchboard/rooms/room_memory.hpp>

namespace switchboard::rooms {

/// What goes over is trimmed, oldest first.
struct memory_limits {
  std::size_t room_entries = 100'000;
  std::size_t room_bytes = std::size_t{64} << 20;  ///< of the encoded entries
  std::size_t dedupe_window = 10'000;              ///< a room's newest ids that are known again
};

class memory_log;

class memory_store final : public log_store {
public:
  /// @param within  what logs take counts there with what else rooms do; null: nowhere
  explicit memory_store(encoder encode, memory_limits limits = {}, std::shared_ptr<room_memory> within = nullptr);
  ~memory_store() override;

  std::shared_ptr<log> open(const std::string& room) override;
  void close(const std::string& room) override;
  std::shared_ptr<log> find(const std::string& room) const override;
  std::vector<std::string> rooms(const std::string& after, std::size_t limit) const override;
  std::size_t size() const override;

private:
  const encoder encode_;
  const memory_limits limits_;
  const std::shared_ptr<room_memory> memory_;
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<memory_log>> logs_;
};

}  // namespace switchboard::rooms
