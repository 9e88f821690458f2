#include <utility>

#include <switchboard/logging/logging.hpp>
#include <switchboard/rooms/sqlite/history.hpp>
#include <switchboard/rooms/sqlite/journal.hpp>
#include <switchboard/rooms/sqlite/room_log.hpp>

namespace switchboard::rooms::sqlite {

rpc::status log_is_closed() {
  return {rpc::code::unavailable, "the log is closed"};
}

room_log::room_log(std::string room, room_row stored, const log_store::encoder& encode, std::weak_ptr<journal> writer,
                   std::weak_ptr<history> reader)
    : room_(std::move(room)),
      encode_(encode),
      writer_(std::move(writer)),
      reader_(std::move(reader)),
      row_(std::move(stored)) {}

void room_log::append(std::vector<record> records, std::function<void(std::vector<append_result>)> done) {
  if (const auto writer = writer_.lock())
    writer->append({shared_from_this(), std::move(records), std::move(done)});
  else
    done(std::vector<append_result>(records.size(), append_result{log_is_closed()}));
}

void room_log::read(page_request wanted, std::function<void(log_page)> done) {
  if (const auto reader = reader_.lock())
    reader->read({shared_from_this(), std::move(wanted), std::move(done)});
  else
    done({log_is_closed(), {}, extent()});
}

log_extent room_log::extent() const {
  const std::lock_guard lock{mutex_};
  return {row_.log_id, row_.first, row_.last};
}

rpc::status room_log::condition() const {
  const std::lock_guard lock{mutex_};
  return condition_;
}

void room_log::found_damaged(const std::string& how) {
  const std::lock_guard lock{mutex_};
  if (!condition_.ok()) return;
  condition_ = {rpc::code::data_loss, "room " + room_ + " is damaged: " + how};
  logging::error("{}. It is left as it is; chat-broker check and export say what can be read", condition_.message);
}

std::uint64_t room_log::number() const {
  const std::lock_guard lock{mutex_};
  return row_.number;
}

void room_log::show(const room_row& committed) {
  bool grown = false;
  {
    const std::lock_guard lock{mutex_};
    grown = committed.last > row_.last;
    row_ = committed;
  }
  if (grown) watch_.tell();
}

}  // namespace switchboard::rooms::sqlite
