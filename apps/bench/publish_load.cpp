#include "publish_load.hpp"

#include "client_connection.hpp"

#include <stdexcept>
#include <vector>

#include <sys/epoll.h>
#include <unistd.h>

#include <switchboard/chat/v1/chat.pb.h>
#include <switchboard/wire/frame_decoder.hpp>
#include <switchboard/wire/frame_encoder.hpp>

namespace switchboard::bench {
namespace {

using std::chrono::steady_clock;

constexpr int events_per_wait = 128;
constexpr std::chrono::seconds answer_timeout{30};
constexpr std::string_view room = "bench";

struct publisher {
  client_connection socket;
  wire::frame_decoder decoder;
  std::uint64_t last_call = 1;
  steady_clock::time_point asked_at;
};

}  // namespace

class publish_load::loop {
public:
  loop(const net::endpoint& server, std::size_t publishers, std::size_t text_bytes)
      : epoll_(::epoll_create1(EPOLL_CLOEXEC)), publishers_(publishers), chunk_(64 * 1024) {
    chat::v1::PublishRequest publish;
    publish.set_room(std::string(room));
    publish.set_text(std::string(text_bytes, 'x'));
    request_ = publish.SerializeAsString();
    for (std::size_t each = 0; each < publishers; ++each) {
      auto& who = publishers_[each];
      who.socket.open(server, epoll_, &who);
      chat::v1::JoinRequest join;
      join.set_room(std::string(room));
      join.set_nickname("publisher-" + std::to_string(each));
      // Without credit nothing of the room comes.
      wire::append_open(who.socket.output(), 1, "switchboard.chat.v1.Chat/Join", join.SerializeAsString(), true, 0, 0);
    }
  }
  ~loop() {
    publishers_.clear();
    ::close(epoll_);
  }

  load_slice run(std::chrono::nanoseconds duration) {
    load_slice slice;
    const auto started = steady_clock::now();
    const auto until = started + duration;
    for (auto& each : publishers_) publish(each);
    for (auto under_way = publishers_.size(); under_way != 0;) {
      epoll_event events[events_per_wait];
      const int count = ::epoll_wait(epoll_, events, events_per_wait,
                                     static_cast<int>(std::chrono::milliseconds(answer_timeout).count()));
      if (count == 0) throw std::runtime_error("a publish is not answered");
      for (int each = 0; each < count; ++each) {
        auto& ready = *static_cast<publisher*>(events[each].data.ptr);
        const auto answered = take_answers(ready);
        ready.socket.flush();
        if (answered == 0) continue;
        const auto now = steady_clock::now();
        slice.latency.add(now - ready.asked_at);
        slice.duration = now - started;
        ++slice.results;
        if (now < until)
          publish(ready);
        else
          --under_way;
      }
    }
    return slice;
  }

private:
  void publish(publisher& who) {
    who.asked_at = steady_clock::now();
    who.last_call += 2;
    wire::append_open(who.socket.output(), who.last_call, "switchboard.chat.v1.Chat/Publish", request_, true, 0, 0);
    who.socket.flush();
  }

  /// How many publishes were acknowledged.
  int take_answers(publisher& who) {
    int answered = 0;
    const auto chunk = who.socket.read(chunk_);
    if (chunk.empty()) return answered;
    who.decoder.feed(chunk);
    wire::frame_view frame;
    for (;;) {
      const auto outcome = who.decoder.next(frame);
      if (outcome == wire::frame_decoder::outcome::need_more) return answered;
      if (outcome == wire::frame_decoder::outcome::failed || frame.has_status)
        throw std::runtime_error("a publish was refused");
      if (frame.call == who.last_call && frame.has_message) ++answered;
    }
  }

  const int epoll_;
  std::string request_;
  std::vector<publisher> publishers_;
  std::vector<std::byte> chunk_;
};

publish_load::publish_load(const net::endpoint& server, std::size_t publishers, std::size_t text_bytes)
    : loop_(std::make_unique<loop>(server, publishers, text_bytes)) {}

publish_load::~publish_load() = default;

load_slice publish_load::run(std::chrono::nanoseconds duration) {
  return loop_->run(duration);
}

}  // namespace switchboard::bench
