#include <algorithm>

#include <caf/actor_cast.hpp>
#include <caf/send.hpp>

#include <switchboard/error/invariant.hpp>
#include <switchboard/rooms/sequencer.hpp>

namespace switchboard::rooms {

void sequencer::publish(record content, room_call call) {
  record_bytes_ += content.body.size();
  records_.push_back(std::move(content));
  publishers_.push_back(std::move(call));
}

void sequencer::commit() {
  if (!records_.empty()) {
    record_bytes_ = 0;
    const auto at = std::make_shared<rendezvous<std::vector<append_result>>>();
    effects_.push_back(append{at, std::exchange(publishers_, {})});
    appends_->fetch_add(1, std::memory_order_relaxed);
    feed_->log->append(std::exchange(records_, {}), [answer = on_answer(at), appends = appends_](auto results) {
      appends->fetch_sub(1, std::memory_order_release);
      answer(std::move(results));
    });
    at->go_on();
  }
  show();
}

bool sequencer::catch_up() {
  if (!effects_.empty() || feed_->log->extent().last <= feed_->tail.last_sequence()) return false;
  const auto at = std::make_shared<rendezvous<log_page>>();
  effects_.push_back(page{at});
  feed_->log->read(
      {.after = feed_->tail.last_sequence(), .limit = feed_->limits.page_entries, .bytes = feed_->limits.page_bytes},
      on_answer(at));
  at->go_on();
  return true;
}

/// What takes an answer of the log, and notifies the room where it comes late.
template <class Answer>
std::function<void(Answer)> sequencer::on_answer(std::shared_ptr<rendezvous<Answer>> at) {
  return [at = std::move(at), room = caf::strong_actor_ptr{room_.ctrl()}](Answer answer) {
    if (at->answer(std::move(answer))) caf::anon_send(caf::actor_cast<caf::actor>(room), log_answered_atom::value);
  };
}

void sequencer::place_event(membership_event event) {
  effects_.push_back(std::move(event));
  show();
}

void sequencer::show() {
  bool log_moved = false;
  do {
    while (!effects_.empty()) {
      const auto from_log = std::visit([this](auto& next) { return apply(next); }, effects_.front());
      if (!from_log) break;
      log_moved |= *from_log;
      effects_.pop_front();
      news_ = std::max(news_, *from_log || !storm_.is_on() ? news::all : news::changes);
    }
    feed_->tail.publish();
    // While this room's own append was on its way the log did not notify it of others'.
  } while (std::exchange(log_moved, false) && catch_up());
}

std::optional<bool> sequencer::apply(membership_event& next) {
  // While nothing is appended but unpublished, so the tail stands at the message that the event comes after.
  feed_->tail.publish();
  const auto after = feed_->tail.last_sequence();
  const auto number = feed_->presence.place(after, next.membership, next.bytes);
  if (clock_) storm_.count(clock_->now());
  const auto left = next.joins ? storm_.take_left(next.nickname) : std::nullopt;
  const auto place = feed_->tail.append({std::move(next.bytes), after, number, next.membership}, left);
  if (!next.joins && storm_.is_on()) storm_.left(std::move(next.nickname), place);
  return false;
}

std::optional<bool> sequencer::apply(page& next) {
  if (!next.log->answered()) return std::nullopt;
  storm_.message();
  auto entries = next.log->take().entries;
  for (auto& each : entries)
    if (each.sequence > feed_->tail.last_sequence()) feed_->tail.append({std::move(each.bytes), each.sequence, 0, 0});
  return !entries.empty();
}

std::optional<bool> sequencer::apply(append& next) {
  if (!next.log->answered()) return std::nullopt;
  storm_.message();
  auto results = next.log->take();
  SWITCHBOARD_INVARIANT(results.size() == next.calls.size(), "a log answered an append with another number of results");
  const auto& figures = feed_->figures;
  for (std::size_t i = 0; i < results.size(); ++i) {
    auto& result = results[i];
    (!result.status.ok() ? figures.failures : result.duplicate ? figures.duplicates : figures.messages).add();
    if (result.status.ok() && !result.duplicate) feed_->tail.append({result.bytes, result.sequence, 0, 0});
    answers_.emplace_back(std::move(next.calls[i]), std::move(result));
  }
  return true;
}

void sequencer::clear() {
  publishers_.clear();
  records_.clear();
  effects_.clear();
  answers_.clear();
}

}  // namespace switchboard::rooms
