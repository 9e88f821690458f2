#include "echo_load.hpp"

#include "contenders/frame_echo.hpp"
#include "measure/pace.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <switchboard/echo/v1/echo.pb.h>

namespace switchboard::bench {
namespace {

using std::chrono::steady_clock;

constexpr std::size_t chunk_bytes = 64 * 1024;
/// For which nothing more may come once all calls are answered.
constexpr std::chrono::milliseconds quiet_time{50};

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error(what);
}

/// A call's message, and the frame that opens the call with it: the same bytes for every call but for its number, which is
/// in the frame and, where there is room, in the payload.
class request_template {
public:
  explicit request_template(std::size_t payload) {
    std::string content(payload, '\0');
    for (std::size_t each = 0; each < payload; ++each) content[each] = static_cast<char>(each * 131 + 7);
    echo::v1::SayRequest request;
    request.set_payload(content);
    message_ = request.SerializeAsString();
    is_numbered_ = payload >= sizeof(std::uint64_t);

    std::string whole;
    wire::append_open(whole, 1, frame_echo::method, message_, true, 0, 0);
    // Its size as a varint, then the call's tag and the one byte of its number; what follows is the same for each call.
    std::size_t head = 1;
    while (static_cast<unsigned char>(whole[head - 1]) >= 0x80) ++head;
    rest_ = whole.substr(head + 2);
    number_in_message_ = message_.size() - payload;
    number_in_rest_ = rest_.find(message_) + number_in_message_;
  }

  void append(std::string& out, std::uint64_t call) {
    char head[24];
    char number[10];
    const auto digits = put_varint(number, call);
    auto size = put_varint(head, 1 + digits + rest_.size());
    head[size++] = 1 << 3;
    std::memcpy(head + size, number, digits);
    if (is_numbered_) std::memcpy(rest_.data() + number_in_rest_, &call, sizeof call);
    out.append(head, size + digits);
    out.append(rest_);
  }

  /// Whether `message` is that of this call. SayReply has the fields of SayRequest.
  bool is_of(std::uint64_t call, std::string_view message) {
    if (is_numbered_) std::memcpy(message_.data() + number_in_message_, &call, sizeof call);
    return message == message_;
  }

private:
  static std::size_t put_varint(char* to, std::uint64_t value) noexcept {
    std::size_t size = 0;
    for (; value >= 0x80; value >>= 7) to[size++] = static_cast<char>(value | 0x80);
    to[size++] = static_cast<char>(value);
    return size;
  }

  std::string message_;
  std::string rest_;
  bool is_numbered_ = false;
  std::size_t number_in_message_ = 0;
  std::size_t number_in_rest_ = 0;
};

struct call_in_flight {
  std::uint64_t call = 0;          ///< 0: free
  steady_clock::time_point since;  ///< sent, or at a fixed rate due
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
  bool has_room(std::size_t outstanding) noexcept { return in_flight < outstanding && place_of(next_call).call == 0; }
};

class echo_load::loop {
public:
  loop(const net::endpoint& server, const echo_workload& workload)
      : workload_(workload), request_(workload.payload), chunk_(chunk_bytes), connections_(workload.connections) {
    for (std::size_t number = 0; number < connections_.size(); ++number) {
      auto& each = connections_[number];
      each.socket.open(server, ready_, &each, number / workload_.per_address);
      each.calls.resize(std::bit_ceil(4 * workload_.outstanding));
    }
  }

  load_slice run(std::chrono::nanoseconds duration) {
    load_slice slice;
    const auto started = now_ = steady_clock::now();
    sending_until_ = started + duration;
    if (workload_.rate) {
      pace_.emplace(*workload_.rate, started, sending_until_);
      next_busy_ = 0;
    } else {
      for (std::size_t each = 0; each < connections_.size(); each += workload_.busy_every) begin(connections_[each]);
    }
    is_held_ = false;
    while (in_flight_ != 0 || (pace_ && !pace_->is_over())) turn(slice);
    slice.duration = pace_ ? std::max<std::chrono::nanoseconds>(now_ - started, duration) : now_ - started;
    pace_.reset();
    return slice;
  }

  faults run_all_once() {
    load_slice slice;
    sending_until_ = now_ = steady_clock::now();
    for (auto& each : connections_) begin(each);
    while (in_flight_ != 0) turn(slice);
    return slice.wrong;
  }

