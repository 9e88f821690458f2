#include <utility>

#include <switchboard/rooms/sqlite/append_queue.hpp>
#include <switchboard/rooms/sqlite/journal.hpp>

namespace switchboard::rooms::sqlite {
namespace {

std::size_t bytes_of(const std::vector<record>& records) noexcept {
  auto bytes = records.capacity() * sizeof(record);
  for (const auto& each : records) bytes += each.body.capacity() + each.dedupe_key.capacity();
  return bytes;
}

}  // namespace

append_queue::append_queue(const journal_metrics& figures, std::shared_ptr<budget::ledger> memory) : figures_(figures) {
  if (memory) account_.emplace(std::move(memory), budget::owner::journal);
}

rpc::status append_queue::push(append_request& wanted) {
  const auto records = wanted.records.size();
  const auto bytes = bytes_of(wanted.records);
  const bool too_many = records_ + records > records_max;
  if (!waiting_.empty() && (too_many || bytes_ + bytes > bytes_max)) {
    const auto& limit = too_many ? figures_.queue_messages : figures_.queue_bytes;
    limit.hit("room " + wanted.to->room());
    rpc::status refused{rpc::code::resource_exhausted, limit.name() + ": too much waits for the disk"};
    refused.retry_after = journal::retry_pause;
    return refused;
  }
  wanted.bytes = bytes;
  records_ += records;
  bytes_ += bytes;
  if (account_) account_->charge(bytes);
  figures_.queued_messages.add(records);
  waiting_.push_back(std::move(wanted));
  return {};
}

append_request append_queue::pop() {
  auto next = std::move(waiting_.front());
  waiting_.pop_front();
  records_ -= next.records.size();
  bytes_ -= next.bytes;
  figures_.queued_messages.subtract(next.records.size());
  return next;
}

void append_queue::release(std::size_t bytes) noexcept {
  if (account_) account_->release(bytes);
}

}  // namespace switchboard::rooms::sqlite
