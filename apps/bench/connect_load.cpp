#include "connect_load.hpp"

#include "client_connection.hpp"
#include "frame_echo.hpp"

#include <stdexcept>
#include <vector>

#include <sys/epoll.h>
#include <unistd.h>

#include <switchboard/echo/v1/echo.pb.h>

namespace switchboard::bench {
namespace {

using std::chrono::steady_clock;

constexpr int events_per_wait = 128;
constexpr std::chrono::seconds answer_timeout{10};

struct visitor {
  client_connection socket;
  wire::frame_decoder decoder;
  steady_clock::time_point came_at;
};

}  // namespace

class connect_load::loop {
public:
  loop(net::endpoint server, std::size_t connections)
      : server_(std::move(server)), epoll_(::epoll_create1(EPOLL_CLOEXEC)), visitors_(connections), chunk_(4096) {
    echo::v1::SayRequest request;
    request.set_payload("hello");
    wire::append_open(call_, 1, frame_echo::method, request.SerializeAsString(), true, 0, 0);
  }
  ~loop() {
    visitors_.clear();
    ::close(epoll_);
  }

  load_slice run(std::chrono::nanoseconds duration) {
    load_slice slice;
    const auto started = steady_clock::now();
    const auto until = started + duration;
    for (auto& each : visitors_) come(each);
    for (auto here = visitors_.size(); here != 0;) {
      epoll_event events[events_per_wait];
      const int count = ::epoll_wait(epoll_, events, events_per_wait,
                                     static_cast<int>(std::chrono::milliseconds(answer_timeout).count()));
      if (count == 0) throw std::runtime_error("no answer for 10 s");
      for (int each = 0; each < count; ++each) {
        auto& ready = *static_cast<visitor*>(events[each].data.ptr);
        if (!is_answered(ready)) continue;
        const auto now = steady_clock::now();
        ++slice.results;
        slice.latency.add(now - ready.came_at);
        slice.duration = now - started;
        ready = visitor();
        if (now < until)
          come(ready);
        else
          --here;
      }
    }
    return slice;
  }

private:
  void come(visitor& who) {
    who.came_at = steady_clock::now();
    who.socket.open(server_, epoll_, &who);
    // Or some ten thousand of them would wait out TIME_WAIT and there would be no port for the next.
    who.socket.reset_when_closed();
    who.socket.output().append(call_);
    who.socket.flush();
  }

  bool is_answered(visitor& who) {
    const auto chunk = who.socket.read(chunk_);
    if (chunk.empty()) return false;
    who.decoder.feed(chunk);
    wire::frame_view answer;
    switch (who.decoder.next(answer)) {
      case wire::frame_decoder::outcome::need_more:
        return false;
      case wire::frame_decoder::outcome::frame:
        if (answer.call == 1 && answer.has_message && answer.end) return true;
        [[fallthrough]];
      case wire::frame_decoder::outcome::failed:
        throw std::runtime_error("the server sent what is no answer");
    }
    return false;
  }

  const net::endpoint server_;
  const int epoll_;
  std::string call_;
  std::vector<visitor> visitors_;
  std::vector<std::byte> chunk_;
};

connect_load::connect_load(const net::endpoint& server, std::size_t connections)
    : loop_(std::make_unique<loop>(server, connections)) {}

connect_load::~connect_load() = default;

load_slice connect_load::run(std::chrono::nanoseconds duration) {
  return loop_->run(duration);
}

}  // namespace switchboard::bench
