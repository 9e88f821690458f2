#pragma once

/// The queries of switchboard.chat.v1.Chat: History, ListRooms, ListMembers.
///
/// Threads    made by the service, then the query actor's.
/// Owns       its call, and what it reads from.
/// Errors     as chat.proto says, for each method.

#include "query.hpp"
#include "room_table.hpp"

#include <switchboard/chat/v1/chat.pb.h>

namespace switchboard::chat {

/// Messages out of a log, past its room.
class history_query final : public query_for<v1::HistoryReply> {
public:
  /// What is found at once.
  static constexpr std::size_t page_entries = 512;
  static constexpr std::size_t page_bytes = std::size_t{64} << 10;

  history_query(std::shared_ptr<rooms::log> from, const v1::HistoryRequest& request,
                rpc::responder<v1::HistoryReply> call);

  void find_next(caf::event_based_actor& self, std::function<void(query_piece)> found) override;
  bool add(query_piece found) override;

private:
  const std::shared_ptr<rooms::log> log_;
  std::uint64_t after_;
  std::uint32_t left_;
};

/// Rooms by name, with how many members each has.
class rooms_query final : public query_for<v1::ListRoomsReply> {
public:
  static constexpr std::size_t page_rooms = 128;

  rooms_query(std::shared_ptr<const rooms::log_store> store, std::shared_ptr<const room_table> open,
              const v1::ListRoomsRequest& request, rpc::responder<v1::ListRoomsReply> call);

  void find_next(caf::event_based_actor& self, std::function<void(query_piece)> found) override;
  bool add(query_piece found) override;

private:
  bool add_room(const std::string& name);
  bool end(bool more);

  const std::shared_ptr<const rooms::log_store> store_;
  const std::shared_ptr<const room_table> open_;
  std::string after_;
  std::size_t left_;
};

/// Who is in a room, as it says.
class members_query final : public query_for<v1::ListMembersReply> {
public:
  static constexpr std::size_t page_names = 512;

  members_query(caf::actor room, v1::ListMembersRequest& request, rpc::responder<v1::ListMembersReply> call);

  void find_next(caf::event_based_actor& self, std::function<void(query_piece)> found) override;
  bool add(query_piece found) override;

private:
  bool end(bool more);

  const caf::actor room_;
  std::string after_;
  std::size_t left_;
};

}  // namespace switchboard::chat