  faults verify() {
    load_slice slice;
    const auto until = steady_clock::now() + answer_timeout;
    for (auto events = ready_.wait(quiet_time); !events.empty(); events = ready_.wait(quiet_time)) {
      handle(events, slice);
      if (now_ > until) fail("the server does not end to send answers to nothing that was asked");
    }
    return slice.wrong;
  }

private:
  void begin(connection& with) {
    top_up(with);
    with.socket.flush();
  }

  void turn(load_slice& slice) {
    if (pace_) send_due(slice);
    const auto events = ready_.wait(time_to_wait());
    handle(events, slice);
    const bool waited = events.empty() && !(pace_ && is_next_due_first());
    if (in_flight_ != 0 && (waited || now_ - answered_ > answer_timeout))
      fail(std::to_string(in_flight_) + " calls were not answered within " + std::to_string(answer_timeout.count()) +
           " s");
  }

  void handle(std::span<const epoll_event> events, load_slice& slice) {
    for (const auto& event : events) {
      auto& ready = *static_cast<connection*>(event.data.ptr);
      if (event.events & ~EPOLLOUT) read(ready, slice);
      if (!pace_ && now_ < sending_until_) top_up(ready);
      ready.socket.flush();
    }
  }

  // At a fixed rate.

  connection& next_busy() noexcept { return connections_[next_busy_]; }
  /// Whether the next thing to wait for is the moment a call is due, and not an answer.
  bool is_next_due_first() noexcept { return !pace_->is_over() && next_busy().has_room(workload_.outstanding); }

  std::chrono::nanoseconds time_to_wait() {
    if (pace_ && is_next_due_first()) return pace_->due() - steady_clock::now();
    return answer_timeout;
  }

  void send_due(load_slice& slice) {
    // Until the last answers came.
    if (is_held_) pace_->was_held_until(now_);
    now_ = steady_clock::now();
    if (now_ > sending_until_ + answer_timeout && !pace_->is_over())
      fail("calls that were due " + std::to_string(answer_timeout.count()) +
           " s ago and more could not be made: the rate is too high");
    while (pace_->is_due(now_) && next_busy().has_room(workload_.outstanding)) {
      auto& with = next_busy();
      open_call(with, pace_->due());
      with.socket.flush();
      slice.lateness.add(pace_->lateness(now_));
      pace_->take();
      next_busy_ = next_busy_ + workload_.busy_every < connections_.size() ? next_busy_ + workload_.busy_every : 0;
    }
    is_held_ = !pace_->is_over() && !next_busy().has_room(workload_.outstanding);
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
    if (answer.call == 0) fail("the server ended a connection with a status");
    auto& place = from.place_of(answer.call);
    if (place.call != answer.call) {
      ++(answer.call < from.next_call ? slice.wrong.duplicated : slice.wrong.corrupted);
      return;
    }
    if (answer.has_status || !answer.has_message || !answer.end || !request_.is_of(answer.call, answer.message))
      ++slice.wrong.corrupted;
    else
      ++slice.results;
    slice.latency.add(now_ - place.since);
    place.call = 0;
    answered_ = now_;
    --from.in_flight;
    --in_flight_;
  }

  void top_up(connection& of) {
    while (of.has_room(workload_.outstanding)) open_call(of, now_);
  }

  void open_call(connection& of, steady_clock::time_point since) {
    of.place_of(of.next_call) = {of.next_call, since};
    request_.append(of.socket.output(), of.next_call);
    of.next_call += 2;
    ++of.in_flight;
    if (in_flight_++ == 0) answered_ = now_;
  }

  const echo_workload workload_;
  request_template request_;
  epoll_set ready_;
  std::vector<std::byte> chunk_;
  std::vector<connection> connections_;
  std::size_t in_flight_ = 0;
  // Read once a chunk: the answers in it came together, and the requests that follow leave together.
  steady_clock::time_point now_;
  steady_clock::time_point sending_until_;
  steady_clock::time_point answered_;  // the last call; or since when any is outstanding
  std::optional<pace> pace_;           // of the slice
  std::size_t next_busy_ = 0;          // the connection whose turn it is
  bool is_held_ = false;               // for want of room on it
};

echo_load::echo_load(const net::endpoint& server, const echo_workload& workload)
    : loop_(std::make_unique<loop>(server, workload)) {}

echo_load::~echo_load() = default;

load_slice echo_load::run(std::chrono::nanoseconds duration) {
  return loop_->run(duration);
}

faults echo_load::verify() {
  return loop_->verify();
}

faults echo_load::run_all_once() {
  return loop_->run_all_once();
}

}  // namespace switchboard::bench
