#include <algorithm>
#include <cerrno>
#include <limits>
#include <mutex>
#include <shared_mutex>
#include <vector>

#include <fmt/format.h>
#include <google/protobuf/stubs/logging.h>
#include <poll.h>
#include <signal.h>
#include <spdlog/async.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <switchboard/logging/logging.hpp>
#include <switchboard/text/utf8.hpp>

namespace switchboard::logging {
namespace {

using std::chrono::steady_clock;

/// Standard error, written a line at a time. After hurry() lines that the reader does not take are dropped.
class standard_error_sink final : public spdlog::sinks::base_sink<std::mutex> {
public:
  standard_error_sink() : hurry_event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    set_formatter_(
        std::make_unique<spdlog::pattern_formatter>("%Y-%m-%dT%H:%M:%S.%eZ %l: %v", spdlog::pattern_time_type::utc));
  }
  ~standard_error_sink() override {
    if (hurry_event_ >= 0) ::close(hurry_event_);
  }

  /// The queue whose dropped lines are reported when it has run empty. A plain pointer: were the writing thread ever the pool's
  /// last owner, it would join itself.
  void watch(spdlog::details::thread_pool* pool) {
    const std::lock_guard guard(mutex_);
    pool_ = pool;
    drops_told_ = 0;
  }
  /// To be called before the queue is destroyed, with the number of lines that it has dropped.
  void unwatch(std::uint64_t drops) {
    const std::lock_guard guard(mutex_);
    pool_ = nullptr;
    tell_drops(drops);
  }

  void hurry() noexcept {
    give_up_at_.store((steady_clock::now() + stop_patience).time_since_epoch().count());
    const std::uint64_t one = 1;
    // Fails only where the event is set already, which is what is wanted.
    [[maybe_unused]] const auto written = ::write(hurry_event_, &one, sizeof one);
  }
  void calm() noexcept {
    give_up_at_.store(never);
    std::uint64_t value = 0;
    [[maybe_unused]] const auto taken = ::read(hurry_event_, &value, sizeof value);
  }

  /// Lines dropped because standard error had no reader that took them.
  std::uint64_t unwritten() const noexcept { return unwritten_.load(std::memory_order_relaxed); }

private:
  void sink_it_(const spdlog::details::log_msg& line) override {
    put(line);
    if (pool_ != nullptr && pool_->queue_size() == 0) tell_drops(pool_->overrun_counter());
  }
  void flush_() override {}

  void tell_drops(std::uint64_t all) {
    if (all == drops_told_) return;
    const auto text =
        fmt::format("{} log lines were dropped: the queue of {} was full", all - drops_told_, queue_lines_max);
    drops_told_ = all;
    put({"", spdlog::level::warn, text});
  }

  void put(const spdlog::details::log_msg& line) {
    spdlog::memory_buf_t bytes;
    formatter_->format(line, bytes);
    std::string_view rest(bytes.data(), bytes.size());
    while (!rest.empty()) {
      if (!wait_for_room()) {
        unwritten_.fetch_add(1, std::memory_order_relaxed);
        return;
      }
      const auto written = ::write(STDERR_FILENO, rest.data(), rest.size());
      if (written >= 0) {
        rest.remove_prefix(static_cast<std::size_t>(written));
      } else if (errno != EINTR && errno != EAGAIN) {
        unwritten_.fetch_add(1, std::memory_order_relaxed);
        return;
      }
    }
  }

  bool wait_for_room() const noexcept {
    for (;;) {
      pollfd watched[2] = {{STDERR_FILENO, POLLOUT, 0}, {hurry_event_, POLLIN, 0}};
      const auto give_up_at = give_up_at_.load();
      const bool hurried = give_up_at != never;
      int timeout = -1;
      if (hurried) {
        const auto left = steady_clock::duration(give_up_at) - steady_clock::now().time_since_epoch();
        timeout =
            static_cast<int>(std::max<std::int64_t>(0, std::chrono::ceil<std::chrono::milliseconds>(left).count()));
      }
      const int ready = ::poll(watched, hurried ? 1 : 2, timeout);
      // POLLERR and POLLHUP too: the write then fails with the reason.
      if (ready > 0 && watched[0].revents != 0) return true;
      if (ready == 0 && hurried) return false;
      if (ready < 0 && errno != EINTR) return false;
    }
  }

