#include "chat_service.hpp"

#include "chat_codec.hpp"
#include "chat_names.hpp"
#include "chat_queries.hpp"
#include "query_actor.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include <caf/exit_reason.hpp>
#include <caf/send.hpp>

#include <switchboard/logging/logging.hpp>
#include <switchboard/pump/message_element.hpp>

namespace switchboard::chat {

using namespace v1;

namespace {

/// The first of the statuses that is not OK.
template <class... Statuses>
rpc::status first_failure(Statuses&&... statuses) {
  rpc::status found;
  (void)((found = std::forward<Statuses>(statuses), found.ok()) && ...);
  return found;
}

void set(google::protobuf::Timestamp& time, std::chrono::system_clock::time_point to) {
  const auto now = to.time_since_epoch();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now);
  time.set_seconds(seconds.count());
  time.set_nanos(static_cast<std::int32_t>(std::chrono::nanoseconds(now - seconds).count()));
}

/// Rooms that are looked at, or ended, in one turn.
constexpr std::size_t rooms_at_once = 512;
/// Rounds of looks at all rooms within the time that one has to be unused.
constexpr int rounds = 6;

/// Ends the rooms of a service that has ended, so many a turn.
class room_ender final : public caf::event_based_actor {
public:
  room_ender(caf::actor_config& config, std::shared_ptr<room_table> rooms)
      : caf::event_based_actor(config), rooms_(std::move(rooms)) {}

  const char* name() const override { return "chat.room_ender"; }

protected:
  caf::behavior make_behavior() override {
    end_some();
    return {[this](next_atom) { end_some(); }};
  }

private:
  using next_atom = caf::atom_constant<caf::atom("next")>;

  void end_some() {
    for (const auto& each : rooms_->take_some(rooms_at_once))
      caf::anon_send_exit(each, caf::exit_reason::user_shutdown);
    if (rooms_->size() == 0) return quit();
    send(this, next_atom::value);
  }

  const std::shared_ptr<room_table> rooms_;
};

}  // namespace

chat_service::chat_service(rpc::service_actor* self, std::shared_ptr<rooms::log_store> store, const chat_limits& limits,
                           wall_clock now, rooms::room_metrics figures)
    : self_(self),
      store_(std::move(store)),
      limits_(limits),
      now_(now),
      figures_(std::move(figures)),
      creations_(limits, figures_.registry),
      codec_(std::make_shared<chat_codec>()) {
  self_->set_down_handler([this](const caf::down_msg& down) { on_down(down); });
  start_queries();
}

chat_service::~chat_service() {
  caf::anon_send_exit(queries_, caf::exit_reason::user_shutdown);
  self_->home_system().spawn<room_ender>(rooms_);
}

void chat_service::join(JoinRequest& request, rpc::outbound<RoomEvent> stream) {
  if (auto bad = first_failure(check_room(request.room()), check_nickname(request.nickname()),
                               check_resume_token(request.resume_token()));
      !bad.ok())
    return stream.fail(std::move(bad));
  if (!rooms_->find(request.room())) {
    if (auto refused = creations_.refusal_of_use(stream.context().caller()); !refused.ok())
      return stream.fail(std::move(refused));
  }
  if (!revive(request.room())) {
    // A room that is not there has no log and no sequences, so it cannot be the one a client has been in.
    if (!request.log_id().empty() || request.after_sequence() != 0)
      return stream.fail(rpc::code::out_of_range, "there is no such room now: join again from 0");
    if (auto refused = creations_.charge(stream.context().caller(), store_->size(), self_->now()); !refused.ok())
      return stream.fail(std::move(refused));
    start(request.room(), store_->open(request.room()));
  }
  rooms::room_join join;
  join.call = rooms::room_call{std::move(stream).take_call()};
  join.nickname = std::move(*request.mutable_nickname());
  join.resume_token = std::move(*request.mutable_resume_token());
  join.log_id = std::move(*request.mutable_log_id());
  join.after_sequence = request.after_sequence();
  join.history_limit = request.history_limit();
  self_->send(*rooms_->use(request.room()), rooms::room_join_message{std::move(join)});
}

