#include <utility>

#include <caf/detail/set_thread_name.hpp>

#include <switchboard/logging/logging.hpp>
#include <switchboard/rooms/sqlite/checkpointer.hpp>

namespace switchboard::rooms::sqlite {
namespace {

logging::throttle& checkpoint_failures() {
  static logging::throttle lines{"failures to copy the write-ahead log"};
  return lines;
}

}  // namespace

checkpointer::checkpointer(std::string path, database rooms, durability safety,
                           std::shared_ptr<metrics::registry> figures)
    : path_(std::move(path)),
      log_pages_max_(log_pages_max(safety)),
      figures_(std::move(figures)),
      rooms_(std::move(rooms)) {
  if (!figures_) return;
  duration_ = figures_->new_histogram("switchboard_journal_checkpoint_duration_seconds",
                                      "How long a checkpoint took, the syncs of the disk included.", metrics::latency);
  failures_ = figures_->new_counter("switchboard_journal_checkpoint_failures_total", "Checkpoints that failed.");
  waits_ = figures_->new_counter("switchboard_journal_checkpoint_waits_total",
                                 "Transactions that waited for a checkpoint: the write-ahead log was full.");
}

void checkpointer::committed(std::size_t log_pages) {
  std::unique_lock lock{mutex_};
  // It has begun anew.
  if (log_pages < copied_pages_) copied_pages_ = 0;
  const bool is_full = log_pages >= log_pages_max_;
  if (!is_full && log_pages - copied_pages_ < pages_between) return;
  is_due_ = true;
  changed_.notify_all();
  if (!is_full || fails_) return;
  waits_.add();
  // The one that is being made leaves what was committed since it began.
  changed_.wait(lock, [this, next = begun_ + 1] { return finished_ >= next || fails_ || ends_; });
}

void checkpointer::run() {
  caf::detail::set_thread_name("checkpointer");
  std::unique_lock lock{mutex_};
  for (;;) {
    changed_.wait(lock, [this] { return is_due_ || ends_; });
    if (ends_) break;
    is_due_ = false;
    ++begun_;
    lock.unlock();
    const auto copied = copy();
    lock.lock();
    finished_ = begun_;
    fails_ = !copied;
    if (copied) copied_pages_ = *copied;
    changed_.notify_all();
    if (fails_) changed_.wait_for(lock, retry_pause, [this] { return ends_; });
  }
  lock.unlock();
  rooms_.reset();
}

/// How many of the log's pages are copied then.
rpc::result<std::size_t> checkpointer::copy() {
  const auto began = std::chrono::steady_clock::now();
  auto copied = rooms_->checkpoint();
  duration_.observe(std::chrono::steady_clock::now() - began);
  if (!copied) {
    failures_.add();
    checkpoint_failures().warn("{}: {}", path_, copied.status().message);
  }
  return copied;
}

void checkpointer::end() {
  const std::lock_guard lock{mutex_};
  ends_ = true;
  changed_.notify_all();
}

}  // namespace switchboard::rooms::sqlite
