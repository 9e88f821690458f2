#include <algorithm>

#include <switchboard/rooms/cursor.hpp>

namespace switchboard::rooms {
namespace {

constexpr auto no_bound = std::numeric_limits<std::uint64_t>::max();

/// Whether a membership event and the one that undoes it (presence_storm.hpp) are both there to be given now: after `from`
/// and before `head`, numbered from `first_event` on.
bool is_undone(const tail::place& at, std::uint64_t from, std::uint64_t first_event, std::uint64_t head) noexcept {
  const auto& in = *at.in;
  const auto& event = in.entries[at.index];
  if (event.left == 0) {
    const auto joined = in.joined[at.index].load(std::memory_order_relaxed);
    return joined != 0 && in.first_position + joined < head;
  }
  const std::uint32_t left = event.left - 1u;
  return in.first_position + left >= from && in.entries[left].change >= first_event;
}

}  // namespace

cursor::history::history(const room_feed& of, const start& from)
    : end(of.tail.last_sequence()), events_end(of.presence.next_number()) {
  if (from.is_live()) return;
  // The log may be ahead of what the room has shown, and its first entry with it.
  const auto oldest = std::min(of.log->extent().first, end + 1);
  if (oldest > from.after_sequence + 1) retention_gap_to = oldest - 1;
  const auto held_from = std::max(oldest, from.after_sequence + 1);
  if (from.history_limit != 0 && held_from + from.history_limit < end + 1) limit_gap_to = end - from.history_limit;
}

cursor::cursor(std::shared_ptr<room_feed> feed, const start& from, std::function<void()> failed)
    : feed_(std::move(feed)),
      history_(*feed_, from),
      expected_(from.is_live() ? history_.end + 1 : from.after_sequence + 1),
      events_(feed_->presence,
              from.is_live() ? history_.events_end : feed_->presence.first_placed_at(from.after_sequence),
              from.membership),
      pages_(from.reader, from.credit),
      failed_(std::move(failed)) {}

std::uint64_t cursor::events_end() const noexcept {
  return stage_ == stage::history ? history_.events_end : no_bound;
}

rpc::status cursor::result() const {
  return was_ended() ? end_status() : failure_;
}

bool cursor::ended() {
  if (stage_ != stage::live) {
    pages_.forget();
    events_.drop();
  }
  return was_ended() || stage_ == stage::failed;
}

void cursor::granted(std::uint32_t more, caf::execution_unit*) {
  pages_.grant(more);
}

rpc::source::outcome cursor::next(rpc::payload& out) {
  if (was_ended() || stage_ == stage::failed) return outcome::end;
  return stage_ == stage::live ? next_live(out) : next_from_log(out);
}

// -- the tail -------------------------------------------------------------------------------------------------------

rpc::source::outcome cursor::next_live(rpc::payload& out) {
  for (;;) {
    if (place_.position == looked_at_.head) {
      clear_wake();
      looked_at_ = {feed_->tail.head(), place_.position, events_.next_number()};
      if (place_.position == looked_at_.head) return outcome::wait;
    }
    auto& chunk = place_.in;
    if (!chunk || place_.index == chunk->closed_at.load(std::memory_order_relaxed)) {
      auto next_chunk = chunk ? chunk->next.lock() : nullptr;
      if (!next_chunk) {
        leave_tail();
        return next_from_log(out);
      }
      chunk = std::move(next_chunk);
      place_.index = 0;
    }
    const auto& entry = chunk->entries[place_.index];
    if (entry.change == 0 && entry.sequence > expected_) {
      // Appended past this room, by another in front of the same log.
      leave_tail();
      log_first_ = true;
      return next_from_log(out);
    }
    const bool undone = entry.change != 0 && is_undone(place_, looked_at_.position, looked_at_.event, looked_at_.head);
    ++place_.index;
    ++place_.position;
    if (entry.change != 0) {
      if (!events_.takes(entry.change, entry.membership) || undone) continue;
    } else {
      if (entry.sequence < expected_) continue;
      ++expected_;
    }
    return give(out, entry.bytes);
  }
}

void cursor::leave_tail() {
  place_.in = nullptr;
  stage_ = stage::lagging;
}

/// Goes to where the next message will be in the tail, if it is there or still to come.
bool cursor::enter_tail() {
  auto place = feed_->tail.after(expected_ - 1);
  if (!place) return false;
  // Events before that place are taken from those kept; what has come since is in the tail and known by its number.
  if (events_.fetch(expected_, events_end())) return false;
  place_ = std::move(*place);
  looked_at_.head = place_.position;
  pages_.drop();
  events_.drop();
  stage_ = stage::live;
  return true;
}

// -- the log --------------------------------------------------------------------------------------------------------

rpc::source::outcome cursor::next_from_log(rpc::payload& out) {
  for (;;) {
    if (const auto* const event = events_.next(expected_)) return give(out, event->bytes);
    if (events_.fetch_more(events_end())) continue;
    if (const auto* const entry = pages_.next()) {
      expected_ = entry->sequence + 1;
      return give(out, entry->bytes);
    }
    if (pages_.asked()) {
      if (const auto waited = await_page(); waited != outcome::message) return waited;
      continue;
    }
    if (history_.retention_gap_to >= expected_) {
      if (events_.fetch(expected_, events_end())) continue;
      return give_gap(out, std::exchange(history_.retention_gap_to, 0), gap_reason::retention);
    }
    if (history_.limit_gap_to >= expected_) {
      if (events_.fetch(expected_, events_end())) continue;
      const auto to = std::exchange(history_.limit_gap_to, 0);
      events_.skip_to(feed_->presence.first_placed_at(to));
      return give_gap(out, to, gap_reason::history_limit);
    }
    if (stage_ == stage::history && expected_ > history_.end) {
      if (events_.fetch(expected_, events_end())) continue;
      stage_ = stage::lagging;
      if (auto said = feed_->codec->caught_up(feed_->name, expected_ - 1, feed_->log->extent().id); !said.empty())
        return give_made(out, std::move(said));
      continue;
    }
    if (stage_ == stage::lagging && !log_first_) {
      if (enter_tail()) return next_live(out);
      if (events_.has_next()) continue;
    }
    ask_for_page();
  }
}

void cursor::ask_for_page() {
  log_first_ = false;
  // CaughtUp goes between the last of the history and whatever the log holds by now.
  const auto wanted = stage_ == stage::history ? history_.end + 1 - expected_ : no_bound;
  pages_.ask(*feed_->log,
             {.after = expected_ - 1,
              .limit = std::min<std::uint64_t>(wanted, feed_->limits.page_entries),
              .bytes = feed_->limits.page_bytes},
             [weak = weak_from_this()] {
               if (const auto self = weak.lock()) self->notify(nullptr);
             });
}

/// message: the page is here, and what comes next is known; wait; end: it could not be read.
rpc::source::outcome cursor::await_page() {
  if (!pages_.answered()) {
    clear_wake();
    if (!pages_.answered()) return outcome::wait;
  }
  auto& page = pages_.take();
  if (!page.status.ok()) return fail(std::exchange(page.status, {}));
  if (!check_page(page)) return fail({rpc::code::data_loss, "the room's log lacks messages that it had"});
  return outcome::message;
}

/// Finds what in the new page comes next. False when a message is not there and retention is not the reason.
bool cursor::check_page(log_page& page) {
  // What the log has but the room has not shown yet is not shown here either: presence may still be placed before it.
  const auto shown = feed_->tail.last_sequence();
  auto& entries = page.entries;
  auto next = std::max(expected_, page.extent.first);
  for (const auto& each : entries)
    if (each.sequence != next++) return false;
  while (!entries.empty() && entries.back().sequence > shown) entries.pop_back();
  const auto available = std::min(page.extent.first, shown + 1);
  if (available > expected_) {
    history_.retention_gap_to = available - 1;
    // Read anew after the gap: it is rare, and presence before the gap goes first.
    pages_.drop();
    return true;
  }
  if (entries.empty()) return false;
  events_.fetch(entries.back().sequence, events_end());
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

rpc::source::outcome cursor::give(rpc::payload& out, const wire::shared_bytes& bytes) {
  pages_.spend();
  feed_->figures.deliveries.add();
  out.bytes = bytes.view();
  if (bytes.size() > shared_above_bytes)
    out.owner = bytes;
  else if (!out.owner.empty())
    out.owner = {};
  return outcome::message;
}

rpc::source::outcome cursor::fail(rpc::status why) {
  failure_ = std::move(why);
  stage_ = stage::failed;
  if (failed_) failed_();
  return outcome::end;
}

}  // namespace switchboard::rooms