  static constexpr steady_clock::rep never = std::numeric_limits<steady_clock::rep>::max();

  const int hurry_event_;
  std::atomic<steady_clock::rep> give_up_at_{never};
  std::atomic<std::uint64_t> unwritten_{0};
  spdlog::details::thread_pool* pool_ = nullptr;
  std::uint64_t drops_told_ = 0;
};

/// One line of protobuf's own each second; a client can provoke one for every bad string it sends.
constexpr unsigned protobuf_burst = 1;
constexpr std::chrono::milliseconds protobuf_interval{1'000};

constexpr spdlog::level::level_enum spdlog_level(level of) noexcept {
  switch (of) {
    case level::off:
      return spdlog::level::off;
    case level::error:
      return spdlog::level::err;
    case level::warn:
      return spdlog::level::warn;
    case level::info:
      return spdlog::level::info;
    case level::debug:
      return spdlog::level::debug;
  }
  return spdlog::level::off;
}

struct operator_log {
  std::atomic<level> up_to{level::info};
  std::atomic<std::uint64_t> dropped_before{0};  // by writing threads that have ended, or without memory for the line
  const std::shared_ptr<standard_error_sink> sink = std::make_shared<standard_error_sink>();

  // Of what follows. Shared while a line is queued, so that stop() ends the writing thread when no thread is about to
  // queue; never held while a line is written.
  std::shared_mutex mutex;
  std::shared_ptr<spdlog::details::thread_pool> pool;
  std::shared_ptr<spdlog::logger> queued;
  std::vector<throttle*> throttles;
  google::protobuf::LogHandler* protobuf_handler_before = nullptr;
};

/// Never destroyed: destructors of other static objects may log.
operator_log& the_log() {
  static auto& log = *new operator_log;
  return log;
}

void take_protobuf_line(google::protobuf::LogLevel of, const char*, int, const std::string& text) {
  static throttle lines("protobuf's own lines", protobuf_burst, protobuf_interval);
  // After a fatal one protobuf ends the process or throws; it is not a peer's doing.
  if (of == google::protobuf::LOGLEVEL_FATAL)
    error("protobuf: {}", text);
  else
    lines.warn("protobuf: {}", text);
}

void append_escaped_byte(std::string& out, unsigned char byte) {
  fmt::format_to(std::back_inserter(out), "\\x{:02x}", byte);
}

void report_throttles() noexcept {
  auto& log = the_log();
  try {
    std::vector<std::string> reports;
    {
      const std::lock_guard guard(log.mutex);
      for (auto* each : log.throttles) reports.push_back(each->take_report());
    }
    for (const auto& report : reports)
      if (!report.empty()) write(level::warn, report);
  } catch (...) {
    log.dropped_before.fetch_add(1, std::memory_order_relaxed);
  }
}

}  // namespace

std::optional<level> parse_level(std::string_view name) noexcept {
  if (name == "off") return level::off;
  if (name == "error") return level::error;
  if (name == "warn") return level::warn;
  if (name == "info") return level::info;
  if (name == "debug") return level::debug;
  return std::nullopt;
}

void start(level up_to) {
  stop();
  auto& log = the_log();
  log.up_to.store(up_to, std::memory_order_relaxed);
  // Signals are for the thread that waits for them, also where a program starts its log before it blocked them.
  auto pool = std::make_shared<spdlog::details::thread_pool>(queue_lines_max, 1, [] {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);
  });
  auto queued =
      std::make_shared<spdlog::async_logger>("operator", log.sink, pool, spdlog::async_overflow_policy::overrun_oldest);
  queued->set_level(spdlog::level::trace);
  // Its own handler prints to standard error from whatever thread.
  queued->set_error_handler(
      [](const std::string&) { the_log().dropped_before.fetch_add(1, std::memory_order_relaxed); });
  log.sink->calm();
  log.sink->watch(pool.get());
  const std::lock_guard guard(log.mutex);
  log.pool = std::move(pool);
  log.queued = std::move(queued);
  log.protobuf_handler_before = google::protobuf::SetLogHandler(take_protobuf_line);
}

