#pragma once

/// The operator's log: one line an event on standard error.
///
/// Why        a worker must never wait for the reader of the log. Lines go through a bounded queue to one writing
///            thread; when the queue is full the oldest lines are dropped and counted, and a line says how many once
///            there is room again. What peers can provoke goes through a `throttle`.
/// Threads    error() to debug(), dropped() and throttle: any. start() and stop(): one at a time.
/// Owns       the writing thread, from start() to stop(). Without it lines are written by the caller.
/// Errors     none: what cannot be written is dropped and counted. stop() waits for a reader of standard error for at
///            most `stop_patience`.
/// Format     `2024-05-06T07:08:09.123Z warning: TEXT`. Control characters and bytes that are not UTF-8 are escaped in
///            TEXT, so that a peer's bytes can neither forge a line nor drive a terminal; it is cut at
///            `line_bytes_max`.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <fmt/core.h>

namespace switchboard::logging {

/// Lines of this level and of the more severe ones are written.
enum class level : unsigned char { off, error, warn, info, debug };

/// Lines that wait for the writing thread.
inline constexpr std::size_t queue_lines_max = 8192;
/// Bytes of a line's text after escaping. With time and level it stays below PIPE_BUF: a pipe that polls writable takes
/// it whole.
inline constexpr std::size_t line_bytes_max = 3584;
/// How long stop() waits for the reader of standard error.
inline constexpr std::chrono::milliseconds stop_patience{1'000};

/// "off", "error", "warn", "info" or "debug".
std::optional<level> parse_level(std::string_view name) noexcept;

/// Starts the writing thread and takes over protobuf's own log lines, which a client can provoke: they are throttled.
void start(level up_to);
/// Writes what is queued, then the counts of what was not, and ends the writing thread.
void stop() noexcept;

/// Whether a line of `of` would be written: for callers that would have to gather its content.
bool enabled(level of) noexcept;
/// Writes one line.
void write(level of, std::string_view text) noexcept;
void format_and_write(level of, fmt::string_view format, fmt::format_args arguments) noexcept;

template <class... Arguments>
void error(fmt::format_string<Arguments...> format, Arguments&&... arguments) noexcept {
  if (enabled(level::error)) format_and_write(level::error, format, fmt::make_format_args(arguments...));
}
template <class... Arguments>
void warn(fmt::format_string<Arguments...> format, Arguments&&... arguments) noexcept {
  if (enabled(level::warn)) format_and_write(level::warn, format, fmt::make_format_args(arguments...));
}
template <class... Arguments>
void info(fmt::format_string<Arguments...> format, Arguments&&... arguments) noexcept {
  if (enabled(level::info)) format_and_write(level::info, format, fmt::make_format_args(arguments...));
}
template <class... Arguments>
void debug(fmt::format_string<Arguments...> format, Arguments&&... arguments) noexcept {
  if (enabled(level::debug)) format_and_write(level::debug, format, fmt::make_format_args(arguments...));
}

/// Lines of this process that found the queue full.
std::uint64_t dropped() noexcept;

/// `text` as the log shows it.
std::string escaped(std::string_view text);

/// Bounds the lines of one kind that a peer can provoke. Those held back are counted; the next line that gets through,
/// or stop(), says how many. One object for each kind, of static storage:
///
///     static logging::throttle bad_frames{"bad frames"};
///     bad_frames.warn("{}: {}", peer, reason);
class throttle {
public:
  using clock = std::chrono::steady_clock;

  /// `burst` lines at once, then one each `interval`.
  explicit throttle(std::string_view kind, unsigned burst = 10,
                    std::chrono::milliseconds interval = std::chrono::milliseconds{1'000});
  ~throttle();
  throttle(const throttle&) = delete;
  throttle& operator=(const throttle&) = delete;

  template <class... Arguments>
  void warn(fmt::format_string<Arguments...> format, Arguments&&... arguments) noexcept {
    if (enabled(level::warn) && admit()) format_and_count(level::warn, format, fmt::make_format_args(arguments...));
  }
  template <class... Arguments>
  void info(fmt::format_string<Arguments...> format, Arguments&&... arguments) noexcept {
    if (enabled(level::info) && admit()) format_and_count(level::info, format, fmt::make_format_args(arguments...));
  }

  /// Whether a line may be written now; counts it as held back where not.
  bool admit(clock::time_point now = clock::now()) noexcept;
  /// Lines held back so far.
  std::uint64_t held_back() const noexcept { return held_back_.load(std::memory_order_relaxed); }
  /// How many lines were held back since a line last said so, as text for a line; empty where none were.
  std::string take_report();

private:
  void format_and_count(level of, fmt::string_view format, fmt::format_args arguments) noexcept;

  const std::string kind_;
  const clock::duration interval_;
  const clock::duration tolerance_;
  // When the bucket would be full again, since the clock's epoch (the generic cell rate algorithm: one word, no
  // refill).
  std::atomic<clock::rep> full_at_{0};
  std::atomic<std::uint64_t> held_back_{0};
  std::atomic<std::uint64_t> reported_{0};
};

}  // namespace switchboard::logging
