#include "fanout_load.hpp"

#include "fanout_connections.hpp"
#include "measure/pace.hpp"
#include "text_number.hpp"

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace switchboard::bench {
namespace {

using std::chrono::steady_clock;

constexpr std::size_t chunk_bytes = 256 * 1024;
/// For which nothing more may come once all is delivered.
constexpr std::chrono::milliseconds quiet_time{50};
/// How many windows a member may lag the fastest. Of one that lags more only the least that its latency can be is measured.
constexpr std::size_t lag_allowed = 64;

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error(what);
}

/// What one publisher publishes in one room.
struct publication {
  std::size_t publisher = 0;
  std::size_t room = 0;
  std::uint64_t published = 0;
  std::uint64_t delivered = 0;
  // Since when the newest messages count; by number. A member may lag the others, so there is room to spare.
  std::vector<steady_clock::time_point> since;

  /// Of one that is too old to be remembered: since when the oldest that is counts.
  steady_clock::time_point since_of(std::uint64_t number) const noexcept {
    const auto oldest = published - std::min<std::uint64_t>(published, since.size());
    return since[std::max(number, oldest) % since.size()];
  }
};

}  // namespace

class fanout_load::loop final : arrivals {
public:
  loop(const net::endpoint& server, std::unique_ptr<fanout_dialect> dialect, const fanout_workload& workload)
      : workload_(workload),
        connected_(server, std::move(dialect), workload),
        chunk_(chunk_bytes),
        text_(std::max(workload.payload, text_number::digits), 'x') {
    for (std::size_t room = 0; room < workload.rooms; ++room)
      for (std::size_t number = 0; number < workload.publishers; ++number)
        publications_.push_back(
            {number, room, 0, 0, std::vector<steady_clock::time_point>(workload.window * lag_allowed)});
  }

  load_slice run(std::chrono::nanoseconds duration) {
    load_slice slice;
    slice_ = &slice;
    const auto started = now_ = steady_clock::now();
    publishing_until_ = started + duration;
    if (workload_.rate)
      pace_.emplace(*workload_.rate, started, publishing_until_);
    else
      for (auto& each : publications_) top_up(each);
    flush_publishers();
    is_held_ = false;
    while (outstanding_ != 0 || (pace_ && !pace_->is_over())) turn();
    slice.duration = pace_ ? std::max<std::chrono::nanoseconds>(now_ - started, duration) : now_ - started;
    pace_.reset();
    return slice;
  }

  faults verify() {
    load_slice slice;
    slice_ = &slice;
    const auto until = steady_clock::now() + arrival_timeout;
    for (auto events = connected_.ready.wait(quiet_time); !events.empty(); events = connected_.ready.wait(quiet_time)) {
      handle(events);
      if (now_ > until) fail("the server does not end to deliver what was not published");
    }
    return slice.wrong;
  }

private:
  void turn() {
    if (pace_) publish_due();
    const bool waits_for_due = pace_ && !pace_->is_over() && has_window(next_due());
    const auto events = connected_.ready.wait(waits_for_due ? pace_->due() - steady_clock::now() : arrival_timeout);
    handle(events);
    if (outstanding_ != 0 && ((events.empty() && !waits_for_due) || now_ - arrived_ > arrival_timeout))
      fail("nothing that was expected arrived for " + std::to_string(arrival_timeout.count()) + " s, while " +
           std::to_string(outstanding_) + " deliveries and acknowledgements were outstanding");
    flush_publishers();
  }

  void handle(std::span<const epoll_event> events) {
    for (const auto& event : events) {
      current_ = static_cast<fanout_connection*>(event.data.ptr);
      if (event.events & ~EPOLLOUT) {
        const auto chunk = current_->socket.read(chunk_);
        now_ = steady_clock::now();
        current_->reader->feed(chunk, *this);
        if (current_->room && !pace_) top_up_all_of(*current_->room);
      }
      current_->socket.flush();
    }
  }

