// redis-server's channels: SUBSCRIBE and PUBLISH, without persistence. It keeps no history, numbers nothing, and would by default
// drop members that lag.

#include "contender.hpp"
#include "installed.hpp"

#include <charconv>
#include <stdexcept>
#include <string>
#include <string_view>

namespace switchboard::bench {
namespace {

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error(what);
}

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
    if (head[0] == ':') {
      into.acknowledged();
      return at.position;
    }
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

void append_bulk(std::string& out, std::string_view content) {
  out += '$';
  out += std::to_string(content.size());
  out += "\r\n";
  out += content;
  out += "\r\n";
}

class redis_publisher final : public fanout_dialect::publisher {
public:
  std::size_t prepare(std::string&, const std::vector<std::string>&) override { return 0; }

  void publish(std::string& out, const std::string& room, std::string_view text) override {
    out += "*3\r\n$7\r\nPUBLISH\r\n";
    append_bulk(out, room);
    append_bulk(out, text);
  }
};

class redis_dialect final : public fanout_dialect {
public:
  std::unique_ptr<reader> make_reader() const override { return std::make_unique<redis_reader>(); }
  std::unique_ptr<publisher> make_publisher(std::size_t) const override { return std::make_unique<redis_publisher>(); }
  void subscribe(std::string& out, const std::string& room) const override {
    out += "*2\r\n$9\r\nSUBSCRIBE\r\n";
    append_bulk(out, room);
  }
};

side start(const std::string& program, const fanout_workload& workload) {
  const auto at = free_endpoint();
  auto server = server_process::start(
      {program, "--bind", at.host(), "--port", std::to_string(at.port()), "--save", "", "--appendonly", "no",
       "--io-threads", "1", "--logfile", "/dev/null", "--client-output-buffer-limit", "pubsub 0 0 0"},
      at);
  auto load = std::make_unique<fanout_load>(server.address(), std::make_unique<redis_dialect>(), workload);
  return {"redis-server", std::move(server), std::move(load)};
}

}  // namespace

contender<fanout_workload> redis_channels() {
  const auto program = found_in_path("redis-server");
  return {"redis-server", !program.empty(), "redis-server",
          [program](const fanout_workload& workload, std::size_t) { return start(program, workload); }};
}

}  // namespace switchboard::bench
