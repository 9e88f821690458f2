#include "fanout_load.hpp"

#include <charconv>
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
      // A unary answer, to a publish, has an end; what is counted is where it arrives.
      if (frame.end) continue;
      if (!event_.ParseFromArray(frame.message.data(), static_cast<int>(frame.message.size()))) fail("no RoomEvent");
      if (event_.has_caught_up()) into.ready();
      if (event_.has_message()) into.delivered(event_.message().text());
    }
  }

private:
  wire::frame_decoder decoder_;
  chat::v1::RoomEvent event_;  // kept, so that its strings are
};

class switchboard_chat final : public fanout_dialect {
public:
  std::unique_ptr<reader> make_reader() const override { return std::make_unique<switchboard_reader>(); }

  // As observers, whose joining is not announced: otherwise it would be a fan-out of its own.
  void subscribe(std::string& out, const std::string& room) const override { join(out, 1, room, "", all_credit); }

  // With credit for CaughtUp only: the publisher does not read its own messages.
  std::size_t prepare_publisher(std::string& out, const std::vector<std::string>& rooms) override {
    for (const auto& each : rooms) join(out, take_number(), each, "publisher", 1);
    return rooms.size();
  }

  void publish(std::string& out, const std::string& room, std::string_view text) override {
    request_.set_room(room);
    request_.set_text(text.data(), text.size());
    request_.SerializeToString(&bytes_);
    wire::append_open(out, take_number(), "switchboard.chat.v1.Chat/Publish", bytes_, true, 0, 0);
  }

private:
  static void join(std::string& out, std::uint64_t call, const std::string& room, const char* nickname,
                   std::uint32_t credit) {
    chat::v1::JoinRequest request;
    request.set_room(room);
    request.set_nickname(nickname);
    wire::append_open(out, call, "switchboard.chat.v1.Chat/Join", request.SerializeAsString(), true, credit, 0);
  }

  std::uint64_t take_number() noexcept {
    const auto number = next_call_;
    next_call_ += 2;
    return number;
  }

  std::uint64_t next_call_ = 1;  // of the publisher
  chat::v1::PublishRequest request_;
  std::string bytes_;
};

/// Redis's replies (RESP 2), as far as SUBSCRIBE and PUBLISH cause them: `:N`, `-ERROR`, and arrays of three.
class redis_reader final : public fanout_dialect::reader {
public:
  void feed(std::span<const std::byte> chunk, arrivals& into) override {
    const std::string_view arrived(reinterpret_cast<const char*>(chunk.data()), chunk.size());
    // Mostly nothing is left over, and then nothing is copied.
    if (partial_.empty()) {
      partial_ = arrived.substr(take(arrived, into));
    } else {
      partial_ += arrived;
      partial_.erase(0, take(partial_, into));
    }
  }

private:
  /// How many bytes of `text` were whole replies.
  static std::size_t take(std::string_view text, arrivals& into) {
    std::size_t taken = 0;
    while (const auto size = take_one(text.substr(taken), into)) taken += size;
    return taken;
  }

  static std::size_t take_one(std::string_view text, arrivals& into) {
    cursor at{text};
    const auto head = at.line();
    if (head.empty()) return 0;
    if (head[0] == '-') fail("the server refuses: " + std::string(head));
    if (head[0] == ':') return at.position;
    if (head != "*3") fail("an unexpected reply: " + std::string(head));
    std::string_view kind, channel, text_of_message;
    if (!at.bulk(kind) || !at.bulk(channel)) return 0;
    if (kind == "subscribe") {
      if (at.line().empty()) return 0;
      into.ready();
      return at.position;
    }
    if (!at.bulk(text_of_message)) return 0;
    into.delivered(text_of_message);
    return at.position;
  }

  struct cursor {
    std::string_view text;
    std::size_t position = 0;

    /// Up to CRLF; empty while that has not come.
    std::string_view line() {
      const auto end = text.find("\r\n", position);
      if (end == std::string_view::npos) return {};
      const auto found = text.substr(position, end - position);
      position = end + 2;
      return found;
    }
    bool bulk(std::string_view& content) {
      const auto head = line();
      if (head.empty()) return false;
      std::size_t size = 0;
      std::from_chars(head.data() + 1, head.data() + head.size(), size);
      if (text.size() < position + size + 2) return false;
      content = text.substr(position, size);
      position += size + 2;
      return true;
    }
  };

  std::string partial_;
};

class redis final : public fanout_dialect {
public:
  std::unique_ptr<reader> make_reader() const override { return std::make_unique<redis_reader>(); }

  void subscribe(std::string& out, const std::string& room) const override {
    out += "*2\r\n$9\r\nSUBSCRIBE\r\n";
    append_bulk(out, room);
  }

  std::size_t prepare_publisher(std::string&, const std::vector<std::string>&) override { return 0; }

  void publish(std::string& out, const std::string& room, std::string_view text) override {
    out += "*3\r\n$7\r\nPUBLISH\r\n";
    append_bulk(out, room);
    append_bulk(out, text);
  }

private:
  static void append_bulk(std::string& out, std::string_view content) {
    out += '$';
    out += std::to_string(content.size());
    out += "\r\n";
    out += content;
    out += "\r\n";
  }
};

}  // namespace

std::unique_ptr<fanout_dialect> switchboard_dialect() {
  return std::make_unique<switchboard_chat>();
}

std::unique_ptr<fanout_dialect> redis_dialect() {
  return std::make_unique<redis>();
}

}  // namespace switchboard::bench
