#include "chat_service.hpp"

#include "chat_names.hpp"
#include "chat_vocabulary.hpp"

#include <chrono>
#include <utility>

#include <caf/exit_reason.hpp>
#include <caf/send.hpp>
#include <google/protobuf/io/coded_stream.h>

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

/// Bytes that a message of this size takes in a repeated field numbered below 16.
std::size_t repeated_size(std::size_t message) {
  return 1 + google::protobuf::io::CodedOutputStream::VarintSize64(message) + message;
}

/// A history being gathered from a log, a page at a time.
class history_reading : public std::enable_shared_from_this<history_reading> {
public:
  history_reading(std::shared_ptr<log> from, const HistoryRequest& request, rpc::responder<HistoryReply> call)
      : log_(std::move(from)),
        after_(request.after_sequence()),
        left_(request.limit() == 0 ? history_limit_default : request.limit()),
        call_(std::move(call)) {}

  void read_on() {
    log_->read(after_, left_, reply_bytes_max, [self = shared_from_this()](log_page page) { self->take(page); });
  }

private:
  void take(log_page& page) {
    if (!page.status.ok()) return call_.fail(std::move(page.status));
    reply_.set_last_sequence(page.extent.last);
    reply_.set_log_id(page.extent.id);
    auto size = reply_.ByteSizeLong();
    for (const auto& entry : page.entries) {
      RoomEvent event;
      if (!event.ParseFromArray(entry.bytes.data(), static_cast<int>(entry.bytes.size())))
        return call_.fail(rpc::code::internal, "the room's log holds what is no message");
      size += repeated_size(event.message().ByteSizeLong());
      if (size > reply_bytes_max) return call_.reply(reply_);
      reply_.mutable_messages()->AddAllocated(event.release_message());
      after_ = entry.sequence;
      --left_;
    }
    if (page.entries.empty() || left_ == 0 || after_ >= page.extent.last) return call_.reply(reply_);
    read_on();
  }

  const std::shared_ptr<log> log_;
  std::uint64_t after_;
  std::uint32_t left_;
  HistoryReply reply_;
  rpc::responder<HistoryReply> call_;
};

}  // namespace

chat_service::chat_service(caf::event_based_actor* self, std::shared_ptr<log_home> home, const chat_limits& limits,
                           wall_clock now, room_metrics figures)
    : self_(self),
      home_(std::move(home)),
      limits_(limits),
      now_(now),
      figures_(std::move(figures)),
      vocabulary_(std::make_shared<chat_vocabulary>()) {
  self_->set_down_handler([this](const caf::down_msg& down) { on_down(down); });
}

chat_service::~chat_service() {
  for (const auto& [name, room] : rooms_) caf::anon_send_exit(room.actor, caf::exit_reason::user_shutdown);
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
    if (home_->size() >= limits_.rooms_max)
      return stream.fail(rpc::code::resource_exhausted,
                         "there are " + std::to_string(limits_.rooms_max) + " rooms already");
    room = &start(request.room(), home_->open(request.room()));
  }
  room_join join;
  join.call = room_call{std::move(stream).take_call()};
  join.nickname = std::move(*request.mutable_nickname());
  join.resume_token = std::move(*request.mutable_resume_token());
  join.log_id = std::move(*request.mutable_log_id());
  join.after_sequence = request.after_sequence();
  join.history_limit = request.history_limit();
  self_->send(room->actor, room_join_message{std::move(join)});
}

void chat_service::publish(PublishRequest& request, rpc::responder<PublishReply> reply) {
  if (auto bad = first_failure(check_room(request.room()), check_text(request.text()),
                               check_client_message_id(request.client_message_id()));
      !bad.ok())
    return reply.fail(std::move(bad));
  const auto room = rooms_.find(request.room());
  if (room == rooms_.end()) return reply.fail(rpc::code::failed_precondition, "join the room under a nickname first");
  ChatMessage content;
  content.mutable_text()->swap(*request.mutable_text());
  set(*content.mutable_sent_at(), now_());
  content.set_client_message_id(request.client_message_id());
  room_publish publish;
  publish.call = room_call{std::move(reply)};
  content.SerializeToString(&publish.content);
  publish.client_id = std::move(*request.mutable_client_message_id());
  self_->send(room->second.actor, room_publish_message{std::move(publish)});
}

void chat_service::history(const HistoryRequest& request, rpc::responder<HistoryReply> reply) {
  if (auto bad = check_room(request.room()); !bad.ok()) return reply.fail(std::move(bad));
  auto messages = home_->find(request.room());
  if (!messages) return reply.reply({});
  std::make_shared<history_reading>(std::move(messages), request, std::move(reply))->read_on();
}

rpc::result<ListRoomsReply> chat_service::list_rooms(const ListRoomsRequest& request) {
  const std::size_t limit = request.limit() == 0 ? list_limit_default : request.limit();
  ListRoomsReply reply;
  std::size_t size = 2;  // `more`
  for (auto& name : home_->rooms(request.after(), limit + 1)) {
    RoomSummary summary;
    if (const auto room = rooms_.find(name); room != rooms_.end())
      summary.set_members(room->second.members->load(std::memory_order_acquire));
    if (const auto messages = home_->find(name)) summary.set_last_sequence(messages->extent().last);
    summary.set_room(std::move(name));
    size += repeated_size(summary.ByteSizeLong());
    if (static_cast<std::size_t>(reply.rooms_size()) == limit || size > reply_bytes_max) {
      reply.set_more(true);
      break;
    }
    *reply.add_rooms() = std::move(summary);
  }
  return reply;
}

void chat_service::list_members(ListMembersRequest& request, rpc::responder<ListMembersReply> reply) {
  if (auto bad = check_room(request.room()); !bad.ok()) return reply.fail(std::move(bad));
  const auto room = rooms_.find(request.room());
  if (room == rooms_.end()) return reply.reply({});
  room_members wanted;
  wanted.call = room_call{std::move(reply)};
  wanted.after = std::move(*request.mutable_after());
  wanted.limit = request.limit() == 0 ? list_limit_default : request.limit();
  self_->send(room->second.actor, room_members_message{std::move(wanted)});
}

const room_handle* chat_service::find(const std::string& name) {
  if (const auto found = rooms_.find(name); found != rooms_.end()) return &found->second;
  auto messages = home_->find(name);
  return messages ? &start(name, std::move(messages)) : nullptr;
}

const room_handle& chat_service::start(const std::string& name, std::shared_ptr<log> messages) {
  auto started = spawn_room(*self_, name, vocabulary_, std::move(messages), limits_.room, figures_);
  self_->monitor(started.actor);
  return rooms_.insert_or_assign(name, std::move(started)).first->second;
}

void chat_service::on_down(const caf::down_msg& down) {
  for (const auto& [name, room] : rooms_) {
    if (room.actor.address() != down.source) continue;
    logging::error("room {} ended ({}) and is started anew", name, caf::to_string(down.reason));
    start(std::string(name), home_->open(name));
    return;
  }
}

log_home::encoder entry_encoder() {
  return [words = chat_vocabulary{}](const std::string& room, std::uint64_t sequence, const std::string& body) {
    return words.entry(room, sequence, body);
  };
}

rpc::service_definition definition(std::shared_ptr<log_home> home, const chat_limits& limits, wall_clock now,
                                   std::shared_ptr<metrics::registry> figures) {
  return Chat::service<chat_service>(std::move(home), limits, now, room_metrics{std::move(figures)});
}

}  // namespace switchboard::chat
