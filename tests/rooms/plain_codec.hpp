#pragma once

/// A room's codec in words that a test can read: "1:hi", "+ann", "-ann", "gap 1-3 retention", "caught up 3".

#include <string>

#include <switchboard/rooms/room_codec.hpp>
#include <switchboard/v1/services.pb.h>

namespace switchboard::rooms {

class plain_codec final : public room_codec {
public:
  std::string body(std::string_view sender, std::string_view content) const override {
    return std::string(sender) + " says " + std::string(content);
  }
  wire::shared_bytes entry(const std::string&, std::uint64_t sequence, std::string_view body) const override {
    return wire::shared_bytes{std::to_string(sequence) + ":" + std::string(body)};
  }
  wire::shared_bytes gap(const std::string&, std::uint64_t from, std::uint64_t to, gap_reason why) const override {
    return wire::shared_bytes{"gap " + std::to_string(from) + "-" + std::to_string(to) +
                              (why == gap_reason::retention ? " retention" : " limit")};
  }
  wire::shared_bytes caught_up(const std::string&, std::uint64_t sequence, const std::string&) const override {
    return wire::shared_bytes{"caught up " + std::to_string(sequence)};
  }
  wire::shared_bytes joined(const std::string&, const std::string& nickname) const override {
    return wire::shared_bytes{"+" + nickname};
  }
  wire::shared_bytes left(const std::string&, const std::string& nickname) const override {
    return wire::shared_bytes{"-" + nickname};
  }
  /// Answers in a PingReply: "stored 3", "duplicate of 3".
  void published(rpc::call_handle call, const append_result& stored) const override {
    v1::PingReply reply;
    reply.set_payload((stored.duplicate ? "duplicate of " : "stored ") + std::to_string(stored.sequence));
    rpc::responder<v1::PingReply>{std::move(call)}.reply(reply);
  }

  static log_store::encoder encoder() {
    return [](const std::string& room, std::uint64_t sequence, const std::string& body) {
      return plain_codec{}.entry(room, sequence, body);
    };
  }
};

}  // namespace switchboard::rooms
