#pragma once

/// SIGTERM, SIGINT and SIGHUP as two calls: the first signal asks for a drain, the second for an end at once. SIGUSR1 as a
/// third, for a report.
///
/// Why        a handler may do next to nothing, so the signals stay blocked everywhere and one thread waits for them.
/// Threads    construct before any other thread exists, the actor system's included: they inherit the blocked signals.
///            The callbacks run on the waiting thread.
/// Owns       the waiting thread, from watch() to stop(). The signals stay blocked after that: one that comes while the
///            program ends anyway must not turn its exit status into a death.
/// Errors     construction throws std::system_error where the system refuses a descriptor; it is a program's first
///            step.
/// SIGHUP     a terminal that is closed stops its program in order. One that was started with it ignored, as nohup(1) does,
///            goes on.
/// SIGPIPE    is ignored from construction on: a peer that went away is an error of the write, not of the process.

#include <functional>
#include <thread>

namespace switchboard {

class termination_signals {
public:
  termination_signals();
  ~termination_signals();
  termination_signals(const termination_signals&) = delete;
  termination_signals& operator=(const termination_signals&) = delete;

  /// Starts waiting; a signal that came since construction counts. `drain` must return soon, or the second signal is
  /// not seen. These two are called at most once, `report` for each SIGUSR1 until the first of the others.
  void watch(std::function<void()> drain, std::function<void()> at_once, std::function<void()> report = {});
  /// Ends the waiting and joins the thread; afterwards neither callback runs. Not to be called by a callback.
  void stop() noexcept;

private:
  void run(const std::function<void()>& drain, const std::function<void()>& at_once,
           const std::function<void()>& report) const;
  int next_signal() const noexcept;

  int signals_ = -1;
  int stop_event_ = -1;
  std::thread waiter_;
};

}  // namespace switchboard
