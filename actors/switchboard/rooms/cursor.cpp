#include <algorithm>
#include <limits>

#include <switchboard/rooms/cursor.hpp>

namespace switchboard {
namespace {

constexpr auto no_bound = std::numeric_limits<std::uint64_t>::max();

}  // namespace

cursor::cursor(std::shared_ptr<room_feed> feed, const start& from, std::function<void()> failed)
    : feed_(std::move(feed)),
      from_(from),
      history_end_(feed_->tail.last_sequence()),
      changes_at_start_(feed_->presence.next_number()),
      failed_(std::move(failed)) {
  if (from.after_sequence == 0 && from.history_limit == 0) {
    expected_ = history_end_ + 1;
    next_change_ = changes_at_start_;
    return;
  }
  expected_ = from.after_sequence + 1;
  next_change_ = feed_->presence.first_placed_at(from.after_sequence);
  // The log may be ahead of what the room has shown, and its first entry with it.
  const auto oldest = std::min(feed_->log->extent().first, history_end_ + 1);
  if (oldest > expected_) retention_gap_to_ = oldest - 1;
  const auto held_from = std::max(oldest, expected_);
  if (from.history_limit != 0 && held_from + from.history_limit < history_end_ + 1)
    limit_gap_to_ = history_end_ - from.history_limit;
}

void cursor::end(rpc::status why, caf::execution_unit* context) {
  if (ended_by_room_.load(std::memory_order_relaxed)) return;
  end_status_ = std::move(why);
  ended_by_room_.store(true, std::memory_order_seq_cst);
  // Also to a reader that already owes a look: without credit it has no reason to take it. One that attaches only now
  // asks ended() afterwards.
  if (attached_.load(std::memory_order_seq_cst)) wake(context);
}

void cursor::attach(rpc::waker connection) {
  waker_ = std::move(connection);
  attached_.store(true, std::memory_order_seq_cst);
}

rpc::status cursor::result() const {
  return ended_by_room_.load(std::memory_order_acquire) ? end_status_ : failure_;
}

rpc::source::outcome cursor::next(rpc::payload& out) {
  // As ended(): the connection that has attached must not miss an end that did not see it attached.
  if (ended_by_room_.load(std::memory_order_seq_cst)) return outcome::end;
  if (stage_ == stage::failed) return outcome::end;
  return stage_ == stage::live ? next_live(out) : next_from_log(out);
}

// -- the tail -------------------------------------------------------------------------------------------------------

rpc::source::outcome cursor::next_live(rpc::payload& out) {
  for (;;) {
    if (position_ == known_head_) {
      look_owed_.exchange(false, std::memory_order_seq_cst);
      known_head_ = feed_->tail.head();
      if (position_ == known_head_) return outcome::wait;
    }
    if (!chunk_ || index_ == chunk_->closed_at.load(std::memory_order_relaxed)) {
      auto next_chunk = chunk_ ? chunk_->next.lock() : nullptr;
      if (!next_chunk) {
        leave_tail();
        return next_from_log(out);
      }
      chunk_ = std::move(next_chunk);
      index_ = 0;
    }
    const auto& entry = chunk_->entries[index_];
    if (entry.change == 0 && entry.sequence > expected_) {
      // Appended past this room, by another in front of the same log.
      leave_tail();
      log_first_ = true;
      return next_from_log(out);
    }
    ++index_;
    ++position_;
    if (entry.change == 0) {
      if (entry.sequence < expected_) continue;
      ++expected_;
      return give(out, entry.bytes);
    }
    // What is no longer kept is not shown either: how far a reader lags, not where it reads, decides what it misses.
    if (entry.change < std::max(next_change_, feed_->presence.oldest())) continue;
    next_change_ = entry.change + 1;
    if (entry.membership == from_.membership) continue;
    return give(out, entry.bytes);
  }
}

void cursor::leave_tail() {
  chunk_ = nullptr;
  stage_ = stage::lagging;
}

/// Goes to where the next message will be in the tail, if it is there or still to come.
bool cursor::enter_tail() {
  auto place = feed_->tail.after(expected_ - 1);
  if (!place) return false;
  // Changes before that place are taken from those kept; what has come since is in the tail and known by its number.
  if (fetch_changes(expected_)) return false;
  chunk_ = std::move(place->in);
  index_ = place->index;
  position_ = place->position;
  known_head_ = position_;
  page_ = {};
  changes_ = {};
  stage_ = stage::live;
  return true;
}

// -- the log --------------------------------------------------------------------------------------------------------

rpc::source::outcome cursor::next_from_log(rpc::payload& out) {
  for (;;) {
    if (give_change(out, expected_)) return outcome::message;
    if (change_index_ == changes_.size() && std::exchange(more_changes_, false) && fetch_changes(changes_before_))
      continue;
    if (page_index_ < page_.entries.size()) {
      const auto& entry = page_.entries[page_index_++];
      expected_ = entry.sequence + 1;
      return give(out, entry.bytes);
    }
    if (page_requested_) {
      if (const auto waited = await_page(); waited != outcome::message) return waited;
      if (!take_page()) return fail({rpc::code::data_loss, "the room's log lacks messages that it had"});
      continue;
    }
    if (retention_gap_to_ >= expected_) {
      if (fetch_changes(expected_)) continue;
      return give_gap(out, std::exchange(retention_gap_to_, 0), gap_reason::retention);
    }
    if (limit_gap_to_ >= expected_) {
      if (fetch_changes(expected_)) continue;
      const auto to = std::exchange(limit_gap_to_, 0);
      next_change_ = std::max(next_change_, feed_->presence.first_placed_at(to));
      return give_gap(out, to, gap_reason::history_limit);
    }
    if (stage_ == stage::history && expected_ > history_end_) {
      if (fetch_changes(expected_)) continue;
      stage_ = stage::lagging;
      if (auto said = feed_->codec->caught_up(feed_->name, expected_ - 1, feed_->log->extent().id); !said.empty())
        return give_made(out, std::move(said));
      continue;
    }
    if (stage_ == stage::lagging && !log_first_) {
      if (enter_tail()) return next_live(out);
      if (change_index_ < changes_.size()) continue;
    }
    request_page();
  }
}

void cursor::request_page() {
  page_ = {};
  page_index_ = 0;
  log_first_ = false;
  page_requested_ = true;
  page_met_.store(false, std::memory_order_relaxed);
  page_arrived_.store(false, std::memory_order_relaxed);
  // CaughtUp goes between the last of the history and whatever the log holds by now.
  const auto wanted = stage_ == stage::history ? history_end_ + 1 - expected_ : no_bound;
  feed_->log->read({.after = expected_ - 1,
                    .limit = std::min<std::uint64_t>(wanted, feed_->limits.page_entries),
                    .bytes = feed_->limits.page_bytes,
                    .reader = from_.reader,
                    .still_wanted = [weak = weak_from_this()] { return !weak.expired(); }},
                   [weak = weak_from_this()](log_page page) {
                     const auto self = weak.lock();
                     if (!self) return;
                     self->arriving_ = std::move(page);
                     self->page_arrived_.store(true, std::memory_order_release);
                     if (self->page_met_.exchange(true, std::memory_order_acq_rel)) self->poke(nullptr);
                   });
  page_met_.exchange(true, std::memory_order_acq_rel);
}

/// message: the page is here; wait; end: it could not be read.
rpc::source::outcome cursor::await_page() {
  if (!page_arrived_.load(std::memory_order_acquire)) {
    look_owed_.exchange(false, std::memory_order_seq_cst);
    if (!page_arrived_.load(std::memory_order_acquire)) return outcome::wait;
  }
  page_requested_ = false;
  page_ = std::move(arriving_);
  page_index_ = 0;
  return page_.status.ok() ? outcome::message : fail(std::exchange(page_.status, {}));
}

/// Finds what in the new page comes next. False when a message is not there and retention is not the reason.
bool cursor::take_page() {
  // What the log has but the room has not shown yet is nobody's to see: presence may still be placed before it.
  const auto shown = feed_->tail.last_sequence();
  auto& entries = page_.entries;
  auto next = std::max(expected_, page_.extent.first);
  for (const auto& each : entries)
    if (each.sequence != next++) return false;
  while (!entries.empty() && entries.back().sequence > shown) entries.pop_back();
  const auto available = std::min(page_.extent.first, shown + 1);
  if (available > expected_) {
    retention_gap_to_ = available - 1;
    // Read anew behind the gap: it is rare, and presence before the gap goes first.
    page_ = {};
    return true;
  }
  if (entries.empty()) return false;
  fetch_changes(entries.back().sequence);
  return true;
}

/// Looks up the kept changes from the next one on that are placed before message `before_sequence`, a few at a time.
/// Whether there are any.
bool cursor::fetch_changes(std::uint64_t before_sequence) {
  changes_before_ = before_sequence;
  change_index_ = 0;
  for (;;) {
    changes_ = feed_->presence.before(before_sequence, next_change_,
                                      stage_ == stage::history ? changes_at_start_ : no_bound, changes_held_max);
    more_changes_ = changes_.size() == changes_held_max;
    if (changes_.empty()) return false;
    const auto last = changes_.back().number;
    if (from_.membership != 0)
      std::erase_if(changes_, [this](const presence_change& each) { return each.membership == from_.membership; });
    if (!changes_.empty()) return true;
    next_change_ = last + 1;
    if (!more_changes_) return false;
  }
}

/// The next of the changes looked up, if it is placed before message `before_sequence`.
bool cursor::give_change(rpc::payload& out, std::uint64_t before_sequence) {
  if (change_index_ == changes_.size() || changes_[change_index_].after >= before_sequence) return false;
  const auto& change = changes_[change_index_++];
  next_change_ = change.number + 1;
  give(out, change.bytes);
  return true;
}

rpc::source::outcome cursor::give_gap(rpc::payload& out, std::uint64_t to, gap_reason why) {
  const auto from = std::exchange(expected_, to + 1);
  return give_made(out, feed_->codec->gap(feed_->name, from, to, why));
}

rpc::source::outcome cursor::give_made(rpc::payload& out, wire::shared_bytes made) {
  made_ = std::move(made);
  return give(out, made_);
}

rpc::source::outcome cursor::give(rpc::payload& out, const wire::shared_bytes& bytes) const {
  feed_->figures.deliveries.add();
  out.bytes = bytes.view();
  out.owner = bytes.size() > shared_above_bytes ? bytes : wire::shared_bytes{};
  return outcome::message;
}

rpc::source::outcome cursor::fail(rpc::status why) {
  failure_ = std::move(why);
  stage_ = stage::failed;
  if (failed_) failed_();
  return outcome::end;
}

}  // namespace switchboard
