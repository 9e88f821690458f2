#include "fanout_load.hpp"

#include "client_connection.hpp"

#include <charconv>
#include <stdexcept>

#include <sys/epoll.h>
#include <unistd.h>

namespace switchboard::bench {
namespace {

using std::chrono::steady_clock;

constexpr std::size_t chunk_bytes = 256 * 1024;
constexpr int events_per_wait = 128;
/// Of a message's number in front of its text.
constexpr std::size_t number_digits = 16;

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error(what);
}

struct room {
  std::string name;
  std::size_t members = 0;
  std::uint64_t published = 0;
  std::uint64_t delivered = 0;
  // When the outstanding messages were published; by number. A member may lag the others, so there is room to spare.
  std::vector<steady_clock::time_point> published_at;

  bool has_window(std::size_t window) const noexcept { return published * members < delivered + window * members; }
};

struct connection {
  client_connection socket;
  std::unique_ptr<fanout_dialect::reader> reader;
  room* of = nullptr;  // nullptr: the publisher
  std::uint64_t next = 0;
};

}  // namespace

class fanout_load::loop final : arrivals {
public:
  loop(const net::endpoint& server, std::unique_ptr<fanout_dialect> dialect, const fanout_workload& workload)
      : workload_(workload),
        dialect_(std::move(dialect)),
        epoll_(::epoll_create1(EPOLL_CLOEXEC)),
        chunk_(chunk_bytes),
        text_(std::max(workload.payload, number_digits), 'x'),
        rooms_(workload.rooms),
        members_(workload.members),
        unread_(workload.unread) {
    std::vector<std::string> names;
    for (std::size_t each = 0; each < rooms_.size(); ++each) {
      rooms_[each].name = "fanout." + std::to_string(each);
      rooms_[each].published_at.resize(workload.window * lag_allowed);
      names.push_back(rooms_[each].name);
    }
    open(publisher_, server);
    wait_for_ready(dialect_->prepare_publisher(publisher_.socket.output(), names), publisher_);
    for (std::size_t each = 0; each < members_.size(); ++each) {
      auto& member = members_[each];
      member.of = &rooms_[each % rooms_.size()];
      ++member.of->members;
      open(member, server);
      dialect_->subscribe(member.socket.output(), member.of->name);
      wait_for_ready(1, member);
    }
    for (auto& each : unread_) {
      open(each, server);
      dialect_->subscribe(each.socket.output(), rooms_.front().name);
      wait_for_ready(1, each);
      each.socket.stop_reading();
    }
  }
  ~loop() override {
    members_.clear();
    unread_.clear();
    ::close(epoll_);
  }

  load_slice run(std::chrono::nanoseconds duration) {
    load_slice slice;
    slice_ = &slice;
    const auto started = steady_clock::now();
    now_ = started;
    publishing_until_ = started + duration;
    for (auto& each : rooms_) top_up(each);
    publisher_.socket.flush();
    while (under_way_ != 0) turn();
    slice.duration = now_ - started;
    return slice;
  }

private:
  // How many windows a member may lag the fastest before its latency can no longer be measured.
  static constexpr std::size_t lag_allowed = 64;

  void open(connection& made, const net::endpoint& server) {
    made.reader = dialect_->make_reader();
    made.socket.open(server, epoll_, &made);
  }

  void wait_for_ready(std::size_t count, connection& on) {
    ready_ = 0;
    on.socket.flush();
    while (ready_ < count) turn();
  }

  void turn() {
    epoll_event events[events_per_wait];
    const int count = ::epoll_wait(epoll_, events, events_per_wait,
                                   static_cast<int>(std::chrono::milliseconds(arrival_timeout).count()));
    if (count == 0) fail("nothing arrived for " + std::to_string(arrival_timeout.count()) + " s");
    for (int each = 0; each < count; ++each) {
      current_ = static_cast<connection*>(events[each].data.ptr);
      if (events[each].events & ~EPOLLOUT) {
        const auto chunk = current_->socket.read(chunk_);
        now_ = steady_clock::now();
        current_->reader->feed(chunk, *this);
        if (current_->of != nullptr) top_up(*current_->of);
      }
      if (current_ != &publisher_) current_->socket.flush();
    }
    publisher_.socket.flush();
  }

  void top_up(room& of) {
    while (now_ < publishing_until_ && of.members != 0 && of.has_window(workload_.window)) {
      auto number = of.published++;
      of.published_at[number % of.published_at.size()] = now_;
      for (std::size_t digit = number_digits; digit-- > 0; number >>= 4) text_[digit] = "0123456789abcdef"[number & 15];
      dialect_->publish(publisher_.socket.output(), of.name, text_);
      under_way_ += of.members;
    }
  }

  void ready() override { ++ready_; }

  void delivered(std::string_view text) override {
    auto& member = *current_;
    auto& of = *member.of;
    std::uint64_t number = 0;
    const auto digits = text.substr(0, number_digits);
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), number, 16);
    if (text.size() != text_.size() || parsed.ptr != digits.data() + number_digits || number != member.next)
      ++slice_->errors;
    else
      ++slice_->results;
    member.next = number + 1;
    slice_->latency.add(now_ - of.published_at[number % of.published_at.size()]);
    ++of.delivered;
    --under_way_;
  }

  const fanout_workload workload_;
  const std::unique_ptr<fanout_dialect> dialect_;
  const int epoll_;
  std::vector<std::byte> chunk_;
  std::string text_;
  std::vector<room> rooms_;
  connection publisher_;
  std::vector<connection> members_;
  std::vector<connection> unread_;
  connection* current_ = nullptr;
  load_slice* slice_ = nullptr;
  std::size_t ready_ = 0;
  std::uint64_t under_way_ = 0;  // deliveries
  steady_clock::time_point now_;
  steady_clock::time_point publishing_until_;
};

fanout_load::fanout_load(const net::endpoint& server, std::unique_ptr<fanout_dialect> dialect,
                         const fanout_workload& workload)
    : loop_(std::make_unique<loop>(server, std::move(dialect), workload)) {}

fanout_load::~fanout_load() = default;

load_slice fanout_load::run(std::chrono::nanoseconds duration) {
  return loop_->run(duration);
}

}  // namespace switchboard::bench
