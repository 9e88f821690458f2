#include <algorithm>
#include <utility>

#include <switchboard/rooms/sqlite/append_queue.hpp>
#include <switchboard/rooms/sqlite/journal.hpp>

namespace switchboard::rooms::sqlite {
namespace {

/// What an append takes besides its records: a node with the request in it.
constexpr std::size_t entry_bytes = 256;

std::size_t bytes_of(const std::vector<record>& records) noexcept {
  auto bytes = entry_bytes + records.capacity() * sizeof(record);
  for (const auto& each : records) bytes += each.body.capacity() + each.dedupe_key.capacity();
  return bytes;
}

/// Whether a room that has `own` would have more waiting than is free.
bool is_beyond(std::size_t own, std::size_t more, std::size_t of_all, std::size_t most) noexcept {
  return of_all >= most || own + more > most - of_all;
}

}  // namespace

append_queue::append_queue(const journal_metrics& figures, std::shared_ptr<budget::ledger> memory)
    : figures_(figures), bytes_limit_(memory ? std::min(bytes_max, memory->total() / 4) : bytes_max) {
  if (memory) account_.emplace(std::move(memory), budget::owner::journal);
}

rpc::status append_queue::push(append_request& wanted) {
  const auto records = wanted.records.size();
  const auto bytes = bytes_of(wanted.records);
  auto& own = wanted.to->queued;
  const bool too_many = is_beyond(own.records, records, records_, records_max);
  if (!waiting_.empty() && (too_many || is_beyond(own.bytes, bytes, bytes_, bytes_limit_))) {
    const auto& limit = too_many ? figures_.queue_messages : figures_.queue_bytes;
    limit.hit("room " + wanted.to->room());
    rpc::status refused{rpc::code::resource_exhausted, limit.name() + ": too much waits for the disk"};
    refused.retry_after = journal::retry_pause;
    return refused;
  }
  const auto start = std::max(virtual_time_, own.finish);
  own.finish = start + bytes;
  // Ids are read once for all that the room has waiting, which comes no sooner; and not again for what comes after that.
  own.place = own.appends == 0 ? own.finish + wanted.ids_to_read * reading_cost : std::max(own.place, own.finish);
  own.records += records;
  own.bytes += bytes;
  ++own.appends;
  wanted.bytes = bytes;
  records_ += records;
  bytes_ += bytes;
  if (account_) account_->charge(bytes);
  figures_.queued_messages.add(records);
  const place at{own.place, arrivals_++};
  waiting_.emplace(at, entry{std::move(wanted), start});
  return {};
}

append_request append_queue::pop() {
  auto next = waiting_.extract(waiting_.begin());
  auto& [request, start] = next.mapped();
  virtual_time_ = std::max(virtual_time_, start);
  const auto records = request.records.size();
  records_ -= records;
  bytes_ -= request.bytes;
  auto& own = request.to->queued;
  --own.appends;
  own.records -= records;
  own.bytes -= request.bytes;
  figures_.queued_messages.subtract(records);
  return std::move(request);
}

void append_queue::release(std::size_t bytes) noexcept {
  if (account_) account_->release(bytes);
}

}  // namespace switchboard::rooms::sqlite
