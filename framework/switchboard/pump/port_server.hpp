#pragma once

/// One thread's turn at the port: re-arms out, packets in, packets made into messages.
///
/// Why        workers of the pump's scheduler and threads of the pump's own do the same thing.
/// Threads    its own thread alone, except apply_deferred().
/// Owns       the re-arms collected since its last turn, while the port batches requests.
///
/// Deferred re-arms and removal. A re-arm that another thread's removal overtakes could hit a descriptor that has been
/// closed and reused by then. So a re-arm is deferred only while this thread holds a batch of packets: the port
/// withholds the REMOVE event, and with it the closing, until that batch is released (N49), which the next turn does
/// after its requests have been applied (N37). So a port that batches has to apply a call's requests before it counts
/// the caller's batch as released, and while a handler blocks its worker's batch holds back the REMOVE events of
/// others. Without batching the batch is released as soon as its packets have become messages.
///
/// Deferred re-arms and later ones. The owner's next handler may run, and arm, on another thread before this one's turn.
/// The slot counts its arms, so that a deferred one that is not the latest any more is left out; and where a later one
/// came while the requests were under way, which may have overwritten it, that one is applied once more.

#include <array>
#include <memory>
#include <vector>

#include <caf/fwd.hpp>

#include <switchboard/pump/pump_engine.hpp>

namespace switchboard {

class port_server {
public:
  /// Packets per turn: enough to spread the system call's cost, few enough to leave some for the other threads.
  static constexpr std::size_t packets_per_turn = 64;
  static constexpr std::size_t deadlines_per_turn = 256;
  /// Re-arms that wait for the next turn; any more are applied at once.
  static constexpr std::size_t max_deferred = 256;

  struct outcome {
    std::size_t messages = 0;  ///< sent
    std::size_t wakes = 0;     ///< wake packets taken; the caller tells the ledger
    bool exit = false;         ///< the exit key was among the packets
  };

  /// @param unit  runs the actors that get messages; null hands them to their system's scheduler.
  port_server(std::shared_ptr<pump_engine> engine, caf::execution_unit* unit);
  port_server(const port_server&) = delete;
  port_server& operator=(const port_server&) = delete;

  /// Makes this the calling thread's server, until leave().
  void enter() noexcept;
  /// Applies what is deferred and waits at most `timeout` for packets, then sends what they and passed deadlines say.
  outcome serve(pump_engine::duration timeout);

  /// Keeps a re-arm for the next turn. False where it has to be applied at once.
  bool defer(const re_arm& noted);
  /// Applies what is deferred here, from any thread: this one may be stuck in a handler.
  void apply_deferred() noexcept;
  /// Ends the thread's part: nothing stays deferred, no batch held (N49).
  void leave() noexcept;

  pump_engine& engine() const noexcept { return *engine_; }
  caf::execution_unit* unit() const noexcept { return unit_; }

  /// The calling thread's server, if it has one.
  static port_server* current() noexcept;
  /// Whether the calling thread serves as `unit`.
  static bool serves(const caf::execution_unit* unit) noexcept;

private:
  void collect_requests();
  std::size_t send_due_deadlines();

  const std::shared_ptr<pump_engine> engine_;
  caf::execution_unit* const unit_;
  spin_lock lock_;
  std::vector<re_arm> deferred_;  // guarded by lock_
  std::vector<re_arm> going_out_;
  std::vector<re_arm> requested_;  // what each of requests_ is for
  std::vector<notify::request> requests_;
  std::array<notify::packet, packets_per_turn> packets_;
  std::vector<deadline_wheel::due> due_;
  bool holds_batch_ = false;
  int failures_ = 0;
};

}  // namespace switchboard