  void flush_publishers() {
    for (auto& each : connected_.publishers)
      if (!each.socket.output().empty()) each.socket.flush();
  }

  bool has_window(const publication& of) const noexcept {
    const auto members = connected_.rooms[of.room].members;
    return members != 0 && of.published * members < of.delivered + workload_.window * members;
  }

  publication& next_due() noexcept { return publications_[pace_->taken() % publications_.size()]; }

  void publish_due() {
    // Until the last messages arrived.
    if (is_held_) pace_->was_held_until(now_);
    now_ = steady_clock::now();
    if (now_ > publishing_until_ + arrival_timeout && !pace_->is_over())
      fail("messages that were due " + std::to_string(arrival_timeout.count()) +
           " s ago and more could not be published: the rate is too high");
    for (; pace_->is_due(now_) && has_window(next_due()); pace_->take()) {
      slice_->lateness.add(pace_->lateness(now_));
      publish(next_due(), pace_->due());
    }
    is_held_ = !pace_->is_over() && !has_window(next_due());
    flush_publishers();
  }

  void top_up(publication& of) {
    while (now_ < publishing_until_ && has_window(of)) publish(of, now_);
  }

  void top_up_all_of(std::size_t room) {
    for (std::size_t each = 0; each < workload_.publishers; ++each) top_up(publication_of(room, each));
  }

  publication& publication_of(std::size_t room, std::size_t publisher) noexcept {
    return publications_[room * workload_.publishers + publisher];
  }

  void publish(publication& of, steady_clock::time_point since) {
    const auto number = of.published++;
    of.since[number % of.since.size()] = since;
    text_number{of.publisher, number}.write(text_);
    auto& by = connected_.publishers[of.publisher];
    by.says->publish(by.socket.output(), connected_.rooms[of.room].name, text_);
    if (outstanding_ == 0) arrived_ = now_;
    outstanding_ += connected_.rooms[of.room].members + 1;
  }

  // -- arrivals, on current_

  void ready() override { fail("the server subscribed a member that did not ask for it"); }
  void acknowledged() override {
    arrived_ = now_;
    --outstanding_;
  }
  void answer(std::string_view bytes) override { current_->socket.output() += bytes; }

  void delivered(std::string_view text) override {
    text_number number;
    if (!current_->room || !number.read(text) || number.publisher >= workload_.publishers ||
        text.substr(text_number::digits) != std::string_view(text_).substr(text_number::digits)) {
      ++slice_->wrong.corrupted;
      return;
    }
    auto& of = publication_of(*current_->room, number.publisher);
    if (number.message >= of.published) {
      ++slice_->wrong.corrupted;
      return;
    }
    const auto accounted = current_->of_publisher[number.publisher].take(number.message, slice_->wrong);
    if (accounted == 0) return;
    ++slice_->results;
    slice_->latency.add(now_ - of.since_of(number.message));
    arrived_ = now_;
    of.delivered += accounted;
    outstanding_ -= accounted;
  }

  const fanout_workload workload_;
  fanout_connections connected_;
  std::vector<std::byte> chunk_;
  std::string text_;
  std::vector<publication> publications_;  // by room, then publisher
  fanout_connection* current_ = nullptr;
  load_slice* slice_ = nullptr;
  std::uint64_t outstanding_ = 0;  // deliveries and acknowledgements
  steady_clock::time_point now_;
  steady_clock::time_point publishing_until_;
  steady_clock::time_point arrived_;  // what was outstanding; or since when anything is
  std::optional<pace> pace_;          // of the slice
  bool is_held_ = false;              // for want of a window
};

fanout_load::fanout_load(const net::endpoint& server, std::unique_ptr<fanout_dialect> dialect,
                         const fanout_workload& workload)
    : loop_(std::make_unique<loop>(server, std::move(dialect), workload)) {}

fanout_load::~fanout_load() = default;

faults fanout_load::verify() {
  return loop_->verify();
}

load_slice fanout_load::run(std::chrono::nanoseconds duration) {
  return loop_->run(duration);
}

}  // namespace switchboard::bench
