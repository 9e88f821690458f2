#pragma once

/// Who sleeps in the port, and which wake packets are under way.
///
/// Why        a posted packet wakes an arbitrary waiter, so a flag per worker would not do; and a burst must post once.
///            One word holds it all, so that going to sleep and waking are ordered against each other.
/// Threads    any. Everything is seq_cst: a sleeper announces itself and then looks for work, a waker leaves work and
///            then looks for sleepers.
/// Rule       whoever leaves work that another should see calls claim_wake(), and posts a packet if told to. While a
///            packet is under way nobody posts another: whoever takes it looks at everything there is, and wakes the
///            next one if there is more than it can take.
/// Watch      a handler that blocks behind a lone queued job would strand it, yet waking a worker for every hop of a
///            message costs more than the hop. So while anybody runs, one of the sleepers is a watch: it wakes every
///            watch_period and takes what still waits. Whoever has just worked watches too, for one period: packets
///            come to watches as well, and with a second one nobody has to be woken to take the first one's place. When
///            all have slept for longer than that there is none, and idle costs nothing.

#include <atomic>
#include <chrono>
#include <cstdint>

namespace switchboard {

/// Bounds how long a job can be stranded. Half of the 10 ms that a blocked handler may cost others, less the time to
/// wake.
inline constexpr auto watch_period = std::chrono::milliseconds(4);

class sleep_ledger {
public:
  enum class role {
    sleeper,  ///< waits for packets only
    watch,    ///< waits for watch_period, or the next deadline
    keeper,   ///< nobody runs or watches: waits for the next deadline
  };

  /// @param threads     how many there are, asleep or not.
  /// @param has_worked  since it slept last.
  role fall_asleep(std::size_t threads, bool has_worked) noexcept {
    auto word = word_.load(std::memory_order_relaxed);
    for (;;) {
      const auto others_run = sleepers_of(word) + 1 < threads;
      const auto watches = watches_of(word);
      auto assigned = watches == 0 ? role::keeper : role::sleeper;
      if (threads > 1 && ((watches == 0 && others_run) || (watches < 2 && has_worked))) assigned = role::watch;
      const auto next = word + sleeper + (assigned == role::watch ? watch : 0);
      if (word_.compare_exchange_weak(word, next, std::memory_order_seq_cst, std::memory_order_relaxed))
        return assigned;
    }
  }

  /// Takes fall_asleep() back, and `taken` wake packets out.
  void wake_up(role held, std::size_t taken) noexcept {
    word_.fetch_sub(sleeper + taken * wake + (held == role::watch ? watch : 0), std::memory_order_seq_cst);
  }

  /// Takes wake packets out that came without sleeping.
  void taken(std::size_t wakes) noexcept {
    if (wakes != 0) word_.fetch_sub(wakes * wake, std::memory_order_seq_cst);
  }

  /// Whether the caller has to post a wake packet: somebody sleeps, and none is under way.
  bool claim_wake() noexcept { return claim(all_wakes); }
  /// The same, if nobody watches either.
  bool claim_watch() noexcept { return claim(all_wakes | all_watches); }

private:
  using bits = std::uint64_t;
  static constexpr bits sleeper = 1;
  static constexpr bits wake = bits{1} << 24;
  static constexpr bits watch = bits{1} << 48;
  static constexpr bits all_wakes = watch - wake;
  static constexpr bits all_watches = ~bits{0} << 48;

  static constexpr std::size_t sleepers_of(bits word) noexcept { return word & (wake - 1); }
  static constexpr std::size_t watches_of(bits word) noexcept { return word >> 48; }

  bool claim(bits unless) noexcept {
    auto word = word_.load(std::memory_order_seq_cst);
    while (sleepers_of(word) != 0 && (word & unless) == 0) {
      if (word_.compare_exchange_weak(word, word + wake, std::memory_order_seq_cst)) return true;
    }
    return false;
  }

  std::atomic<bits> word_{0};
};

}  // namespace switchboard
