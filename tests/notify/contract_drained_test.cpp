#include "notification_port_contract.hpp"

#include <atomic>

/// Rule N56: what an arm notifies whose caller says that the socket is drained.

namespace switchboard::notify {
namespace {

constexpr auto in_and_hangup = interest::in | interest::hangup;

TEST_P(NotificationPortDrained, N56NotifiesWhatArrivesLater) {
  begin(in_and_hangup);
  for (int round = 0; round < 100; ++round) {
    pass_message("again");
    arm_drained_for(in_and_hangup);
  }
  EXPECT_TRUE(is_quiet(port()));
}

TEST_P(NotificationPortDrained, N56NotifiesWhatArrivedBetweenReadAndEnable) {
  begin_fired(interest::in);
  for (int round = 0; round < 10; ++round) {
    arrive("between");
    arm_drained_for(interest::in);
    ASSERT_EQ(next(port()), packet_of(1, event::in)) << round;
    EXPECT_EQ(read_once(*pair.near), "between");
  }
}

TEST_P(NotificationPortDrained, N56NotifiesWhatWaitsCameAcrossBetweenReadAndEnable) {
  for (int arrivals = 1; arrivals <= 3; ++arrivals) {
    begin_fired(interest::in);
    for (int each = 0; each < arrivals; ++each) {
      arrive("x");
      EXPECT_TRUE(is_quiet(port())) << "it has fired";
    }
    arm_drained_for(interest::in);
    EXPECT_EQ(next(port()), packet_of(1, event::in)) << arrivals;
    EXPECT_EQ(drain(*pair.near), std::string(static_cast<std::size_t>(arrivals), 'x'));
  }
}

TEST_P(NotificationPortDrained, N56NotifiesAnEndThatCameWithTheLastBytes) {
  for (const auto filter : {interest::in, in_and_hangup}) {
    pair = make_link();
    begin(filter);
    send(*pair.far, "last");
    ASSERT_FALSE(pair.far->shutdown_write());
    const auto got = next(port());
    ASSERT_TRUE(got && has(got->events(), event::in));
    ASSERT_EQ(read_once(*pair.near), "last");
    arm_drained_for(filter);
    expect_end();
  }
}

TEST_P(NotificationPortDrained, N56NotifiesAnEndBetweenReadAndEnable) {
  for (const bool is_come_across : {false, true}) {
    pair = make_link();
    begin_fired(in_and_hangup);
    ASSERT_FALSE(pair.far->shutdown_write());
    await_readable(*pair.near);
    if (is_come_across) {
      EXPECT_TRUE(is_quiet(port()));
    }
    arm_drained_for(in_and_hangup);
    expect_end();
  }
}

TEST_P(NotificationPortDrained, N56NotifiesAnEndToCome) {
  for (const auto filter : {interest::in, in_and_hangup}) {
    pair = make_link();
    begin(filter);
    EXPECT_TRUE(is_quiet(port()));
    pair.far.reset();
    expect_end();
  }
}

TEST_P(NotificationPortDrained, N56NotifiesAReset) {
  for (const bool is_armed : {false, true}) {
    pair = make_link();
    begin_fired(in_and_hangup);
    if (is_armed) arm_drained_for(in_and_hangup);
    reset(pair);
    if (!is_armed) arm_drained_for(in_and_hangup);
    const auto got = next(port());
    ASSERT_TRUE(got);
    EXPECT_TRUE(has(got->events(), event::hangup | event::err));
  }
}

TEST_P(NotificationPortDrained, N56SaysNothingOfWriting) {
  begin_fired(interest::in);
  for (int round = 0; round < 3; ++round) {
    arm_drained_for(interest::in | interest::out);
    EXPECT_EQ(next(port()), packet_of(1, event::out)) << round;
    EXPECT_EQ(outcome_of_read(*pair.near), net::io_outcome::would_block);
  }
  arm_drained_for(interest::in);
  EXPECT_TRUE(is_quiet(port()));
  send(*pair.far, "x");
  EXPECT_EQ(next(port()), packet_of(1, event::in));
}

TEST_P(NotificationPortDrained, N56AnotherFilterIsLookedForAtOnce) {
  begin_fired(interest::in);
  pair.far.reset();
  await_readable(*pair.near);
  EXPECT_TRUE(is_quiet(port()));
  arm_drained_for(interest::hangup);
  EXPECT_EQ(next(port()), packet_of(1, event::hangup));
}

TEST_P(NotificationPortDrained, N56WithoutTheWordWhatWasThereIsNotified) {
  begin(interest::in);
  send(*pair.far, "read in chunks of four bytes");
  for (int chunk = 0; chunk < 7; ++chunk) {
    ASSERT_EQ(next(port()), packet_of(1, event::in)) << chunk;
    std::array<std::byte, 4> four;
    ASSERT_EQ(pair.near->read(four).bytes, four.size());
    ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::in)));
  }
  EXPECT_TRUE(is_quiet(port()));
}

