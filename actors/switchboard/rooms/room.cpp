#include <deque>
#include <functional>
#include <map>
#include <unordered_map>
#include <utility>
#include <vector>

#include <caf/event_based_actor.hpp>
#include <caf/exit_reason.hpp>
#include <caf/send.hpp>

#include <switchboard/logging/logging.hpp>
#include <switchboard/rooms/cursor.hpp>
#include <switchboard/rooms/room.hpp>

namespace switchboard {
namespace {

/// From a room to itself: everything that waited in front of this has been seen.
using settle_atom = caf::atom_constant<caf::atom("settle")>;
/// From the log, on whatever thread: an append is done.
using appended_atom = caf::atom_constant<caf::atom("appended")>;
/// From the log, on whatever thread: it has what this room did not append.
using grown_atom = caf::atom_constant<caf::atom("grown")>;

struct call_key {
  std::uint64_t caller = 0;
  std::uint64_t call = 0;
  friend bool operator==(const call_key&, const call_key&) = default;
};

struct call_key_hash {
  std::size_t operator()(const call_key& key) const noexcept {
    // Callers count up from 1 and so do calls: an odd multiplier keeps their pairs apart.
    return static_cast<std::size_t>(key.caller * 0x9e3779b97f4a7c15u ^ key.call);
  }
};

/// Where the room meets what the log answers, to an append or to a look at what others have appended: whoever comes
/// second, the answer or the return of the call, acts on it.
struct log_meeting {
  std::vector<append_result> results;
  log_page page;
  std::atomic<bool> arrived{false};
  std::atomic<bool> met{false};
};

/// Shows how many members a room has now, to those who look from outside and among all rooms' members.
void show_members(std::size_t now, std::atomic<std::uint32_t>& of_room, const metrics::gauge& of_all) noexcept {
  const auto before = of_room.exchange(static_cast<std::uint32_t>(now), std::memory_order_release);
  of_all.add(now);
  of_all.subtract(before);
}

class room final : public caf::event_based_actor {
public:
  room(caf::actor_config& config, std::shared_ptr<room_feed> feed, std::shared_ptr<const room_codec> codec,
       std::shared_ptr<std::atomic<std::uint32_t>> member_count)
      : caf::event_based_actor(config),
        feed_(std::move(feed)),
        codec_(std::move(codec)),
        log_id_(feed_->log->extent().id),
        member_count_(std::move(member_count)) {
    feed_->figures.rooms.add();
  }

  const char* name() const override { return "switchboard.room"; }
  void on_exit() override;

protected:
  caf::behavior make_behavior() override;

private:
  struct membership {
    std::uint64_t id = 0;
    call_key holder;
    std::string resume_token;
  };
  using member_map = std::map<std::string, membership, std::less<>>;

  struct subscription {
    call_key call;
    std::shared_ptr<cursor> reader;
    member_map::iterator member;  ///< end() for an observer
  };

  /// Something that becomes visible in its turn: what the log answered, or a presence change.
  struct effect {
    std::shared_ptr<log_meeting> log;  ///< null: a presence change
    std::vector<room_call> calls;
    std::uint64_t membership = 0;
    wire::shared_bytes bytes;
  };

  template <class Handle>
  void turn(Handle&& handle) {
    rpc::answer_collector together{context()};
    handle();
  }

  void on_publish(room_publish& publish);
  void on_join(room_join& join);
  members_page members_after(const room_members& wanted) const;
  void on_call_ended(const rpc::call_ended& ended);

  rpc::status refusal(const room_join& join, member_map::iterator holder) const;
  member_map::iterator enter(room_join& join, call_key call, member_map::iterator holder);
  void leave(member_map::iterator member);
  void subscribe(room_join& join, call_key call, member_map::iterator member);
  void unsubscribe(std::size_t index);

  void commit();
  bool look_at_log();
  void place_change(std::uint64_t whose, wire::shared_bytes bytes);
  void apply_effects();
  bool apply(effect& next);
  void settle();
  void settle_now();
  void wake_readers();

  caf::strong_actor_ptr self_ptr() { return caf::strong_actor_ptr{ctrl()}; }

  /// What takes an answer of the log into `meeting`, and tells the room.
  template <class Content>
  std::function<void(Content)> on_answer(std::shared_ptr<log_meeting> meeting, Content log_meeting::*into);

