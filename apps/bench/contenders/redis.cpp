// redis-server's channels: SUBSCRIBE and PUBLISH (RESP 2), without persistence. It keeps no history, numbers nothing, and would
// by default drop members that lag.

#include "installed_fanout.hpp"

#include <charconv>
#include <stdexcept>

namespace switchboard::bench {
namespace {

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error(what);
}

/// Replies as far as SUBSCRIBE and PUBLISH cause them: `:N`, `-ERROR`, and arrays of three.
class redis_reader final : public message_reader {
  std::size_t take(std::string_view text, arrivals& into) override {
    text_cursor at{text};
    const auto head = at.line();
    if (head.empty()) return 0;
    if (head[0] == '-') fail("the server refuses: " + std::string(head));
    if (head[0] == ':') {
      into.acknowledged();
      return at.position;
    }
    if (head != "*3") fail("an unexpected reply: " + std::string(head));
    std::string_view kind, channel, content;
    if (!bulk(at, kind) || !bulk(at, channel)) return 0;
    if (kind == "subscribe") {
      if (at.line().empty()) return 0;
      into.ready();
      return at.position;
    }
    if (!bulk(at, content)) return 0;
    into.delivered(content);
    return at.position;
  }

  static bool bulk(text_cursor& at, std::string_view& content) {
    const auto head = at.line();
    if (head.empty()) return false;
    std::size_t size = 0;
    std::from_chars(head.data() + 1, head.data() + head.size(), size);
    return at.bytes(size, content);
  }
};

void append_bulk(std::string& out, std::string_view content) {
  out += '$';
  out += std::to_string(content.size());
  out += "\r\n";
  out += content;
  out += "\r\n";
}

class redis_publisher final : public fanout_dialect::publisher {
  std::size_t prepare(std::string&, const std::vector<std::string>&) override { return 0; }

  void publish(std::string& out, const std::string& room, std::string_view text) override {
    out += "*3\r\n$7\r\nPUBLISH\r\n";
    append_bulk(out, room);
    append_bulk(out, text);
  }
};

class redis_dialect final : public fanout_dialect {
  std::unique_ptr<reader> make_reader() const override { return std::make_unique<redis_reader>(); }
  std::unique_ptr<publisher> make_publisher(std::size_t) const override { return std::make_unique<redis_publisher>(); }
  void subscribe(std::string& out, const std::string& room) const override {
    out += "*2\r\n$9\r\nSUBSCRIBE\r\n";
    append_bulk(out, room);
  }
};

std::vector<std::string> options(const net::endpoint& at) {
  return {"--bind",
          at.host(),
          "--port",
          std::to_string(at.port()),
          "--save",
          "",
          "--appendonly",
          "no",
          "--io-threads",
          "1",
          "--logfile",
          "/dev/null",
          "--client-output-buffer-limit",
          "pubsub 0 0 0"};
}

}  // namespace

contender<fanout_workload> redis_channels() {
  return installed_fanout("redis-server", options, [] { return std::make_unique<redis_dialect>(); });
}

}  // namespace switchboard::bench
