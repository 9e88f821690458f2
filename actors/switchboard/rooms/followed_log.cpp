#include <algorithm>
#include <limits>
#include <utility>

#include <switchboard/rooms/followed_log.hpp>

namespace switchboard::rooms {

std::shared_ptr<followed_log> followed_log::create(std::string name, std::shared_ptr<const feed_codec> codec,
                                                   std::shared_ptr<log> messages, const room_limits& limits) {
  return std::shared_ptr<followed_log>{
      new followed_log{std::make_shared<room_feed>(std::move(name), std::move(codec), std::move(messages), limits)}};
}

void followed_log::append(record added, appended done) {
  std::vector<waiting> batch;
  bool refused = false;
  {
    const std::lock_guard lock{mutex_};
    refused = waiting_.size() >= waiting_max;
    if (!refused) {
      waiting_.push_back({std::move(added), std::move(done)});
      // One at a time, so that the tail gets entries in the order of their sequences.
      if (!std::exchange(append_under_way_, true)) batch = std::exchange(waiting_, {});
    }
  }
  if (refused && done) done({{rpc::code::resource_exhausted, "too much waits for the log"}});
  if (!batch.empty()) send(std::move(batch));
}

void followed_log::send(std::vector<waiting> batch) {
  std::vector<record> records;
  records.reserve(batch.size());
  for (auto& each : batch) records.push_back(std::move(each.content));
  feed_->log->append(std::move(records),
                     [self = shared_from_this(), batch = std::make_shared<std::vector<waiting>>(std::move(batch))](
                         auto results) { self->take(std::move(results), *batch); });
}

void followed_log::take(std::vector<append_result> results, const std::vector<waiting>& batch) {
  std::vector<waiting> next;
  std::vector<std::shared_ptr<cursor>> readers;
  {
    const std::lock_guard lock{mutex_};
    for (const auto& each : results)
      if (each.status.ok() && !each.duplicate) feed_->tail.append({each.bytes, each.sequence, 0, 0});
    feed_->tail.publish();
    std::erase_if(readers_, [&](const std::weak_ptr<cursor>& each) {
      auto reader = each.lock();
      if (!reader) return true;
      readers.push_back(std::move(reader));
      return false;
    });
    // Without readers the tail would only hold on to what the log may trim: the next one starts in the log.
    if (readers.empty()) feed_->tail.clear();
    feed_->count_memory();
    next = std::exchange(waiting_, {});
    append_under_way_ = !next.empty();
  }
  for (const auto& each : readers) each->notify(nullptr);
  for (std::size_t i = 0; i < results.size() && i < batch.size(); ++i)
    if (batch[i].done) batch[i].done(results[i]);
  if (!next.empty()) send(std::move(next));
}

std::shared_ptr<rpc::source> followed_log::reader(std::uint64_t after) {
  const std::lock_guard lock{mutex_};
  // Readers may come and go without an append that would notice.
  if (readers_.size() == readers_.capacity()) {
    std::erase_if(readers_, [](const std::weak_ptr<cursor>& each) { return each.expired(); });
    readers_.reserve(2 * readers_.size() + 1);
  }
  const auto from = std::min(after, extent().last);
  auto made = std::make_shared<cursor>(feed_, cursor::start{from, std::numeric_limits<std::uint32_t>::max(), 0});
  readers_.push_back(made);
  return made;
}

}  // namespace switchboard::rooms