  std::shared_ptr<room_feed> feed_;
  const std::shared_ptr<const room_codec> codec_;
  const std::string log_id_;
  /// Appends under way. While there are any, the log need not say that it grows: the room will look.
  const std::shared_ptr<std::atomic<std::size_t>> appends_ = std::make_shared<std::atomic<std::size_t>>(0);
  const std::shared_ptr<std::atomic<std::uint32_t>> member_count_;

  member_map members_;
  std::unordered_map<std::uint64_t, member_map::iterator> members_by_caller_;
  std::uint64_t memberships_ = 0;
  std::vector<subscription> subscriptions_;
  std::unordered_map<call_key, std::size_t, call_key_hash> subscription_of_;

  std::vector<record> records_;                               ///< published in this turn
  std::vector<room_call> publishers_;                         ///< theirs
  std::deque<effect> effects_;                                ///< waiting for the log, in order
  std::vector<std::pair<room_call, append_result>> answers_;  ///< due once the readers are woken
  bool readers_owed_wake_ = false;
  bool settle_queued_ = false;
};

caf::behavior room::make_behavior() {
  // CAF's own handlers write to standard output.
  set_default_handler(caf::drop);
  set_exception_handler([this](std::exception_ptr& thrown) -> caf::error {
    try {
      std::rethrow_exception(thrown);
    } catch (const std::exception& error) {
      logging::error("room {}: {}", feed_->name, error.what());
    } catch (...) {
      logging::error("room {}: an exception of unknown type", feed_->name);
    }
    return caf::exit_reason::unhandled_exception;
  });
  feed_->log->watch([weak = caf::weak_actor_ptr{ctrl()}, appends = appends_] {
    if (appends->load(std::memory_order_acquire) != 0) return;
    if (const auto self = weak.lock()) caf::anon_send(caf::actor_cast<caf::actor>(self), grown_atom::value);
  });
  // What a room that was here before has had stored since this one was told where the log stands.
  if (look_at_log()) apply_effects();
  // The hot ones first: CAF tries them in order.
  return {
      [this](room_publish_message& publish) { turn([&] { on_publish(*publish); }); },
      [this](settle_atom) {
        settle_queued_ = false;
        turn([&] { settle_now(); });
      },
      [this](appended_atom) {
        turn([&] {
          apply_effects();
          settle();
        });
      },
      [this](grown_atom) {
        turn([&] {
          if (look_at_log()) apply_effects();
          settle();
        });
      },
      [this](room_join_message& join) { turn([&] { on_join(*join); }); },
      [this](const rpc::call_ended& ended) { turn([&] { on_call_ended(ended); }); },
      [this](const room_members& wanted) { return members_after(wanted); },
  };
}

// -- members ---------------------------------------------------------------------------------------------------------

void room::on_join(room_join& join) {
  // What was published before the join is history to it.
  commit();
  const auto holder = join.nickname.empty() ? members_.end() : members_.find(join.nickname);
  if (auto refused = refusal(join, holder); !refused.ok()) {
    join.call.fail(std::move(refused));
  } else {
    const call_key call{join.call.context().caller().id, join.call.context().number()};
    subscribe(join, call, join.nickname.empty() ? members_.end() : enter(join, call, holder));
  }
  settle();
}

rpc::status room::refusal(const room_join& join, member_map::iterator holder) const {
  if (!join.log_id.empty() && join.log_id != log_id_)
    return {rpc::code::out_of_range, "the room's log is another one now: join again from 0"};
  if (join.after_sequence > feed_->tail.last_sequence())
    return {rpc::code::out_of_range,
            "the room's last sequence is " + std::to_string(feed_->tail.last_sequence()) + ": join again from 0"};
  if (join.nickname.empty()) return {};
  const auto own = members_by_caller_.find(join.call.context().caller().id);
  if (own != members_by_caller_.end() && own->second->first != join.nickname)
    return {rpc::code::already_exists, "this connection is in the room under another nickname"};
  if (holder == members_.end()) return {};
  if (join.resume_token.empty() || join.resume_token != holder->second.resume_token)
    return {rpc::code::already_exists, "the nickname is taken"};
  return {};
}

/// Makes the caller the holder of the nickname, by a new membership or by taking over its holder's.
room::member_map::iterator room::enter(room_join& join, call_key call, member_map::iterator holder) {
  if (holder == members_.end()) {
    holder = members_.emplace(join.nickname, membership{++memberships_, call, std::move(join.resume_token)}).first;
    show_members(members_.size(), *member_count_, feed_->figures.members);
    place_change(holder->second.id, codec_->joined(feed_->name, join.nickname));
  } else {
    const auto taken_over = subscription_of_.at(holder->second.holder);
    subscriptions_[taken_over].reader->end({rpc::code::aborted, "the nickname was taken over"}, context());
    unsubscribe(taken_over);
    members_by_caller_.erase(holder->second.holder.caller);
    holder->second.holder = call;
  }
  members_by_caller_[call.caller] = holder;
  return holder;
}

void room::leave(member_map::iterator member) {
  commit();
  place_change(member->second.id, codec_->left(feed_->name, member->first));
  members_by_caller_.erase(member->second.holder.caller);
  members_.erase(member);
  show_members(members_.size(), *member_count_, feed_->figures.members);
}

void room::subscribe(room_join& join, call_key call, member_map::iterator member) {
  const auto own = member == members_.end() ? 0 : member->second.id;
  auto reader = std::make_shared<cursor>(
      feed_, cursor::start{join.after_sequence, join.history_limit, own, call.caller}, [self = self_ptr(), call] {
        caf::anon_send(caf::actor_cast<caf::actor>(self), rpc::call_ended{call.caller, call.call, rpc::code::internal});
      });
  subscription_of_[call] = subscriptions_.size();
  subscriptions_.push_back({call, reader, member});
  join.call.watch(self_ptr());
  join.call.stream_from(std::move(reader));
}

void room::unsubscribe(std::size_t index) {
  subscription_of_.erase(subscriptions_[index].call);
  if (index + 1 != subscriptions_.size()) {
    subscriptions_[index] = std::move(subscriptions_.back());
    subscription_of_[subscriptions_[index].call] = index;
  }
  subscriptions_.pop_back();
}

void room::on_call_ended(const rpc::call_ended& ended) {
  const auto found = subscription_of_.find({ended.caller, ended.call});
  // Taken over before, or refused.
  if (found == subscription_of_.end()) return;
  const auto index = found->second;
  const auto member = subscriptions_[index].member;
  unsubscribe(index);
  if (member != members_.end()) leave(member);
  settle();
}

members_page room::members_after(const room_members& wanted) const {
  members_page page;
  auto at = members_.upper_bound(wanted.after);
  for (; at != members_.end() && page.names.size() < wanted.limit; ++at) page.names.push_back(at->first);
  page.more = at != members_.end();
  return page;
}

// -- messages --------------------------------------------------------------------------------------------------------

void room::on_publish(room_publish& publish) {
  const auto member = members_by_caller_.find(publish.call.context().caller().id);
  if (member == members_by_caller_.end())
    return publish.call.fail(rpc::code::failed_precondition, "join the room under a nickname first");
  const auto& nickname = member->second->first;
  record added{codec_->body(nickname, publish.content), {}};
  if (!publish.client_id.empty()) {
    // A nickname has no U+0000, so the two cannot run into each other.
    added.dedupe_key.reserve(nickname.size() + 1 + publish.client_id.size());
    added.dedupe_key.append(nickname).append(1, '\0').append(publish.client_id);
  }
  records_.push_back(std::move(added));
  publishers_.push_back(std::move(publish.call));
  settle();
}

/// Hands what was published in this turn to the log.
void room::commit() {
  if (!records_.empty()) {
    auto meeting = std::make_shared<log_meeting>();
    effects_.push_back({meeting, std::exchange(publishers_, {}), 0, {}});
    appends_->fetch_add(1, std::memory_order_relaxed);
    feed_->log->append(std::exchange(records_, {}),
                       [answer = on_answer(meeting, &log_meeting::results), appends = appends_](auto results) {
                         appends->fetch_sub(1, std::memory_order_release);
                         answer(std::move(results));
                       });
    meeting->met.exchange(true, std::memory_order_acq_rel);
  }
  apply_effects();
}

/// Asks for what the log has and the room has not shown: appended by another, or by a room that was here before. Whether
/// there is some.
bool room::look_at_log() {
  if (!effects_.empty() || feed_->log->extent().last <= feed_->tail.last_sequence()) return false;
  auto meeting = std::make_shared<log_meeting>();
  effects_.push_back({meeting, {}, 0, {}});
  feed_->log->read(
      {.after = feed_->tail.last_sequence(), .limit = feed_->limits.page_entries, .bytes = feed_->limits.page_bytes},
      on_answer(meeting, &log_meeting::page));
  meeting->met.exchange(true, std::memory_order_acq_rel);
  return true;
}

template <class Content>
std::function<void(Content)> room::on_answer(std::shared_ptr<log_meeting> meeting, Content log_meeting::*into) {
  return [meeting = std::move(meeting), into, self = self_ptr()](Content content) {
    (*meeting).*into = std::move(content);
    meeting->arrived.store(true, std::memory_order_release);
    if (meeting->met.exchange(true, std::memory_order_acq_rel))
      caf::anon_send(caf::actor_cast<caf::actor>(self), appended_atom::value);
  };
}

void room::place_change(std::uint64_t whose, wire::shared_bytes bytes) {
  effects_.push_back({nullptr, {}, whose, std::move(bytes)});
  apply_effects();
}

/// Makes visible, in order, what no longer waits for the log.
void room::apply_effects() {
  bool log_moved = false;
  do {
    while (!effects_.empty()) {
      auto& next = effects_.front();
      if (next.log && !next.log->arrived.load(std::memory_order_acquire)) break;
      log_moved |= apply(next);
      effects_.pop_front();
      readers_owed_wake_ = true;
    }
    feed_->tail.publish();
    // While this room's own was under way nobody told it of others'.
  } while (std::exchange(log_moved, false) && look_at_log());
}

/// Whether it was something out of the log.
bool room::apply(effect& next) {
  if (!next.log) {
    // While nothing is appended but unpublished, so the tail stands at the message that the change comes behind.
    feed_->tail.publish();
    const auto after = feed_->tail.last_sequence();
    const auto number = feed_->presence.place(after, next.membership, next.bytes);
    feed_->tail.append({std::move(next.bytes), after, number, next.membership});
    return false;
  }
  if (next.calls.empty()) {
    for (auto& each : next.log->page.entries)
      if (each.sequence > feed_->tail.last_sequence()) feed_->tail.append({std::move(each.bytes), each.sequence, 0, 0});
    return !next.log->page.entries.empty();
  }
  auto& results = next.log->results;
  SWITCHBOARD_INVARIANT(results.size() == next.calls.size(), "a log answered an append with another number of results");
  const auto& figures = feed_->figures;
  for (std::size_t i = 0; i < results.size(); ++i) {
    const auto& result = results[i];
    (!result.status.ok() ? figures.failures : result.duplicate ? figures.duplicates : figures.messages).add();
    if (result.status.ok() && !result.duplicate) feed_->tail.append({result.bytes, result.sequence, 0, 0});
    answers_.emplace_back(std::move(next.calls[i]), std::move(results[i]));
  }
  return true;
}

// -- turns -----------------------------------------------------------------------------------------------------------

/// The end of every handler: what waits in the mailbox may join the same append and the same wakes.
void room::settle() {
  if (mailbox().empty() || records_.size() >= feed_->limits.batch_entries) return settle_now();
  if (std::exchange(settle_queued_, true)) return;
  caf::anon_send(caf::actor_cast<caf::actor>(self_ptr()), settle_atom::value);
}

void room::settle_now() {
  commit();
  wake_readers();
  for (auto& [call, result] : std::exchange(answers_, {})) {
    if (result.status.ok())
      codec_->published(std::move(call), result);
    else
      call.fail(std::move(result.status));
  }
  // Nobody reads, and who joins next starts in the log: the tail would only hold on to what the log may trim.
  if (subscriptions_.empty()) feed_->tail.clear();
}

void room::wake_readers() {
  if (!std::exchange(readers_owed_wake_, false)) return;
  for (auto& each : subscriptions_) each.reader->poke(context());
}

void room::on_exit() {
  feed_->log->watch({});
  rpc::answer_collector together{context()};
  for (auto& each : subscriptions_) each.reader->end({rpc::code::unavailable, "the room ended"}, context());
  subscriptions_.clear();
  subscription_of_.clear();
  members_by_caller_.clear();
  members_.clear();
  show_members(members_.size(), *member_count_, feed_->figures.members);
  feed_->figures.rooms.subtract();
  publishers_.clear();
  effects_.clear();
  answers_.clear();
}

}  // namespace

room_handle spawn_room(caf::local_actor& parent, std::string name, std::shared_ptr<const room_codec> codec,
                       std::shared_ptr<log> messages, const room_limits& limits, room_metrics figures) {
  auto members = std::make_shared<std::atomic<std::uint32_t>>(0);
  auto feed = std::make_shared<room_feed>(std::move(name), codec, std::move(messages), limits, std::move(figures));
  return {parent.spawn<room>(std::move(feed), std::move(codec), members), members};
}

}  // namespace switchboard
