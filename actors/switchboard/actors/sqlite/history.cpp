#include <algorithm>
#include <utility>

#include <caf/detail/set_thread_name.hpp>

#include <switchboard/actors/logging.hpp>
#include <switchboard/actors/sqlite/history.hpp>

namespace switchboard::sqlite {
namespace {

logging::throttle& read_failures() {
  static logging::throttle lines{"failures to read the rooms"};
  return lines;
}

}  // namespace

history::history(std::string path) : path_(std::move(path)), thread_([this] { run(); }) {}

history::~history() {
  {
    const std::lock_guard lock{mutex_};
    ends_ = true;
  }
  work_came_.notify_one();
  thread_.join();
}

void history::read(read_request wanted) {
  {
    const std::lock_guard lock{mutex_};
    waiting_.push_back(std::move(wanted));
  }
  work_came_.notify_one();
}

void history::run() {
  caf::detail::set_thread_name("history");
  for (;;) {
    read_request next;
    {
      std::unique_lock lock{mutex_};
      work_came_.wait(lock, [this] { return ends_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      next = std::move(waiting_.front());
      waiting_.pop_front();
    }
    auto page = page_for(next);
    if (!page.status.ok()) {
      read_failures().warn("{}: {}", path_, page.status.message);
      page_.reset();
      rooms_.reset();
    }
    next.done(std::move(page));
  }
}

rpc::status history::prepare() {
  if (page_) return {};
  auto opened = database::open(path_, access::read_only);
  if (!opened) return opened.status();
  rooms_.emplace(std::move(*opened));
  page_.emplace(*rooms_,
                "SELECT sequence, body FROM messages WHERE room = ? AND sequence BETWEEN ? AND ? "
                "ORDER BY sequence LIMIT ?");
  if (*page_) return {};
  auto failure = rooms_->status();
  page_.reset();
  rooms_.reset();
  return failure;
}

log_page history::page_for(const read_request& wanted) {
  log_page page;
  page.extent = wanted.of->extent();
  const auto number = wanted.of->number();
  if (number == 0 || wanted.after >= page.extent.last || wanted.limit == 0) return page;
  if (auto failure = prepare(); !failure.ok()) {
    page.status = std::move(failure);
    return page;
  }
  // What the database has beyond the extent is committed, but not yet shown.
  auto found = page_->query(number, std::max(wanted.after + 1, page.extent.first), page.extent.last,
                            static_cast<std::uint64_t>(wanted.limit));
  std::size_t taken = 0;
  while (found.next()) {
    auto bytes = wanted.of->encode(found.integer(0), std::string(found.bytes(1)));
    if (!page.entries.empty() && taken + bytes.size() > wanted.bytes) break;
    taken += bytes.size();
    page.entries.push_back({found.integer(0), std::move(bytes)});
  }
  page.status = found.status();
  // Retention may have gone on meanwhile; a page without entries must not hide that.
  page.extent.first = std::max(page.extent.first, wanted.of->extent().first);
  return page;
}

}  // namespace switchboard::sqlite
