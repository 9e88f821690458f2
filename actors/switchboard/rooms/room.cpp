#include <atomic>
#include <chrono>
#include <utility>

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/exit_reason.hpp>
#include <caf/send.hpp>

#include <switchboard/logging/logging.hpp>
#include <switchboard/pump/direct_actor.hpp>
#include <switchboard/rooms/cursor.hpp>
#include <switchboard/rooms/room.hpp>
#include <switchboard/rooms/roster.hpp>
#include <switchboard/rooms/sequencer.hpp>
#include <switchboard/rooms/subscribers.hpp>
#include <switchboard/rpc/turn.hpp>

namespace switchboard::rooms {
namespace {

/// From a room to itself: everything that waited in the mailbox before this has been handled.
struct end_of_turn {};
/// From a room to itself: there are streams that are to be notified.
struct next_round_part {};

}  // namespace
}  // namespace switchboard::rooms

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(switchboard::rooms::end_of_turn)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(switchboard::rooms::next_round_part)

namespace switchboard::rooms {
namespace {

/// From the log, on whatever thread: it has what this room did not append.
using grown_atom = caf::atom_constant<caf::atom("grown")>;

/// How long membership events of a storm wait for those that undo them.
constexpr std::chrono::milliseconds storm_pause{50};

class room final : public direct_actor {
public:
  room(caf::actor_config& config, std::shared_ptr<room_feed> feed, std::shared_ptr<const room_codec> codec,
       const std::shared_ptr<room_occupancy>& occupancy, const std::shared_ptr<notification_pump>& clock)
      : direct_actor(config),
        feed_(std::move(feed)),
        codec_(std::move(codec)),
        log_id_(feed_->log->extent().id),
        occupancy_(occupancy),
        members_({occupancy, &occupancy->members}, feed_->figures.members),
        order_(*this, feed_, clock),
        clock_(clock) {
    feed_->figures.rooms.add();
  }

  const char* name() const override { return "switchboard.room"; }
  void on_exit() override;

protected:
  caf::behavior make_behavior() override;
  bool deliver(caf::mailbox_element& message) override;

private:
  template <class Handle>
  void turn(Handle&& handle) {
    const rpc::turn own{this};
    handle();
  }

  void on_publish(room_publish& publish);
  void on_join(room_join& join);
  void on_call_ended(const rpc::call_ended& ended);

  rpc::status refusal(const room_join& join, call_key call) const;
  std::uint64_t enter(room_join& join, call_key call);
  void subscribe(room_join& join, call_key call, std::uint64_t membership);

  void end_turn();
  void end_turn_now();
  void notify();
  void notify_next();
  void notify_later();

  caf::strong_actor_ptr self_ptr() { return caf::strong_actor_ptr{ctrl()}; }

