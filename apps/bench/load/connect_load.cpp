#include "connect_load.hpp"

#include "client_connection.hpp"
#include "contenders/frame_echo.hpp"

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <switchboard/echo/v1/echo.pb.h>

namespace switchboard::bench {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds answer_timeout{10};

struct visitor {
  client_connection socket;
  wire::frame_decoder decoder;
  steady_clock::time_point came_at;
};

}  // namespace

class connect_load::loop {
public:
  loop(net::endpoint server, const connect_workload& workload)
      : server_(std::move(server)), visitors_(workload.connections), chunk_(4096) {
    echo::v1::SayRequest request;
    request.set_payload("hello");
    message_ = request.SerializeAsString();
    wire::append_open(call_, 1, frame_echo::method, message_, true, 0, 0);
  }

  load_slice run(std::chrono::nanoseconds duration) {
    load_slice slice;
    const auto started = steady_clock::now();
    const auto until = started + duration;
    for (auto& each : visitors_) come(each);
    for (auto here = visitors_.size(); here != 0;) {
      const auto events = ready_.wait(answer_timeout);
      if (events.empty())
        throw std::runtime_error(std::to_string(here) + " connections were not answered within " +
                                 std::to_string(answer_timeout.count()) + " s");
      for (const auto& event : events) {
        auto& ready = *static_cast<visitor*>(event.data.ptr);
        const auto right = answer_of(ready);
        if (!right) continue;
        const auto now = steady_clock::now();
        ++(*right ? slice.results : slice.wrong.corrupted);
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
    who.socket.open(server_, ready_, &who);
    // Or some ten thousand of them would wait out TIME_WAIT and there would be no port for the next.
    who.socket.reset_when_closed();
    who.socket.output().append(call_);
    who.socket.flush();
  }

  /// Whether the answer is right; nothing while it has not come.
  std::optional<bool> answer_of(visitor& who) {
    const auto chunk = who.socket.read(chunk_);
    if (chunk.empty()) return std::nullopt;
    who.decoder.feed(chunk);
    wire::frame_view answer;
    switch (who.decoder.next(answer)) {
      case wire::frame_decoder::outcome::need_more:
        return std::nullopt;
      case wire::frame_decoder::outcome::failed:
        throw std::runtime_error("the server sent what is no frame");
      case wire::frame_decoder::outcome::frame:
        // SayReply has the fields of SayRequest.
        return answer.call == 1 && answer.message == message_ && answer.end && !answer.has_status;
    }
    return std::nullopt;
  }

  const net::endpoint server_;
  epoll_set ready_;
  std::string message_;
  std::string call_;
  std::vector<visitor> visitors_;
  std::vector<std::byte> chunk_;
};

connect_load::connect_load(const net::endpoint& server, const connect_workload& workload)
    : loop_(std::make_unique<loop>(server, workload)) {}

connect_load::~connect_load() = default;

load_slice connect_load::run(std::chrono::nanoseconds duration) {
  return loop_->run(duration);
}

}  // namespace switchboard::bench