TEST_P(NotificationPortDrained, N56ReaderMaySayWhatItsReadSaid) {
  begin_fired(interest::in);
  auto wanted = arm_drained(*pair.near, 1, interest::in);
  // Read in chunks of four bytes, the last one short or not.
  for (const std::size_t size : {49U, 48U, 6U, 4U}) {
    arrive(std::string(size, 'x'));
    for (std::size_t received = 0; received < size;) {
      ASSERT_FALSE(port().apply(wanted));
      ASSERT_EQ(next(port()), packet_of(1, event::in)) << received << " of " << size;
      std::array<std::byte, 4> chunk;
      const auto got = pair.near->read(chunk);
      received += got.bytes;
      wanted.known = got.drained ? hint::drained : hint::none;
    }
  }
}

/// The sender goes on where the reader has made room.
TEST_P(NotificationPortDrained, N56ReaderOfAFullConnectionIsNotifiedOfAllOfIt) {
  constexpr std::size_t enough = std::size_t{16} << 20;
  begin_fired(interest::in);
  auto wanted = arm_drained(*pair.near, 1, interest::in);
  std::array<std::byte, 64 * 1024> chunk;
  std::size_t sent = fill(*pair.far);
  for (std::size_t received = 0; received < sent;) {
    ASSERT_FALSE(port().apply(wanted));
    ASSERT_EQ(next(port()), packet_of(1, event::in)) << received << " of " << sent;
    const auto got = pair.near->read(chunk);
    received += got.bytes;
    wanted.known = got.drained ? hint::drained : hint::none;
    if (sent < enough) sent += fill(*pair.far);
  }
}

TEST_P(NotificationPortDrained, N56FiredIsSilentWhateverArrives) {
  begin(in_and_hangup);
  send(*pair.far, "x");
  ASSERT_TRUE(next(port()));
  for (int n = 0; n < 5; ++n) {
    send(*pair.far, "y");
    EXPECT_TRUE(is_quiet(port()));
  }
  reset(pair);
  EXPECT_TRUE(is_quiet_without_cpu(port()));
}

TEST_P(NotificationPortDrained, N56DisabledIsSilentAndArmedAnewLooks) {
  for (const bool is_fired : {false, true}) {
    begin(interest::in);
    if (is_fired) pass_message("x");
    ASSERT_FALSE(port().apply(disable(*pair.near)));
    arrive("y");
    EXPECT_TRUE(is_quiet_without_cpu(port()));
    ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::in)));
    EXPECT_EQ(next(port()), packet_of(1, event::in));
    EXPECT_EQ(read_once(*pair.near), "y");
  }
}

TEST_P(NotificationPortDrained, N56RemovalGivesOneEventAndThenNothing) {
  for (const bool is_fired : {false, true}) {
    begin(interest::in);
    if (is_fired) pass_message("x");
    ASSERT_FALSE(port().apply(remove(*pair.near)));
    EXPECT_EQ(port().apply(arm_drained(*pair.near, 1, interest::in)), errc::removing);
    EXPECT_EQ(next(port()), packet_of(1, event::remove));
    arrive("y");
    EXPECT_TRUE(is_quiet_without_cpu(port()));
    EXPECT_EQ(read_once(*pair.near), "y");
  }
}

TEST_P(NotificationPortDrained, N56WordAboutAnotherTriggerMeansNothing) {
  for (const auto how : {trigger::level | trigger::persistent, trigger::level}) {
    arrive("x");
    auto wanted = arm_drained(*pair.near, 1, interest::in);
    wanted.how = how;
    ASSERT_FALSE(port().apply(wanted));
    EXPECT_EQ(next(port()), packet_of(1, event::in));
    EXPECT_EQ(next(port()), packet_of(1, event::in));
    EXPECT_EQ(read_once(*pair.near), "x");
  }
}