void chat_service::publish(PublishRequest& request, rpc::responder<PublishReply> reply) {
  if (auto bad = first_failure(check_room(request.room()), check_text(request.text()),
                               check_client_message_id(request.client_message_id()));
      !bad.ok())
    return reply.fail(std::move(bad));
  const auto* const room = rooms_->use(request.room());
  if (!room) return reply.fail(rooms::refusal_of_others(store_->find(request.room()).get()));
  ChatMessage content;
  content.mutable_text()->swap(*request.mutable_text());
  set(*content.mutable_sent_at(), now_());
  content.set_client_message_id(request.client_message_id());
  rooms::room_publish publish;
  publish.call = rooms::room_call{std::move(reply)};
  content.SerializeToString(&publish.content);
  publish.client_id = std::move(*request.mutable_client_message_id());
  (*room)->enqueue(make_message_element(rooms::room_publish_message{std::move(publish)}), self_->context());
}

void chat_service::history(const HistoryRequest& request, rpc::responder<HistoryReply> reply) {
  if (auto bad = check_room(request.room()); !bad.ok()) return reply.fail(std::move(bad));
  auto messages = store_->find(request.room());
  if (!messages) return reply.reply({});
  run(std::make_shared<history_query>(std::move(messages), request, std::move(reply)));
}

void chat_service::list_rooms(const ListRoomsRequest& request, rpc::responder<ListRoomsReply> reply) {
  run(std::make_shared<rooms_query>(store_, rooms_, request, std::move(reply)));
}

void chat_service::list_members(ListMembersRequest& request, rpc::responder<ListMembersReply> reply) {
  if (auto bad = check_room(request.room()); !bad.ok()) return reply.fail(std::move(bad));
  const auto* room = rooms_->find(request.room());
  if (!room) return reply.reply({});
  run(std::make_shared<members_query>(room->actor, request, std::move(reply)));
}

void chat_service::run(std::shared_ptr<query> added) {
  self_->send(queries_, new_query{std::move(added)});
}

void chat_service::start_queries() {
  queries_ = self_->spawn<query_actor>(limits_.memory);
  self_->monitor(queries_);
}

bool chat_service::revive(const std::string& name) {
  if (rooms_->find(name)) return true;
  auto messages = store_->find(name);
  if (!messages) return false;
  start(name, std::move(messages));
  return true;
}

void chat_service::start(const std::string& name, std::shared_ptr<rooms::log> messages) {
  auto started = rooms::spawn_room(*self_, name, codec_, std::move(messages), limits_.room, figures_, self_->pump());
  self_->monitor(started.actor);
  rooms_->put(name, std::move(started));
  if (!std::exchange(looks_for_unused_, true)) end_unused(0);
}

/// Looks at `left` rooms of this round, and has the rest follow, for as long as there are rooms.
void chat_service::end_unused(std::size_t left) {
  const auto timeout = limits_.room_idle_timeout;
  if (timeout.count() == 0) return;
  const auto now = self_->now();
  const auto looked_at = std::min(left, rooms_at_once);
  for (const auto& each : rooms_->take_unused(looked_at, now, now - timeout)) {
    self_->demonitor(each.actor);
    caf::anon_send_exit(each.actor, caf::exit_reason::user_shutdown);
    store_->close(each.name);
  }
  left -= looked_at;
  looks_for_unused_ = left > 0 || rooms_->size() > 0;
  if (left > 0)
    self_->after(std::chrono::milliseconds(0), [this, left] { end_unused(left); });
  else if (looks_for_unused_)
    self_->after(timeout / rounds, [this] { end_unused(rooms_->size()); });
}

void chat_service::on_down(const caf::down_msg& down) {
  if (queries_.address() == down.source) {
    logging::error("the chat's queries ended ({}) and are started anew", caf::to_string(down.reason));
    return start_queries();
  }
  const auto* const name = rooms_->name_of(down.source);
  if (!name) return;
  logging::error("room {} ended ({}) and is started anew", *name, caf::to_string(down.reason));
  start(std::string(*name), store_->open(*name));
}

rooms::log_store::encoder entry_encoder() {
  return [words = chat_codec{}](const std::string& room, std::uint64_t sequence, const std::string& body) {
    return words.entry(room, sequence, body);
  };
}

rpc::service_definition definition(std::shared_ptr<rooms::log_store> store, const chat_limits& limits,
                                   std::shared_ptr<metrics::registry> figures, wall_clock now) {
  return Chat::service<chat_service>(std::move(store), limits, now, rooms::room_metrics{std::move(figures)})
      .answer_bytes_max<Chat::history>(query_actor::query_bytes)
      .answer_bytes_max<Chat::list_rooms>(query_actor::query_bytes)
      .answer_bytes_max<Chat::list_members>(query_actor::query_bytes);
}

}  // namespace switchboard::chat
