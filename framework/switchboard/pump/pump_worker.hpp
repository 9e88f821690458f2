#pragma once

/// The workers of the pump's scheduler: threads that run actors, and whose idle wait is the notification port's.
///
/// Why        a worker that waits in the port runs the owners of what became ready right there: no hop between threads.
///            CAF's own worker template is not used: its loop costs a dynamic_cast and a look-up in a table shared by
///            all threads per job, for a logger that is silent; together that is as much as a message's whole way costs
///            here.
/// Threads    a worker's members belong to its own thread, except the job queue.
/// Order      own queue; after messages_per_turn or time_per_turn a look at the port without waiting, then one shared
///            job, so that an actor which feeds itself starves neither sockets nor others; an empty own queue: the
///            shared one, then stealing, then the wait.
/// Slices     CAF releases a thread after a number of messages only. So an actor is run for a few at a time, again and again until
///            it has had time_per_actor.
/// Waking     as parking_lot.hpp says. A lone job in a worker's queue is left to it, and to the watch: taking it at
///            once would move a conversation of two actors to another processor at every hop.

#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include <caf/execution_unit.hpp>
#include <caf/resumable.hpp>

#include <switchboard/pump/job_queue.hpp>
#include <switchboard/pump/notification_pump.hpp>
#include <switchboard/pump/port_server.hpp>
#include <switchboard/pump/turn_meter.hpp>

namespace switchboard {

class pump_worker;

/// What the workers of one scheduler share.
struct worker_team {
  std::shared_ptr<notification_pump> pump;
  parking_lot* lot = nullptr;        ///< the pump's
  std::size_t messages_per_job = 0;  ///< an actor may handle in one go
  job_queue shared{job_queue::use::shared};
  std::vector<std::unique_ptr<pump_worker>> workers;  ///< complete before the first starts

  /// Hands a job to the first worker that is free; from any thread.
  void enqueue(caf::resumable* queued) {
    shared.push(queued);
    lot->wake_one();
  }
};

class pump_worker final : public caf::execution_unit {
public:
  using job = caf::resumable*;

  static constexpr int messages_per_turn = 64;
  static constexpr std::chrono::microseconds time_per_turn{1'000};
  /// Reading the clock costs a tenth of a short job.
  static constexpr int jobs_per_clock_reading = 4;
  /// What an actor handles at most between two looks at how long it takes: a look is cheap beside a message.
  static constexpr std::size_t messages_between_looks = 2;
  /// How long an actor runs before others have their turn; half of the worker's, since the last message may take long.
  static constexpr auto time_per_actor = time_per_turn / 2;

  pump_worker(caf::actor_system& system, worker_team& team, std::size_t index);

  void start();
  /// Waits for the thread's end, after a job that returned shutdown_execution_unit.
  void join() { thread_.join(); }
  /// Queues what a handler on this worker has made runnable.
  void exec_later(job queued) override;
  /// A job that was not run, after join().
  job take_leftover() noexcept { return own_.pop(); }

private:
  /// Jobs in another worker's queue from which on it is worth taking one.
  static constexpr std::size_t crowded = 2;
  static constexpr std::size_t stranded = 1;

  void run();
  caf::resumable::resume_result run(caf::resumable& actor);
  job next_job();
  bool turn_is_over() noexcept;
  std::size_t take_turn(notify::notification_port::duration timeout);
  job hand_out(job found) noexcept;
  job take_shared() noexcept;
  job steal(std::size_t least) noexcept;
  job relieve_others() noexcept;
  bool work_is_left() noexcept;
  job sleep();
  /// Each of the other workers, the next one first, until `visit` returns true.
  template <class Visitor>
  bool any_other(Visitor visit);

  worker_team& team_;
  notification_pump& pump_;
  parking_lot& lot_;
  const std::size_t index_;
  port_server server_;
  job_queue own_;
  int messages_left_ = messages_per_turn;
  notification_pump::clock::time_point turn_began_{};
  notification_pump::clock::time_point relieved_others_{};
  turn_meter meter_;
  bool has_slept_ = false;
  std::thread thread_;
};

}  // namespace switchboard
