#include <algorithm>
#include <utility>

#include <caf/detail/set_thread_name.hpp>

#include <switchboard/logging/logging.hpp>
#include <switchboard/rooms/sqlite/history.hpp>
#include <switchboard/rooms/sqlite/journal.hpp>
#include <switchboard/rooms/sqlite/schema.hpp>
#include <switchboard/rooms/sqlite/stored_message.hpp>
#include <switchboard/rooms/sqlite/stored_room.hpp>

namespace switchboard::rooms::sqlite {
namespace {

logging::throttle& read_failures() {
  static logging::throttle lines{"failures to read the rooms"};
  return lines;
}

}  // namespace

rpc::result<database> open_for_reading(const std::string& path) {
  if (auto lost = refuse_lost_database(path); !lost.ok()) return lost;
  auto opened = database::open(path, access::read_only);
  if (!opened) return opened.status();
  // It takes its part in the write-ahead log only when it reads.
  if (auto failure = recognise(*opened); !failure.ok()) return failure;
  return opened;
}

struct history::statements {
  explicit statements(const database& in)
      : begin(in, "BEGIN"),
        end(in, "ROLLBACK"),
        room(in, "SELECT " + stored_room::columns(newest_version) + " FROM rooms WHERE id = ?"),
        messages(in, "SELECT " + stored_message::columns(newest_version) +
                         " FROM messages WHERE room = ? AND sequence BETWEEN ? AND ? ORDER BY sequence LIMIT ?") {}

  explicit operator bool() const noexcept { return begin && end && room && messages; }

  statement begin, end, room, messages;
};

history::history(std::string path, database rooms) : path_(std::move(path)), rooms_(std::move(rooms)) {}

history::~history() = default;

void history::read(read_request wanted) {
  {
    const std::lock_guard lock{mutex_};
    if (!ends_) {
      const auto reader = wanted.page.reader;
      waiting_.push(reader, std::move(wanted));
      work_came_.notify_one();
      return;
    }
  }
  wanted.done({log_is_closed(), {}, wanted.of->extent()});
}

void history::end() {
  const std::lock_guard lock{mutex_};
  ends_ = true;
  work_came_.notify_one();
}

void history::run() {
  caf::detail::set_thread_name("history");
  for (;;) {
    read_request next;
    bool ended = false;
    {
      std::unique_lock lock{mutex_};
      work_came_.wait(lock, [this] { return ends_ || !waiting_.empty(); });
      if (waiting_.empty()) break;
      next = waiting_.pop();
      ended = ends_;
    }
    next.done(answer_to(next, ended));
  }
  forget_connection();
}

log_page history::answer_to(const read_request& wanted, bool ended) {
  if (ended) return {log_is_closed(), {}, wanted.of->extent()};
  if (wanted.page.still_wanted && !wanted.page.still_wanted())
    return {{rpc::code::cancelled, "the page is no longer wanted"}, {}, wanted.of->extent()};
  auto page = page_for(wanted);
  // A damaged room has said so already.
  if (page.status.ok() || !wanted.of->condition().ok()) return page;
  read_failures().warn("{}: {}", path_, page.status.message);
  if (!rooms_ || !rooms_->recover()) forget_connection();
  // A reader can do nothing about space.
  if (page.status.code == rpc::code::resource_exhausted) page.status.code = rpc::code::unavailable;
  return page;
}

void history::forget_connection() {
  statements_.reset();
  rooms_.reset();
}

rpc::status history::prepare() {
  if (statements_) return {};
  if (!rooms_) {
    auto opened = open_for_reading(path_);
    if (!opened) return opened.status();
    rooms_.emplace(std::move(*opened));
  }
  auto made = std::make_unique<statements>(*rooms_);
  if (*made) {
    statements_ = std::move(made);
    return {};
  }
  return rooms_->refusal();
}

log_page history::page_for(const read_request& wanted) {
  log_page page;
  page.extent = wanted.of->extent();
  const auto number = wanted.of->number();
  page.status = wanted.of->condition();
  if (!page.status.ok() || number == 0 || wanted.page.after >= page.extent.last || wanted.page.limit == 0) return page;
  page.status = prepare();
  if (page.status.ok()) page.status = statements_->begin.run();
  if (!page.status.ok()) return page;
  page.status = read_in_transaction(wanted, number, page);
  if (page.status.code == rpc::code::data_loss) wanted.of->found_damaged(page.status.message);
  if (page.status.ok() || page.status.code == rpc::code::data_loss)
    if (auto failure = statements_->end.run(); !failure.ok()) page.status = std::move(failure);
  return page;
}

/// Fills the page from one state of the database. What that has beyond the page's extent is committed, but not yet
/// shown; what retention took meanwhile is gone in it, so that only its own oldest says where the page has to begin.
rpc::status history::read_in_transaction(const read_request& wanted, std::uint64_t number, log_page& page) {
  auto& extent = page.extent;
  const auto last = extent.last;
  {
    auto found = statements_->room.query(number);
    if (found.next()) {
      const stored_room stored{found};
      if (!stored.is_whole()) return {rpc::code::data_loss, stored_room::damage};
      extent.first = std::max(extent.first, stored.row.first);
    }
    if (!found.status().ok()) return found.status();
  }
  extent.last = std::max(extent.last, extent.first - 1);
  auto next = std::max(wanted.page.after + 1, extent.first);
  auto found = statements_->messages.query(number, next, last, static_cast<std::uint64_t>(wanted.page.limit));
  std::size_t taken = 0;
  for (; next <= last && page.entries.size() < wanted.page.limit; ++next) {
    const bool is_there = found.next();
    if (!found.status().ok()) return found.status();
    const auto lost = [&](const char* how) {
      return rpc::status{rpc::code::data_loss, "message " + std::to_string(next) + how};
    };
    if (!is_there) return lost(" is missing");
    const stored_message message{found};
    if (message.sequence != next) return lost(" is missing");
    if (!message.is_whole(wanted.of->room())) return lost(" is damaged");
    auto bytes = wanted.of->encode(next, std::string(message.body));
    if (!page.entries.empty() && taken + bytes.size() > wanted.page.bytes) break;
    taken += bytes.size();
    page.entries.push_back({next, std::move(bytes)});
  }
  return {};
}

}  // namespace switchboard::rooms::sqlite
