#include "chat_service.hpp"

#include "chat_codec.hpp"
#include "chat_names.hpp"
#include "chat_queries.hpp"
#include "query_actor.hpp"

#include <chrono>
#include <utility>

#include <caf/exit_reason.hpp>
#include <caf/send.hpp>

#include <switchboard/logging/logging.hpp>

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

}  // namespace

chat_service::chat_service(caf::event_based_actor* self, std::shared_ptr<rooms::log_store> store,
                           const chat_limits& limits, wall_clock now, rooms::room_metrics figures)
    : self_(self),
      store_(std::move(store)),
      limits_(limits),
      now_(now),
      figures_(std::move(figures)),
      rooms_limit_("rooms_max", figures_.registry),
      codec_(std::make_shared<chat_codec>()) {
  self_->set_down_handler([this](const caf::down_msg& down) { on_down(down); });
  start_queries();
}

chat_service::~chat_service() {
  caf::anon_send_exit(queries_, caf::exit_reason::user_shutdown);
  for (const auto& [name, room] : rooms_->all()) caf::anon_send_exit(room.actor, caf::exit_reason::user_shutdown);
  rooms_->clear();
}

void chat_service::join(JoinRequest& request, rpc::outbound<RoomEvent> stream) {
  if (auto bad = first_failure(check_room(request.room()), check_nickname(request.nickname()),
                               check_resume_token(request.resume_token()));
      !bad.ok())
    return stream.fail(std::move(bad));
  const auto* room = find(request.room());
  if (!room) {
    // A room that is not there has no log and no sequences, so it cannot be the one a client has been in.
    if (!request.log_id().empty() || request.after_sequence() != 0)
      return stream.fail(rpc::code::out_of_range, "there is no such room now: join again from 0");
    if (store_->size() >= limits_.rooms_max) {
      rooms_limit_.hit(stream.context().peer());
      return stream.fail(rpc::code::resource_exhausted,
                         "there are " + std::to_string(limits_.rooms_max) + " rooms already");
    }
    room = &start(request.room(), store_->open(request.room()));
  }
  rooms::room_join join;
  join.call = rooms::room_call{std::move(stream).take_call()};
  join.nickname = std::move(*request.mutable_nickname());
  join.resume_token = std::move(*request.mutable_resume_token());
  join.log_id = std::move(*request.mutable_log_id());
  join.after_sequence = request.after_sequence();
  join.history_limit = request.history_limit();
  self_->send(room->actor, rooms::room_join_message{std::move(join)});
}

void chat_service::publish(PublishRequest& request, rpc::responder<PublishReply> reply) {
  if (auto bad = first_failure(check_room(request.room()), check_text(request.text()),
                               check_client_message_id(request.client_message_id()));
      !bad.ok())
    return reply.fail(std::move(bad));
  const auto* room = rooms_->find(request.room());
  if (!room) return reply.fail(rpc::code::failed_precondition, "join the room under a nickname first");
  ChatMessage content;
  content.mutable_text()->swap(*request.mutable_text());
  set(*content.mutable_sent_at(), now_());
  content.set_client_message_id(request.client_message_id());
  rooms::room_publish publish;
  publish.call = rooms::room_call{std::move(reply)};
  content.SerializeToString(&publish.content);
  publish.client_id = std::move(*request.mutable_client_message_id());
  self_->send(room->actor, rooms::room_publish_message{std::move(publish)});
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
  queries_ = self_->spawn<query_actor>();
  self_->monitor(queries_);
}

const rooms::room_handle* chat_service::find(const std::string& name) {
  if (const auto* found = rooms_->find(name)) return found;
  auto messages = store_->find(name);
  return messages ? &start(name, std::move(messages)) : nullptr;
}

const rooms::room_handle& chat_service::start(const std::string& name, std::shared_ptr<rooms::log> messages) {
  auto started = rooms::spawn_room(*self_, name, codec_, std::move(messages), limits_.room, figures_);
  self_->monitor(started.actor);
  return rooms_->put(name, std::move(started));
}

void chat_service::on_down(const caf::down_msg& down) {
  if (queries_.address() == down.source) {
    logging::error("the chat's queries ended ({}) and are started anew", caf::to_string(down.reason));
    return start_queries();
  }
  for (const auto& [name, room] : rooms_->all()) {
    if (room.actor.address() != down.source) continue;
    logging::error("room {} ended ({}) and is started anew", name, caf::to_string(down.reason));
    start(std::string(name), store_->open(name));
    return;
  }
}

rooms::log_store::encoder entry_encoder() {
  return [words = chat_codec{}](const std::string& room, std::uint64_t sequence, const std::string& body) {
    return words.entry(room, sequence, body);
  };
}

rpc::service_definition definition(std::shared_ptr<rooms::log_store> store, const chat_limits& limits,
                                   std::shared_ptr<metrics::registry> figures, wall_clock now) {
  return Chat::service<chat_service>(std::move(store), limits, now, rooms::room_metrics{std::move(figures)});
}

}  // namespace switchboard::chat
