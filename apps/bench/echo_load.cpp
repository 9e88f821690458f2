#include "echo_load.hpp"

#include "client_connection.hpp"
#include "frame_echo.hpp"

#include <bit>
#include <cstring>
#include <stdexcept>
#include <string_view>
#include <vector>

#include <sys/epoll.h>
#include <unistd.h>

#include <switchboard/echo/v1/echo.pb.h>

namespace switchboard::bench {
namespace {

using std::chrono::steady_clock;

constexpr std::size_t chunk_bytes = 64 * 1024;
constexpr int events_per_wait = 128;

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error(what);
}

std::string serialized_request(std::size_t payload) {
  std::string content(payload, '\0');
  for (std::size_t each = 0; each < payload; ++each) content[each] = static_cast<char>(each * 131 + 7);
  echo::v1::SayRequest request;
  request.set_payload(std::move(content));
  return request.SerializeAsString();
}

/// An opening frame's bytes but for its call's number, which alone differs from call to call.
class request_template {
public:
  explicit request_template(std::string_view request) {
    std::string whole;
    wire::append_open(whole, 1, frame_echo::method, request, true, 0, 0);
    // Its size as a varint, then the call's tag and the one byte of its number; what follows is always the same.
    std::size_t head = 1;
    while (static_cast<unsigned char>(whole[head - 1]) >= 0x80) ++head;
    rest_ = whole.substr(head + 2);
  }

  void append(std::string& out, std::uint64_t call) const {
    char head[24];
    char number[10];
    const auto digits = put_varint(number, call);
    auto size = put_varint(head, 1 + digits + rest_.size());
    head[size++] = 1 << 3;
    std::memcpy(head + size, number, digits);
    out.append(head, size + digits);
    out.append(rest_);
  }

private:
  static std::size_t put_varint(char* to, std::uint64_t value) noexcept {
    std::size_t size = 0;
    for (; value >= 0x80; value >>= 7) to[size++] = static_cast<char>(value | 0x80);
    to[size++] = static_cast<char>(value);
    return size;
  }

  std::string rest_;
};

struct call_in_flight {
  std::uint64_t call = 0;  ///< 0: free
  steady_clock::time_point sent_at;
};

}  // namespace

struct echo_load::connection {
  client_connection socket;
  wire::frame_decoder decoder;
  std::uint64_t next_call = 1;
  std::size_t in_flight = 0;
  // By call number: answers may overtake one another, at most by this window.
  std::vector<call_in_flight> calls;

  call_in_flight& place_of(std::uint64_t call) noexcept { return calls[(call >> 1) & (calls.size() - 1)]; }
};

class echo_load::loop {
public:
  loop(const net::endpoint& server, const echo_workload& workload)
      : workload_(workload),
        request_(serialized_request(workload.payload)),
        template_(request_),
        epoll_(::epoll_create1(EPOLL_CLOEXEC)),
        chunk_(chunk_bytes),
        connections_(workload.connections) {
    for (auto& each : connections_) {
      each.socket.open(server, epoll_, &each);
      each.calls.resize(std::bit_ceil(4 * workload_.outstanding));
    }
  }
  ~loop() {
    connections_.clear();
    ::close(epoll_);
  }

  load_slice run(std::chrono::nanoseconds duration) {
    load_slice slice;
    const auto started = steady_clock::now();
    sending_until_ = started + duration;
    now_ = started;
    for (std::size_t each = 0; each < connections_.size(); each += workload_.busy_every) begin(connections_[each]);
    while (in_flight_ != 0) turn(slice);
    slice.duration = now_ - started;
    return slice;
  }

  void run_all_once() {
    load_slice slice;
    sending_until_ = now_ = steady_clock::now();
    for (auto& each : connections_) begin(each);
    while (in_flight_ != 0) turn(slice);
  }

private:
  void begin(connection& with) {
    top_up(with);
    with.socket.flush();
  }

  void turn(load_slice& slice) {
    epoll_event events[events_per_wait];
    const int count = ::epoll_wait(epoll_, events, events_per_wait,
                                   static_cast<int>(std::chrono::milliseconds(answer_timeout).count()));
    if (count == 0) fail("no answer for " + std::to_string(answer_timeout.count()) + " s");
    for (int each = 0; each < count; ++each) {
      auto& ready = *static_cast<connection*>(events[each].data.ptr);
      if (events[each].events & ~EPOLLOUT) read(ready, slice);
      if (now_ < sending_until_) top_up(ready);
      ready.socket.flush();
    }
  }

  void read(connection& from, load_slice& slice) {
    const auto chunk = from.socket.read(chunk_);
    if (chunk.empty()) return;
    now_ = steady_clock::now();
    from.decoder.feed(chunk);
    wire::frame_view frame;
    for (;;) {
      const auto outcome = from.decoder.next(frame);
      if (outcome == wire::frame_decoder::outcome::need_more) return;
      if (outcome == wire::frame_decoder::outcome::failed) fail("the server sent what is no frame");
      take(from, frame, slice);
    }
  }

  void take(connection& from, const wire::frame_view& answer, load_slice& slice) {
    auto& place = from.place_of(answer.call);
    // An answer to nothing that was asked leaves nothing to wait for, so the run may end with errors but does not hang.
    if (answer.call == 0 || place.call != answer.call) {
      ++slice.errors;
      if (answer.call == 0) fail("the server ended a connection with a status");
      return;
    }
    // SayReply has the fields of SayRequest.
    if (answer.has_status || !answer.has_message || !answer.end || answer.message != request_)
      ++slice.errors;
    else
      ++slice.results;
    slice.latency.add(now_ - place.sent_at);
    place.call = 0;
    --from.in_flight;
    --in_flight_;
  }

  void top_up(connection& of) {
    while (of.in_flight < workload_.outstanding) {
      auto& place = of.place_of(of.next_call);
      if (place.call != 0) return;
      place = {of.next_call, now_};
      template_.append(of.socket.output(), of.next_call);
      of.next_call += 2;
      ++of.in_flight;
      ++in_flight_;
    }
  }

  const echo_workload workload_;
  const std::string request_;
  const request_template template_;
  const int epoll_;
  std::vector<std::byte> chunk_;
  std::vector<connection> connections_;
  std::size_t in_flight_ = 0;
  // Read once a chunk: the answers in it came together, and the requests that follow leave together.
  steady_clock::time_point now_;
  steady_clock::time_point sending_until_;
};

echo_load::echo_load(const net::endpoint& server, const echo_workload& workload)
    : loop_(std::make_unique<loop>(server, workload)) {}

echo_load::~echo_load() = default;

load_slice echo_load::run(std::chrono::nanoseconds duration) {
  return loop_->run(duration);
}

void echo_load::run_all_once() {
  loop_->run_all_once();
}

}  // namespace switchboard::bench
