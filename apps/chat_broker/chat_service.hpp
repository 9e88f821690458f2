#pragma once

/// switchboard.chat.v1.Chat: rooms by name.
///
/// Why        a room orders and delivers; which rooms there are, what they may be called and what a request may hold is
///            decided here. What costs more than that runs beside it (query_actor.hpp).
/// Threads    one object in the service's actor.
/// Rooms      the actor of one that was not used for a while ends; used again, it is started in front of its log. A room
///            that never held a message is forgotten then.
/// Owns       the room actors and the query actor: they end when it has, rooms so many a turn, and one that fails is started
///            anew, a room in front of its log. The logs are the store's.
/// Errors     as chat.proto says, for each method.

#include "chat_limits.hpp"
#include "query.hpp"
#include "room_creations.hpp"
#include "room_table.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <caf/system_messages.hpp>

#include <switchboard/chat/v1/chat.switchboard.hpp>
#include <switchboard/rooms/log.hpp>
#include <switchboard/rooms/room.hpp>
#include <switchboard/rpc/service_actor.hpp>

namespace switchboard::chat {

/// What says when a message was sent.
using wall_clock = std::chrono::system_clock::time_point (*)();

class chat_service {
public:
  chat_service(rpc::service_actor* self, std::shared_ptr<rooms::log_store> store, const chat_limits& limits,
               wall_clock now, rooms::room_metrics figures);
  ~chat_service();
  chat_service(const chat_service&) = delete;
  chat_service& operator=(const chat_service&) = delete;

  void join(v1::JoinRequest& request, rpc::outbound<v1::RoomEvent> stream);
  void publish(v1::PublishRequest& request, rpc::responder<v1::PublishReply> reply);
  void history(const v1::HistoryRequest& request, rpc::responder<v1::HistoryReply> reply);
  void list_rooms(const v1::ListRoomsRequest& request, rpc::responder<v1::ListRoomsReply> reply);
  void list_members(v1::ListMembersRequest& request, rpc::responder<v1::ListMembersReply> reply);

private:
  /// Has the room of that name its actor, where its log is there. Whether it is.
  bool revive(const std::string& name);
  void start(const std::string& name, std::shared_ptr<rooms::log> messages);
  void end_unused(std::size_t left);
  void run(std::shared_ptr<query> added);
  void start_queries();
  void on_down(const caf::down_msg& down);

  rpc::service_actor* const self_;
  const std::shared_ptr<rooms::log_store> store_;
  const chat_limits limits_;
  const wall_clock now_;
  const rooms::room_metrics figures_;
  room_creations creations_;
  const std::shared_ptr<const rooms::room_codec> codec_;
  const std::shared_ptr<room_table> rooms_ = std::make_shared<room_table>();
  caf::actor queries_;
  bool looks_for_unused_ = false;
};

/// How a chat room's log encodes its entries.
rooms::log_store::encoder entry_encoder();

/// The service, with its rooms' logs in `store`. The rooms count in `figures`; null: nowhere.
rpc::service_definition definition(
    std::shared_ptr<rooms::log_store> store, const chat_limits& limits = {},
    std::shared_ptr<metrics::registry> figures = nullptr,
    wall_clock now = [] { return std::chrono::system_clock::now(); });

}  // namespace switchboard::chat
