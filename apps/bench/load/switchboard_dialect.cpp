#include "fanout_dialect.hpp"

#include <limits>
#include <stdexcept>

#include <switchboard/chat/v1/chat.pb.h>
#include <switchboard/v1/frame.pb.h>
#include <switchboard/wire/frame_decoder.hpp>
#include <switchboard/wire/frame_encoder.hpp>

namespace switchboard::bench {
namespace {

constexpr std::uint32_t all_credit = std::numeric_limits<std::uint32_t>::max();

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error(what);
}

class switchboard_reader final : public fanout_dialect::reader {
public:
  void feed(std::span<const std::byte> chunk, arrivals& into) override {
    decoder_.feed(chunk);
    wire::frame_view frame;
    for (;;) {
      const auto outcome = decoder_.next(frame);
      if (outcome == wire::frame_decoder::outcome::need_more) return;
      if (outcome == wire::frame_decoder::outcome::failed) fail("the server sent what is no frame");
      if (frame.has_status) {
        v1::Status status;
        status.ParseFromArray(frame.status.data(), static_cast<int>(frame.status.size()));
        fail("the server refuses: " + status.message());
      }
      // A unary answer, which alone has an end, is to a publish.
      if (frame.end) {
        into.acknowledged();
        continue;
      }
      if (!event_.ParseFromArray(frame.message.data(), static_cast<int>(frame.message.size()))) fail("no RoomEvent");
      if (event_.has_caught_up()) into.ready();
      if (event_.has_message()) into.delivered(event_.message().text());
    }
  }

private:
  wire::frame_decoder decoder_;
  chat::v1::RoomEvent event_;  // kept, so that its strings are
};

void join(std::string& out, std::uint64_t call, const std::string& room, const std::string& nickname,
          std::uint32_t credit) {
  chat::v1::JoinRequest request;
  request.set_room(room);
  request.set_nickname(nickname);
  wire::append_open(out, call, "switchboard.chat.v1.Chat/Join", request.SerializeAsString(), true, credit, 0);
}

class switchboard_publisher final : public fanout_dialect::publisher {
public:
  explicit switchboard_publisher(std::size_t number) : nickname_("publisher-" + std::to_string(number)) {}

  // With credit for CaughtUp only: a publisher does not read its own messages.
  std::size_t prepare(std::string& out, const std::vector<std::string>& rooms) override {
    for (const auto& each : rooms) join(out, take_number(), each, nickname_, 1);
    return rooms.size();
  }

  void publish(std::string& out, const std::string& room, std::string_view text) override {
    request_.set_room(room);
    request_.set_text(text.data(), text.size());
    request_.SerializeToString(&bytes_);
    wire::append_open(out, take_number(), "switchboard.chat.v1.Chat/Publish", bytes_, true, 0, 0);
  }

private:
  std::uint64_t take_number() noexcept {
    const auto number = next_call_;
    next_call_ += 2;
    return number;
  }

  const std::string nickname_;
  std::uint64_t next_call_ = 1;
  chat::v1::PublishRequest request_;
  std::string bytes_;
};

class switchboard_chat final : public fanout_dialect {
public:
  std::unique_ptr<reader> make_reader() const override { return std::make_unique<switchboard_reader>(); }
  std::unique_ptr<publisher> make_publisher(std::size_t number) const override {
    return std::make_unique<switchboard_publisher>(number);
  }
  // As observers, whose joining is not announced: otherwise it would be a fan-out of its own.
  void subscribe(std::string& out, const std::string& room) const override { join(out, 1, room, "", all_credit); }
};

}  // namespace

std::unique_ptr<fanout_dialect> switchboard_dialect() {
  return std::make_unique<switchboard_chat>();
}

}  // namespace switchboard::bench
