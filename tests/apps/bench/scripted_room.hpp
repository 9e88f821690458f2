#pragma once

/// A script for a chat room, of which a test says what it keeps and what it answers.
///
/// Threads    the scripted server's.

#include "scripted_server.hpp"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <switchboard/chat/v1/chat.pb.h>
#include <switchboard/wire/frame_encoder.hpp>

namespace switchboard::bench {

struct scripted_room {
  std::vector<std::string> texts;  ///< of sequence 1 and those that follow

  /// Takes a text, the `number`th from 0, and says what its publisher is answered. By default all is as it should be.
  using publishing = std::function<void(scripted_room& room, const std::string& text, std::size_t number,
                                        chat::v1::PublishReply& reply)>;
};

inline void keep(scripted_room& room, const std::string& text, std::size_t, chat::v1::PublishReply& reply) {
  room.texts.push_back(text);
  reply.set_sequence(room.texts.size());
  reply.set_durability(chat::v1::PublishReply::FSYNCED);
}

inline void append_event(std::string& out, std::uint64_t call, const chat::v1::RoomEvent& event) {
  wire::append_message(out, call, event.SerializeAsString(), false);
}

/// The newest of a room, then that it was all.
inline void replay(const scripted_room& room, std::size_t newest, std::uint64_t call, std::string& out) {
  chat::v1::RoomEvent event;
  for (auto each = room.texts.size() - std::min(newest, room.texts.size()); each < room.texts.size(); ++each) {
    event.mutable_message()->set_sequence(each + 1);
    event.mutable_message()->set_text(room.texts[each]);
    append_event(out, call, event);
  }
  event.mutable_caught_up()->set_sequence(room.texts.size());
  append_event(out, call, event);
}

/// A publisher's Join, which gives no credit, has no answer.
inline scripted_server::script chat_room(scripted_room& room, scripted_room::publishing publishing = keep) {
  return frames([&room, publishing, published = std::make_shared<std::size_t>(0)](const auto& call, std::size_t,
                                                                                  std::string& out) {
    if (call.method.ends_with("/Publish")) {
      chat::v1::PublishRequest request;
      request.ParseFromArray(call.message.data(), static_cast<int>(call.message.size()));
      chat::v1::PublishReply reply;
      publishing(room, request.text(), (*published)++, reply);
      wire::append_message(out, call.call, reply.SerializeAsString(), true);
    } else if (call.method.ends_with("/Join") && call.credit != 0) {
      chat::v1::JoinRequest request;
      request.ParseFromArray(call.message.data(), static_cast<int>(call.message.size()));
      replay(room, request.history_limit(), call.call, out);
    }
  });
}

}  // namespace switchboard::bench
