#pragma once

/// A log that a service appends to and that any number of its streams follow, each at its own place and pace.
///
///     void watch(const WatchRequest& request, rpc::outbound<Item> items) { items.follow(log_, request.after()); }
///
/// Why        fan-out without queues: a stream is a cursor, so a slow reader costs no memory, misses nothing that the log
///            still holds, and delays no other. Rooms are this with members, presence and order between the two.
/// Threads    any. Appends made while one is on its way to the log go together with the next.
/// Owns       the feed; readers share it and outlive this.
/// Errors     append: each record's result is the log's. A reader that lags further than the log reaches gets a gap, one whose
///            log cannot be read ends with its status.

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <switchboard/rooms/cursor.hpp>
#include <switchboard/rooms/room_feed.hpp>

namespace switchboard::rooms {

class followed_log : public std::enable_shared_from_this<followed_log> {
public:
  using appended = std::function<void(const append_result&)>;

  /// Records that may wait for an append that is on its way; one more is answered RESOURCE_EXHAUSTED.
  static constexpr std::size_t waiting_max = 65'536;

  static std::shared_ptr<followed_log> create(std::string name, std::shared_ptr<const feed_codec> codec,
                                              std::shared_ptr<log> messages, const room_limits& limits = {});

  /// Appends, notifies the readers, then calls `done`, on the thread on which the log answers.
  void append(record added, appended done = {});
  /// What comes after message `after`, or after the log's last where that is before it: what the log holds, then what is
  /// appended. For rpc::outbound::follow.
  std::shared_ptr<rpc::source> reader(std::uint64_t after);
  log_extent extent() const { return feed_->log->extent(); }

private:
  struct waiting {
    record content;
    appended done;
  };

  explicit followed_log(std::shared_ptr<room_feed> feed) : feed_(std::move(feed)) {}
  void send(std::vector<waiting> batch);
  void take(std::vector<append_result> results, const std::vector<waiting>& batch);

  const std::shared_ptr<room_feed> feed_;
  std::mutex mutex_;  // guards all below, and writing to the feed
  std::vector<std::weak_ptr<cursor>> readers_;
  std::vector<waiting> waiting_;
  bool append_under_way_ = false;
};

}  // namespace switchboard::rooms
