// mosquitto's topics (MQTT 3.1.1): published with QoS 1, so that each is acknowledged, delivered with QoS 0. It keeps nothing.

#include "installed_fanout.hpp"
#include "measure/scratch_directory.hpp"

#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <stdexcept>

namespace switchboard::bench {
namespace {

// MQTT 3.1.1, 2.2.1: the first byte of a packet, its type and flags.
constexpr char connect_packet = 0x10;
constexpr char publish_qos_1 = 0x32;
constexpr char subscribe_packet = static_cast<char>(0x82);
enum : unsigned char { connack = 0x20, publish_qos_0 = 0x30, puback = 0x40, suback = 0x90 };

void append_number(std::string& out, std::size_t value) {
  out += static_cast<char>(value >> 8);
  out += static_cast<char>(value);
}

void append_text(std::string& out, std::string_view text) {
  append_number(out, text.size());
  out += text;
}

/// 2.2.3: what remains of a packet, its length first, seven bits a byte.
void append_packet(std::string& out, char head, std::string_view rest) {
  out += head;
  auto left = rest.size();
  for (; left >= 0x80; left >>= 7) out += static_cast<char>(left | 0x80);
  out += static_cast<char>(left);
  out += rest;
}

class mqtt_reader final : public message_reader {
  std::size_t take(std::string_view text, arrivals& into) override {
    std::size_t length = 0, at = 1;
    for (unsigned shift = 0;; shift += 7) {
      if (at >= text.size()) return 0;
      const auto byte = static_cast<unsigned char>(text[at++]);
      length |= static_cast<std::size_t>(byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    if (text.size() < at + length) return 0;
    const auto rest = text.substr(at, length);
    switch (static_cast<unsigned char>(text[0])) {
      case connack:
        if (length < 2 || rest[1] != 0) throw std::runtime_error("mosquitto refuses a connection");
        break;
      case suback:
        into.ready();
        break;
      case puback:
        into.acknowledged();
        break;
      case publish_qos_0: {
        if (length < 2) throw std::runtime_error("mosquitto sends a message without a topic");
        const auto topic =
            static_cast<std::size_t>(static_cast<unsigned char>(rest[0])) << 8 | static_cast<unsigned char>(rest[1]);
        into.delivered(rest.substr(2 + topic));
        break;
      }
      default:
        throw std::runtime_error("mosquitto says what was not asked for");
    }
    return at + length;
  }
};

void connect(std::string& out) {
  std::string rest;
  append_text(rest, "MQTT");
  // Level 4, a clean session, no keep-alive, and no name: the server gives one.
  rest += "\x04\x02";
  append_number(rest, 0);
  append_text(rest, "");
  append_packet(out, connect_packet, rest);
}

void subscribe_to(std::string& out, std::string_view topic) {
  std::string rest;
  append_number(rest, 1);
  append_text(rest, topic);
  rest += '\0';
  append_packet(out, subscribe_packet, rest);
}

class mqtt_publisher final : public fanout_dialect::publisher {
public:
  explicit mqtt_publisher(std::size_t number) : number_(number) {}

private:
  /// Subscribes to a topic of its own, whose answer says that it is connected.
  std::size_t prepare(std::string& out, const std::vector<std::string>&) override {
    connect(out);
    subscribe_to(out, "publisher/" + std::to_string(number_));
    return 1;
  }
  void publish(std::string& out, const std::string& room, std::string_view text) override {
    rest_.clear();
    append_text(rest_, room);
    // 2.3.1: not 0.
    packet_ = packet_ == 0xffff ? 1 : packet_ + 1;
    append_number(rest_, packet_);
    rest_ += text;
    append_packet(out, publish_qos_1, rest_);
  }

  const std::size_t number_;
  std::size_t packet_ = 0;
  std::string rest_;
};

class mqtt_dialect final : public fanout_dialect {
  std::unique_ptr<reader> make_reader() const override { return std::make_unique<mqtt_reader>(); }
  std::unique_ptr<publisher> make_publisher(std::size_t number) const override {
    return std::make_unique<mqtt_publisher>(number);
  }
  void subscribe(std::string& out, const std::string& room) const override {
    connect(out);
    subscribe_to(out, room);
  }
};

/// Its configuration is a file, which it reads when it starts. By default it would send small packets late (Nagle), hold back
/// what is published with QoS 1 and drop what a slow member does not take.
std::string configuration(const net::endpoint& at) {
  return "listener " + std::to_string(at.port()) + " " + at.host() +
         "\nallow_anonymous true\npersistence false\nlog_type none\nset_tcp_nodelay true\nmax_inflight_messages 0\n"
         "max_queued_messages 0\n";
}

}  // namespace

contender<fanout_workload> mosquitto_topics() {
  const auto directory = std::make_shared<std::optional<scratch_directory>>();
  const auto options = [directory](const net::endpoint& at) -> std::vector<std::string> {
    directory->emplace(std::filesystem::temp_directory_path());
    const auto file = (*directory)->file("mosquitto.conf");
    std::ofstream(file) << configuration(at);
    return {"-c", file};
  };
  return installed_fanout("mosquitto", options, [] { return std::make_unique<mqtt_dialect>(); });
}

}  // namespace switchboard::bench