void stop() noexcept {
  auto& log = the_log();
  std::shared_ptr<spdlog::details::thread_pool> pool;
  {
    const std::lock_guard guard(log.mutex);
    if (!log.pool) return;
    google::protobuf::SetLogHandler(log.protobuf_handler_before);
    pool = std::move(log.pool);
    log.queued.reset();
    log.dropped_before.fetch_add(pool->overrun_counter(), std::memory_order_relaxed);
  }
  log.sink->hurry();
  log.sink->unwatch(pool->overrun_counter());
  // Queues the order to end after all lines, and joins.
  pool.reset();
  report_throttles();
  log.sink->calm();
}

bool enabled(level of) noexcept {
  return of <= the_log().up_to.load(std::memory_order_relaxed);
}

void write(level of, std::string_view text) noexcept {
  if (!enabled(of)) return;
  auto& log = the_log();
  try {
    auto line = escaped(text);
    if (line.size() > line_bytes_max) {
      std::size_t end = line_bytes_max;
      while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xC0) == 0x80) --end;
      line.resize(end);
      line += "...";
    }
    {
      const std::shared_lock guard(log.mutex);
      if (log.queued) return log.queued->log(spdlog_level(of), line);
    }
    log.sink->log({"", spdlog_level(of), line});
  } catch (...) {
    log.dropped_before.fetch_add(1, std::memory_order_relaxed);
  }
}

void format_and_write(level of, fmt::string_view format, fmt::format_args arguments) noexcept {
  try {
    write(of, fmt::vformat(format, arguments));
  } catch (...) {
    the_log().dropped_before.fetch_add(1, std::memory_order_relaxed);
  }
}

std::uint64_t dropped() noexcept {
  auto& log = the_log();
  std::uint64_t count = log.dropped_before.load(std::memory_order_relaxed) + log.sink->unwritten();
  const std::shared_lock guard(log.mutex);
  if (log.pool) count += log.pool->overrun_counter();
  return count;
}

std::string escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const auto length = text::utf8_character_size(text);
    const auto first = static_cast<unsigned char>(text.front());
    const bool c0_or_delete = length == 1 && (first < 0x20 || first == 0x7F);
    // U+0080 to U+009F: some terminals obey them like their two-byte ESC forms.
    const bool c1 = length == 2 && first == 0xC2 && static_cast<unsigned char>(text[1]) < 0xA0;
    if (length == 0 || c0_or_delete) {
      append_escaped_byte(out, first);
      text.remove_prefix(1);
    } else if (c1) {
      append_escaped_byte(out, first);
      append_escaped_byte(out, static_cast<unsigned char>(text[1]));
      text.remove_prefix(2);
    } else {
      out.append(text.substr(0, length));
      text.remove_prefix(length);
    }
  }
  return out;
}

throttle::throttle(std::string_view kind, unsigned burst, std::chrono::milliseconds interval)
    : kind_(kind), interval_(interval), tolerance_(interval * std::max(burst, 1u)) {
  auto& log = the_log();
  const std::lock_guard guard(log.mutex);
  log.throttles.push_back(this);
}

throttle::~throttle() {
  auto& log = the_log();
  const std::lock_guard guard(log.mutex);
  std::erase(log.throttles, this);
}

bool throttle::admit(clock::time_point now) noexcept {
  const auto at = now.time_since_epoch().count();
  auto full_at = full_at_.load(std::memory_order_relaxed);
  for (;;) {
    const auto next = std::max(full_at, at) + interval_.count();
    if (next - at > tolerance_.count()) {
      held_back_.fetch_add(1, std::memory_order_relaxed);
      return false;
    }
    if (full_at_.compare_exchange_weak(full_at, next, std::memory_order_relaxed)) return true;
  }
}

std::string throttle::take_report() {
  const auto all = held_back();
  const auto before = reported_.exchange(all, std::memory_order_relaxed);
  return all > before ? fmt::format("{} more of {} were not written", all - before, kind_) : std::string();
}

void throttle::format_and_count(level of, fmt::string_view format, fmt::format_args arguments) noexcept {
  format_and_write(of, format, arguments);
  try {
    if (const auto report = take_report(); !report.empty()) write(of, report);
  } catch (...) {
    the_log().dropped_before.fetch_add(1, std::memory_order_relaxed);
  }
}

}  // namespace switchboard::logging