  const std::shared_ptr<room_feed> feed_;
  const std::shared_ptr<const room_codec> codec_;
  const std::string log_id_;
  const std::shared_ptr<room_occupancy> occupancy_;
  roster members_;
  subscribers streams_;
  sequencer order_;
  std::uint64_t uses_ = 0;  ///< joins and publishes
  bool end_of_turn_queued_ = false;
  const std::shared_ptr<notification_pump> clock_;  ///< null: nothing depends on time
  deadline_id notification_ = deadline_id::none;
  std::shared_ptr<const std::function<void()>> grown_;  ///< called by the log
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
  grown_ =
      std::make_shared<const std::function<void()>>([weak = caf::weak_actor_ptr{ctrl()}, appends = order_.appends()] {
        if (appends->load(std::memory_order_acquire) != 0) return;
        if (const auto self = weak.lock()) caf::anon_send(caf::actor_cast<caf::actor>(self), grown_atom::value);
      });
  feed_->log->watch(grown_);
  // What an earlier room in front of this log had stored after this one learned where the log stands.
  if (order_.catch_up()) order_.show();
  return {
      [this](room_publish_message& publish) { turn([&] { on_publish(*publish); }); },
      [this](log_answered_atom) {
        turn([&] {
          order_.show();
          end_turn();
        });
      },
      [this](grown_atom) {
        turn([&] {
          if (order_.catch_up()) order_.show();
          end_turn();
        });
      },
      [this](room_join_message& join) { turn([&] { on_join(*join); }); },
      [this](const rpc::call_ended& ended) { turn([&] { on_call_ended(ended); }); },
      [this](const room_members& wanted) { return members_.page(wanted); },
      [this](const deadline_expired&) {
        notification_ = deadline_id::none;
        turn([&] { notify(); });
      },
  };
}

bool room::deliver(caf::mailbox_element& message) {
  if (auto* const publish = content_of<room_publish_message>(message)) {
    turn([&] { on_publish(**publish); });
  } else if (content_of<end_of_turn>(message)) {
    end_of_turn_queued_ = false;
    turn([&] { end_turn_now(); });
  } else if (content_of<next_round_part>(message)) {
    turn([&] { notify_next(); });
  } else {
    return false;
  }
  return true;
}

// -- members ---------------------------------------------------------------------------------------------------------

void room::on_join(room_join& join) {
  ++uses_;
  // What was published before the join is history to it.
  order_.commit();
  const call_key call{join.call.context().caller().id, join.call.context().number()};
  if (auto refused = refusal(join, call); !refused.ok())
    join.call.fail(std::move(refused));
  else
    subscribe(join, call, join.nickname.empty() ? 0 : enter(join, call));
  end_turn();
}

rpc::status room::refusal(const room_join& join, call_key call) const {
  if (auto damaged = feed_->log->condition(); !damaged.ok()) return damaged;
  if (!join.log_id.empty() && join.log_id != log_id_)
    return {rpc::code::out_of_range, "the room's log is another one now: join again from 0"};
  if (join.after_sequence > feed_->tail.last_sequence())
    return {rpc::code::out_of_range,
            "the room's last sequence is " + std::to_string(feed_->tail.last_sequence()) + ": join again from 0"};
  return join.nickname.empty() ? rpc::status{} : members_.refusal(call, join.nickname, join.resume_token);
}

/// Makes the caller the holder of the nickname; its membership.
std::uint64_t room::enter(room_join& join, call_key call) {
  const auto entered = members_.enter(call, join.nickname, std::move(join.resume_token));
  if (!entered.displaced)
    order_.place_event({entered.membership, join.nickname, true, codec_->joined(feed_->name, join.nickname)});
  else if (const auto reader = streams_.remove(*entered.displaced))
    reader->end({rpc::code::aborted, "the nickname was taken over"}, context());
  return entered.membership;
}

void room::subscribe(room_join& join, call_key call, std::uint64_t membership) {
  auto reader = std::make_shared<cursor>(
      feed_, cursor::start{join.after_sequence, join.history_limit, membership, call.caller, join.call.credit()},
      [self = self_ptr(), call] {
        caf::anon_send(caf::actor_cast<caf::actor>(self), rpc::call_ended{call.caller, call.call, rpc::code::internal});
      });
  streams_.add(call, reader);
  join.call.watch(self_ptr());
  join.call.stream_from(std::move(reader));
}

void room::on_call_ended(const rpc::call_ended& ended) {
  const call_key call{ended.caller, ended.call};
  // Taken over before, or refused.
  if (!streams_.remove(call)) return;
  if (const auto left = members_.leave(call)) {
    order_.commit();
    order_.place_event({left->membership, left->nickname, false, codec_->left(feed_->name, left->nickname)});
  }
  end_turn();
}

// -- messages --------------------------------------------------------------------------------------------------------

void room::on_publish(room_publish& publish) {
  ++uses_;
  const auto* const nickname = members_.nickname_of(publish.call.context().caller().id);
  if (!nickname) {
    publish.call.fail(refusal_of_others(feed_->log.get()));
    return end_turn();
  }
  record added{codec_->body(*nickname, publish.content), {}};
  if (!publish.client_id.empty()) {
    // A nickname has no U+0000, so the two cannot run into each other.
    added.dedupe_key.reserve(nickname->size() + 1 + publish.client_id.size());
    added.dedupe_key.append(*nickname).append(1, '\0').append(publish.client_id);
  }
  order_.publish(std::move(added), std::move(publish.call));
  end_turn();
}

// -- turns -----------------------------------------------------------------------------------------------------------

/// The end of every handler: what waits in the mailbox may join the same append and the same wakes.
void room::end_turn() {
  if (mailbox().empty() || order_.is_batch_full()) return end_turn_now();
  if (std::exchange(end_of_turn_queued_, true)) return;
  enqueue(make_message_element(end_of_turn{}), context());
}

void room::end_turn_now() {
  order_.commit();
  if (const auto news = order_.take_news(); news == sequencer::news::all)
    notify();
  else if (news == sequencer::news::changes)
    notify_later();
  for (auto& [call, result] : order_.take_answers()) {
    if (result.status.ok())
      codec_->published(std::move(call), result);
    else
      call.fail(std::move(result.status));
  }
  // Without readers the tail would only hold on to what the log may trim: the next one to join starts in the log.
  if (streams_.empty()) feed_->tail.clear();
  const bool unused = streams_.empty() && order_.idle();
  occupancy_->unused_after.store(unused ? uses_ : room_occupancy::in_use, std::memory_order_release);
  feed_->count_memory();
}

void room::notify() {
  if (streams_.begin_round()) notify_next();
}

void room::notify_next() {
  if (streams_.notify(context())) enqueue(make_message_element(next_round_part{}), context());
}

/// What is new are changes of a storm: most are undone before the readers look.
void room::notify_later() {
  if (notification_ == deadline_id::none) notification_ = clock_->schedule(clock_->now() + storm_pause, self_ptr(), 0);
  if (notification_ == deadline_id::none) notify();
}

void room::on_exit() {
  if (notification_ != deadline_id::none) clock_->cancel(notification_);
  grown_ = nullptr;
  const auto last = rpc::turn::ending(this);
  streams_.end({rpc::code::unavailable, "the room ended"}, context());
  members_.clear();
  feed_->figures.rooms.subtract();
  order_.clear();
}

}  // namespace

rpc::status refusal_of_others(const log* messages) {
  auto damaged = messages ? messages->condition() : rpc::status{};
  if (!damaged.ok()) return damaged;
  return {rpc::code::failed_precondition, "join the room under a nickname first"};
}

room_handle spawn_room(caf::local_actor& parent, std::string name, std::shared_ptr<const room_codec> codec,
                       std::shared_ptr<log> messages, const room_limits& limits, room_metrics figures,
                       std::shared_ptr<notification_pump> clock) {
  auto occupancy = std::make_shared<room_occupancy>();
  auto feed = std::make_shared<room_feed>(std::move(name), codec, std::move(messages), limits, std::move(figures));
  return {parent.spawn<room>(std::move(feed), std::move(codec), occupancy, std::move(clock)), occupancy};
}

}  // namespace switchboard::rooms
