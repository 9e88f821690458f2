#pragma once

/// Where threads that serve a port wait for work: how many are parked in the port, and whether a wake packet is in flight.
///
/// Why        a posted packet wakes an arbitrary waiter, so a flag per worker would not do; and a burst must post once.
///            One word holds it all, so that parking and waking are ordered against each other.
/// Threads    any. Everything is seq_cst: a thread announces that it parks and then looks for work, a waker leaves work
///            and then looks for parked threads.
/// Rule       a thread that queues work for another calls wake_one(). While a packet is in flight no other is posted:
///            the thread that takes it looks at everything there is, and wakes the next one if there is more than it can
///            take.
/// Watch      a handler that blocks in front of a lone queued job would strand it, yet waking a worker for every hop of a
///            message costs more than the hop. So while any thread runs, one of the parked ones is a watch: it wakes
///            every watch_period and takes what still waits. A thread that has just worked watches too, for one period:
///            packets come to watches as well, and with a second one none has to be woken to take the first one's place.
///            When all have been parked for longer than that there is none, and idle costs nothing.
/// Deadlines  the watch wakes for them, and without one the timekeeper.

#include <atomic>
#include <chrono>
#include <cstdint>

#include <switchboard/notify/notification_port.hpp>
#include <switchboard/pump/deadline_wheel.hpp>

namespace switchboard {

/// Bounds how long a job can be stranded. Half of the 10 ms that a blocked handler may cost others, less the time to
/// wake.
inline constexpr auto watch_period = std::chrono::milliseconds(4);

class parking_lot {
public:
  using clock = notify::notification_port::clock;
  using duration = notify::notification_port::duration;

  /// Keys of packets that belong to no registration: no record has such an address.
  static constexpr std::uint64_t wake_key = ~std::uint64_t{0} - 1;
  static constexpr std::uint64_t exit_key = ~std::uint64_t{0} - 2;

  enum class role {
    sleeper,     ///< waits for packets only
    watch,       ///< waits for watch_period, or the next deadline
    timekeeper,  ///< no other runs or watches: waits for the next deadline
  };

  /// @param port, deadlines  outlive this.
  parking_lot(notify::notification_port& port, const deadline_wheel& deadlines) noexcept
      : port_(port), deadlines_(deadlines) {}

  /// @param threads     how many there are, parked or not.
  /// @param has_worked  since it was parked last.
  role park(std::size_t threads, bool has_worked) noexcept;
  /// How long a thread that is parked as `held` may wait.
  duration patience(role held) noexcept;
  /// Takes park() back, and `wakes` packets out that came meanwhile.
  void unpark(role held, std::size_t wakes) noexcept {
    word_.fetch_sub(parked + wakes * wake + (held == role::watch ? watch : 0), std::memory_order_seq_cst);
  }
  /// Takes wake packets out that came to a thread that was not parked.
  void taken(std::size_t wakes) noexcept {
    if (wakes != 0) word_.fetch_sub(wakes * wake, std::memory_order_seq_cst);
  }

  /// Wakes a parked thread, unless there is none or a packet is in flight. Whether it posted.
  bool wake_one() noexcept { return claim(all_wakes) && post(wake_key); }
  /// The same, unless a thread watches what the calling one is about to run.
  bool wake_watch() noexcept { return claim(all_wakes | all_watches) && post(wake_key); }
  /// Posts a packet of the pump's own. A port that refuses it for good ends the process: a lost wake-up is a hang.
  bool post(std::uint64_t key) noexcept;

private:
  using bits = std::uint64_t;
  static constexpr bits parked = 1;
  static constexpr bits wake = bits{1} << 24;
  static constexpr bits watch = bits{1} << 48;
  static constexpr bits all_wakes = watch - wake;
  static constexpr bits all_watches = ~bits{0} << 48;

  static constexpr std::size_t parked_of(bits word) noexcept { return word & (wake - 1); }
  static constexpr std::size_t watches_of(bits word) noexcept { return word >> 48; }

  bool claim(bits unless) noexcept {
    auto word = word_.load(std::memory_order_seq_cst);
    while (parked_of(word) != 0 && (word & unless) == 0) {
      if (word_.compare_exchange_weak(word, word + wake, std::memory_order_seq_cst)) return true;
    }
    return false;
  }

  notify::notification_port& port_;
  const deadline_wheel& deadlines_;
  std::atomic<bits> word_{0};
  std::atomic<clock::rep> watched_until_{0};  // when the watch wakes by itself
};

}  // namespace switchboard
