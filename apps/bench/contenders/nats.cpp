// nats-server's subjects: SUB and PUB (NATS client protocol), each publish acknowledged by +OK, which `verbose` asks for.
// Without JetStream it keeps nothing, and drops a member that lags by 64 MB.

#include "installed_fanout.hpp"

#include <charconv>
#include <stdexcept>

namespace switchboard::bench {
namespace {

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error(what);
}

class nats_reader final : public message_reader {
  std::size_t take(std::string_view text, arrivals& into) override {
    text_cursor at{text};
    const auto head = at.line();
    if (head.empty()) return 0;
    if (head.starts_with("MSG ")) {
      // MSG SUBJECT SUBSCRIPTION BYTES
      std::size_t size = 0;
      std::from_chars(head.data() + head.rfind(' ') + 1, head.data() + head.size(), size);
      std::string_view content;
      if (!at.bytes(size, content)) return 0;
      into.delivered(content);
    } else if (head == "PONG") {
      is_ready_ = true;
      into.ready();
    } else if (head == "+OK") {
      if (is_ready_) into.acknowledged();
    } else if (head == "PING") {
      into.answer("PONG\r\n");
    } else if (!head.starts_with("INFO ")) {
      fail("an unexpected message: " + std::string(head));
    }
    return at.position;
  }

  bool is_ready_ = false;  // all that was acknowledged before is what made it ready
};

/// PING is answered once what came before it is done.
constexpr auto connect_verbose = "CONNECT {\"verbose\":true,\"lang\":\"C++\",\"version\":\"1\"}\r\n";
constexpr auto ping = "PING\r\n";

class nats_publisher final : public fanout_dialect::publisher {
  std::size_t prepare(std::string& out, const std::vector<std::string>&) override {
    out += connect_verbose;
    out += ping;
    return 1;
  }
  void publish(std::string& out, const std::string& room, std::string_view text) override {
    out += "PUB ";
    out += room;
    out += ' ';
    out += std::to_string(text.size());
    out += "\r\n";
    out += text;
    out += "\r\n";
  }
};

class nats_dialect final : public fanout_dialect {
  std::unique_ptr<reader> make_reader() const override { return std::make_unique<nats_reader>(); }
  std::unique_ptr<publisher> make_publisher(std::size_t) const override { return std::make_unique<nats_publisher>(); }
  void subscribe(std::string& out, const std::string& room) const override {
    out += connect_verbose;
    out += "SUB " + room + " 1\r\n";
    out += ping;
  }
};

std::vector<std::string> options(const net::endpoint& at) {
  return {"--addr", at.host(), "--port", std::to_string(at.port()), "--log", "/dev/null"};
}

}  // namespace

contender<fanout_workload> nats_subjects() {
  return installed_fanout("nats-server", options, [] { return std::make_unique<nats_dialect>(); });
}

}  // namespace switchboard::bench
