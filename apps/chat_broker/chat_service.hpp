#pragma once

/// switchboard.chat.v1.Chat: rooms by name.
///
/// Why        a room orders and delivers; which rooms there are, what they may be called and what a request may hold is
///            decided here. What costs more than that runs beside it (query_actor.hpp).
/// Threads    one object in the service's actor.
/// Owns       the room actors and the query actor: they end with it, and one that fails is started anew, a room in front
///            of its log. The logs are the store's.
/// Errors     as chat.proto says, for each method.

#include "chat_limits.hpp"
#include "query.hpp"
#include "room_table.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <caf/event_based_actor.hpp>
#include <caf/system_messages.hpp>

#include <switchboard/chat/v1/chat.switchboard.hpp>
#include <switchboard/limit/limit_monitor.hpp>
#include <switchboard/rooms/log.hpp>
#include <switchboard/rooms/room.hpp>
#include <switchboard/rpc/service_actor.hpp>

namespace switchboard::chat {

/// What says when a message was sent.
using wall_clock = std::chrono::system_clock::time_point (*)();

class chat_service {
public:
  chat_service(caf::event_based_actor* self, std::shared_ptr<rooms::log_store> store, const chat_limits& limits,
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
  /// The room of that name, started where only its log is there; null where there is neither.
  const rooms::room_handle* find(const std::string& name);
  const rooms::room_handle& start(const std::string& name, std::shared_ptr<rooms::log> messages);
  void run(std::shared_ptr<query> added);
  void start_queries();
  void on_down(const caf::down_msg& down);

  caf::event_based_actor* const self_;
  const std::shared_ptr<rooms::log_store> store_;
  const chat_limits limits_;
  const wall_clock now_;
  const rooms::room_metrics figures_;
  limit_monitor rooms_limit_;
  const std::shared_ptr<const rooms::room_codec> codec_;
  const std::shared_ptr<room_table> rooms_ = std::make_shared<room_table>();
  caf::actor queries_;
};

/// How a chat room's log encodes its entries.
rooms::log_store::encoder entry_encoder();

/// The service, with its rooms' logs in `store`. The rooms count in `figures`; null: nowhere.
rpc::service_definition definition(
    std::shared_ptr<rooms::log_store> store, const chat_limits& limits = {},
    std::shared_ptr<metrics::registry> figures = nullptr,
    wall_clock now = [] { return std::chrono::system_clock::now(); });

}  // namespace switchboard::chat