/// Each socket's bytes come in bursts, so that edges are taken from the kernel by whichever thread waits: before the reader's
/// read, between it and the arm, and after that.
TEST_P(NotificationPortDrained, N56SeveralThreadsLoseNothing) {
  constexpr std::size_t links = 6;
  constexpr std::size_t threads = 3;
  constexpr std::uint64_t rounds = 200;
  struct reader {
    link ends;
    std::atomic<std::uint64_t> bytes = 0;
  };
  std::array<reader, links> readers;
  for (std::size_t each = 0; each < links; ++each) {
    readers[each].ends = make_link();
    ASSERT_FALSE(port().apply(arm(*readers[each].ends.near, each + 1, in_and_hangup)));
  }
  const auto drainers = serve_with(threads, [&](const packet& got) {
    auto& from = readers[got.key - 1];
    const auto count = read_once(*from.ends.near).size();
    EXPECT_FALSE(port().apply(arm_drained(*from.ends.near, got.key, in_and_hangup)));
    from.bytes += count;
  });
  std::uint64_t sent = 0;
  bool all_came = true;
  for (std::uint64_t round = 0; round < rounds && all_came; ++round) {
    const auto burst = 1 + round % 4;
    sent += burst;
    for (std::uint64_t n = 0; n < burst; ++n) {
      for (auto& each : readers) send(*each.ends.far, "x");
      if (round % 3 == 0) std::this_thread::yield();
    }
    all_came = eventually([&] { return std::ranges::all_of(readers, [&](auto& each) { return each.bytes == sent; }); });
    EXPECT_TRUE(all_came) << "round " << round;
  }
  EXPECT_FALSE(port().post(0, 0));
}

/// Streams that end in the middle of what is read, each by whichever thread was notified, in reads of which some are short.
TEST_P(NotificationPortDrained, N56SeveralThreadsSeeEveryEnd) {
  constexpr std::size_t links = 8;
  constexpr std::size_t threads = 3;
  struct reader {
    link ends;
    std::atomic<std::size_t> bytes = 0;
    std::atomic<bool> has_ended = false;
  };
  std::array<reader, links> readers;
  const auto drainers = serve_with(threads, [&](const packet& got) {
    auto& from = readers[got.key - 1];
    if (has(got.events(), event::remove)) {
      from.has_ended = true;
      return;
    }
    std::array<std::byte, 4> chunk;
    const auto read = from.ends.near->read(chunk);
    if (read.outcome == net::io_outcome::end_of_stream) {
      EXPECT_FALSE(port().apply(remove(*from.ends.near)));
      return;
    }
    from.bytes += read.bytes;
    auto wanted = arm(*from.ends.near, got.key, in_and_hangup);
    if (read.drained) wanted.known = hint::drained;
    EXPECT_FALSE(port().apply(wanted));
  });
  bool all_ended = true;
  for (std::size_t round = 0; round < 100 && all_ended; ++round) {
    for (std::size_t each = 0; each < links; ++each) {
      readers[each].ends = make_link();
      readers[each].bytes = 0;
      readers[each].has_ended = false;
      EXPECT_FALSE(port().apply(arm(*readers[each].ends.near, each + 1, in_and_hangup)));
    }
    std::size_t sent = 0;
    for (std::size_t piece = 0; piece <= round % 5; ++piece) {
      const std::string text(1 + (round + piece) % 6, 'x');
      sent += text.size();
      for (auto& each : readers) send(*each.ends.far, text);
      if (round % 3 == 0) std::this_thread::yield();
    }
    for (auto& each : readers) EXPECT_FALSE(each.ends.far->shutdown_write());
    all_ended =
        eventually([&] { return std::ranges::all_of(readers, [](auto& each) { return each.has_ended.load(); }); });
    EXPECT_TRUE(all_ended) << "round " << round;
    for (auto& each : readers) EXPECT_EQ(each.bytes, sent) << "round " << round;
  }
  EXPECT_FALSE(port().post(0, 0));
}

}  // namespace
}  // namespace switchboard::notify
