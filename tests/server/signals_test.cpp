#include <chrono>
#include <condition_variable>
#include <mutex>

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <switchboard/server/signals.hpp>

using namespace std::chrono_literals;
using switchboard::termination_signals;

namespace {

/// Counts the callbacks; waits for them with a deadline.
class counted_signals {
public:
  counted_signals() = default;
  void watch() {
    signals_.watch([this] { add(drains_); }, [this] { add(ends_); }, [this] { add(reports_); });
  }
  void stop() { signals_.stop(); }
  bool wait_for(int drains, int ends, int reports = 0) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 10s, [&] { return drains_ == drains && ends_ == ends && reports_ == reports; });
  }

private:
  void add(int& count) {
    const std::lock_guard guard(mutex_);
    ++count;
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  int drains_ = 0;
  int ends_ = 0;
  int reports_ = 0;
  termination_signals signals_;
};

void send(int signal) {
  ASSERT_EQ(::kill(::getpid(), signal), 0);
}

TEST(TerminationSignals, FirstDrainsSecondEndsAtOnce) {
  counted_signals counted;
  counted.watch();
  send(SIGTERM);
  ASSERT_TRUE(counted.wait_for(1, 0));
  send(SIGTERM);
  ASSERT_TRUE(counted.wait_for(1, 1));
}

TEST(TerminationSignals, AnInterruptCountsLikeATermination) {
  counted_signals counted;
  counted.watch();
  send(SIGINT);
  ASSERT_TRUE(counted.wait_for(1, 0));
  send(SIGTERM);
  ASSERT_TRUE(counted.wait_for(1, 1));
}

TEST(TerminationSignals, AClosedTerminalCountsLikeATermination) {
  counted_signals counted;
  counted.watch();
  send(SIGHUP);
  ASSERT_TRUE(counted.wait_for(1, 0));
}

TEST(TerminationSignals, AClosedTerminalIsNothingToAProgramThatIgnoresIt) {
  ::signal(SIGHUP, SIG_IGN);
  counted_signals counted;
  counted.watch();
  send(SIGHUP);
  send(SIGTERM);
  ASSERT_TRUE(counted.wait_for(1, 0));
  send(SIGTERM);
  ASSERT_TRUE(counted.wait_for(1, 1));
  // Where a test before blocked it, it is pending, and this discards it (sigaction(2)).
  ::signal(SIGHUP, SIG_IGN);
  ::signal(SIGHUP, SIG_DFL);
}

TEST(TerminationSignals, SeesASignalThatCameBeforeItWatched) {
  counted_signals counted;
  send(SIGTERM);
  counted.watch();
  EXPECT_TRUE(counted.wait_for(1, 0));
}

TEST(TerminationSignals, AsksForAReportAsOftenAsItIsSent) {
  counted_signals counted;
  counted.watch();
  for (int reports = 1; reports <= 3; ++reports) {
    send(SIGUSR1);
    ASSERT_TRUE(counted.wait_for(0, 0, reports));
  }
  send(SIGTERM);
  ASSERT_TRUE(counted.wait_for(1, 0, 3));
  send(SIGUSR1);
  send(SIGTERM);
  ASSERT_TRUE(counted.wait_for(1, 1, 3)) << "a report is no second signal";
}

TEST(TerminationSignals, StopsWithoutAnySignal) {
  counted_signals counted;
  counted.watch();
  counted.stop();
  counted.stop();
  EXPECT_TRUE(counted.wait_for(0, 0));
}

TEST(TerminationSignals, StopsBetweenTheSignals) {
  counted_signals counted;
  counted.watch();
  send(SIGTERM);
  ASSERT_TRUE(counted.wait_for(1, 0));
  counted.stop();
  EXPECT_TRUE(counted.wait_for(1, 0));
}

TEST(TerminationSignals, IgnoresBrokenPipes) {
  const termination_signals signals;
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ::close(ends[0]);
  EXPECT_EQ(::write(ends[1], "x", 1), -1);
  EXPECT_EQ(errno, EPIPE);
  ::close(ends[1]);
}

}  // namespace
