#pragma once

/// Which threads still hold a batch of packets, and which REMOVE events wait for its release (N49).
///
/// Why        the order in which threads dequeue is not the order in which they process: a thread that frees a context
///            at its REMOVE event must not do so while another still has an earlier packet of it in its hands.
/// How        every batch is stamped with the clock of removals, in a word of the thread's own; a removal advances the
///            clock and is withheld while any thread's word shows a stamp from before. So a wait costs stores to the
///            thread's own cache line, a removal one look at each thread, a packet nothing.
/// Threads    any. A thread is enrolled by its first wait, and its end releases what it holds.
/// Owns       the withheld events, and posts that wait as they do, until they are handed to the port. Threads share ownership, so that one which ends
///            after the port finds something to release.
/// Errors     enrol() gives nullptr when memory is short.

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include <switchboard/notify/packet_queue.hpp>

namespace switchboard::notify {

class batch_epochs : public std::enable_shared_from_this<batch_epochs> {
public:
  /// One thread's word on one port.
  class alignas(64) waiter {
    friend class batch_epochs;
    /// The stamp of the batch held, 0 for none, and in the lowest bit whether the thread is inside a wait.
    std::atomic<std::uint64_t> word_{0};
    bool is_taken_ = true;  ///< under batch_epochs::mutex_
  };

  /// Where events go that are withheld no longer. Called with a lock of batch_epochs held.
  class sink {
  public:
    virtual void deliver(packet_list&& removals, packet_queue::taker who) noexcept = 0;

  protected:
    ~sink() = default;
  };

  explicit batch_epochs(sink& to) noexcept : sink_(&to) {}

  /// The calling thread's word; made with enrol().
  waiter* find() const noexcept;
  waiter* enrol() noexcept;

  /// The thread is inside a wait from now on, and holds its last batch still.
  void arrive(waiter& self) noexcept;
  /// The thread waits from now on: its last batch is released. It is going to take packets before it sleeps.
  void enter(waiter& self) noexcept;
  /// Before the first packet of a batch is looked at.
  void begin_batch(waiter& self) noexcept;
  void leave(waiter& self, bool holds_batch) noexcept;
  void release(waiter& self) noexcept;

  /// Hands `one` to the sink once every batch begun before is released. What makes packets of the registration
  /// unrecognisable must have happened before, under a lock that a thread which recognises them takes after begin_batch().
  void withhold(packet_list&& one, packet_queue::taker who) noexcept;

  /// Whether any thread is between arrive() and leave().
  bool any_inside() noexcept;
  /// The sink is not used any more; withheld events are dropped.
  void close() noexcept;

private:
  friend struct thread_enrolments;
  void promote(packet_queue::taker who) noexcept;
  void promote_locked(packet_queue::taker who) noexcept;
  void depart(waiter& self) noexcept;
  waiter& free_waiter();

  std::atomic<std::uint64_t> removal_clock_{1};
  std::atomic<std::size_t> withheld_count_{0};
  std::mutex mutex_;
  sink* sink_;
  packet_list withheld_;
  std::vector<std::unique_ptr<waiter>> waiters_;
};

}  // namespace switchboard::notify
