#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <iostream>
#include <memory>
#include <optional>
#include <random>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <switchboard/budget/account.hpp>
#include <switchboard/budget/ledger.hpp>

namespace switchboard::budget {
namespace {

using namespace std::chrono_literals;

constexpr auto step = account::step;
constexpr std::size_t mib = std::size_t{1} << 20;

std::shared_ptr<ledger> ledger_of(std::size_t total) {
  return std::make_shared<ledger>(total);
}

/// An owner that notes how often it was asked to end.
struct asked_holder final : holder {
  void on_shortage() noexcept override { ++times; }
  std::atomic<int> times{0};
};

TEST(Account, HoldsOneStepFromItsBeginningToItsEnd) {
  const auto memory = ledger_of(mib);
  {
    const account own{memory, owner::room};
    EXPECT_EQ(memory->used(), step);
    EXPECT_EQ(memory->used_by(owner::room), step);
  }
  EXPECT_EQ(memory->used(), 0u);
  EXPECT_EQ(memory->used_by(owner::room), 0u);
}

TEST(Account, CostsTheLedgerNothingMoreWithinItsFirstStep) {
  const auto memory = ledger_of(mib);
  account own{memory, owner::connection};
  own.charge(step);
  EXPECT_EQ(memory->used(), step);
  own.charge(1);
  EXPECT_EQ(memory->used(), 2 * step);
}

TEST(Account, KeepsSomeStepsThatItDoesNotNeedAtTheMoment) {
  const auto memory = ledger_of(mib);
  account own{memory, owner::connection};
  own.charge(account::slack);
  own.release(account::slack);
  EXPECT_EQ(memory->used(), account::slack);
  own.charge(account::slack + 1);
  own.release(account::slack + 1);
  EXPECT_EQ(memory->used(), step);
}

TEST(Account, GivesBackWhatItHeldAtItsEnd) {
  const auto memory = ledger_of(mib);
  {
    account own{memory, owner::stream};
    own.charge(100'000);
    EXPECT_GE(memory->used_by(owner::stream), 100'000u);
  }
  EXPECT_EQ(memory->used(), 0u);
}

TEST(Account, ReservesNothingPastTheTotal) {
  const auto memory = ledger_of(4 * step);
  account own{memory, owner::connection};
  EXPECT_TRUE(own.try_reserve(4 * step));
  EXPECT_FALSE(own.try_reserve(1));
  EXPECT_EQ(own.used(), 4 * step);
  EXPECT_EQ(memory->used(), 4 * step);
}

TEST(Account, CountsWhatIsSpentAlsoPastTheTotal) {
  const auto memory = ledger_of(2 * step);
  account own{memory, owner::room};
  own.charge(10 * step);
  EXPECT_EQ(memory->used(), 10 * step);
  EXPECT_TRUE(memory->is_short());
  EXPECT_FALSE(own.try_reserve(1));
}

TEST(Account, HoldsWhatItsOwnerHasAddedUp) {
  const auto memory = ledger_of(mib);
  account own{memory, owner::connection};
  own.hold(50'000);
  own.hold(20'000);
  EXPECT_EQ(own.used(), 20'000u);
  EXPECT_EQ(memory->used(), 5 * step);
}

TEST(AccountDeathTest, TreatsAReleaseOfMoreThanIsHeldAsAFault) {
  account own{ledger_of(mib), owner::connection};
  own.charge(10);
  EXPECT_DEATH(own.release(11), "more than it held");
}

TEST(Ledger, AsksTheConnectionThatHoldsMostToEndWhenItIsShort) {
  const auto memory = ledger_of(mib);
  asked_holder small, large, idle;
  account of_small{memory, owner::connection, &small};
  account of_large{memory, owner::connection, &large};
  const account of_idle{memory, owner::connection, &idle};
  of_large.charge(mib - 10 * step);
  EXPECT_EQ(large.times, 0);
  of_small.charge(20 * step);
  EXPECT_EQ(large.times, 1);
  EXPECT_EQ(small.times, 0);
  EXPECT_EQ(idle.times, 0);
}

TEST(Ledger, AsksNoOtherForWhatTheOneThatWasAskedIsStillToGiveBack) {
  const auto memory = ledger_of(mib);
  asked_holder first, second;
  auto of_first = std::make_unique<account>(memory, owner::connection, &first);
  account of_second{memory, owner::connection, &second};
  of_first->charge(2 * mib);
  of_second.charge(mib - step);
  EXPECT_EQ(first.times, 1);
  EXPECT_EQ(second.times, 0);
  of_first = nullptr;
  EXPECT_EQ(second.times, 0);
}

TEST(Ledger, AsksAnotherWhenThoseThatWereAskedHaveNotEnough) {
  const auto memory = ledger_of(mib);
  asked_holder first, second, third;
  account of_first{memory, owner::connection, &first};
  account of_second{memory, owner::connection, &second};
  const account of_third{memory, owner::connection, &third};
  of_first.charge(2 * mib);
  of_first.release(2 * mib - 30 * step);
  EXPECT_EQ(second.times, 0);
  of_second.charge(mib + step);
  EXPECT_EQ(first.times, 1);
  EXPECT_EQ(second.times, 1) << "the first is slow to end, and has little left";
  EXPECT_EQ(third.times, 0);
}

TEST(Ledger, AsksNoneTwice) {
  const auto memory = ledger_of(mib);
  asked_holder whose;
  account own{memory, owner::connection, &whose};
  for (int i = 0; i < 10; ++i) own.charge(mib);
  EXPECT_EQ(whose.times, 1);
}

TEST(Ledger, AsksAsManyAsAreToEndForWhatOthersTook) {
  const auto memory = ledger_of(9 * mib);
  std::array<asked_holder, 8> holders;
  std::array<std::optional<account>, 8> accounts;
  for (std::size_t i = 0; i < accounts.size(); ++i)
    accounts[i].emplace(memory, owner::connection, &holders[i]).charge((i + 1) * mib / 8);
  account of_rooms{memory, owner::room};
  of_rooms.charge(5 * mib);
  account of_another{memory, owner::stream};
  EXPECT_EQ(holders[7].times, 1);
  EXPECT_EQ(holders[6].times, 0) << "one mebibyte was enough";
  of_rooms.charge(3 * mib / 2);
  EXPECT_EQ(holders[6].times, 1);
  EXPECT_EQ(holders[5].times, 1) << "seven eighths of a mebibyte were not";
  EXPECT_EQ(holders[4].times, 0);
}

TEST(Ledger, AsksNoOtherWhenTheOneThatLeftWasEnough) {
  const auto memory = ledger_of(mib);
  asked_holder first, second;
  auto of_first = std::make_unique<account>(memory, owner::connection, &first);
  account of_second{memory, owner::connection, &second};
  of_second.charge(mib / 4);
  of_first->charge(mib);
  of_first = nullptr;
  of_second.charge(mib / 4);
  EXPECT_EQ(first.times, 1);
  EXPECT_EQ(second.times, 0);
}

TEST(Ledger, AsksOneAgainThatHeldNothingMeanwhile) {
  const auto memory = ledger_of(mib);
  asked_holder whose;
  account own{memory, owner::connection, &whose};
  own.charge(2 * mib);
  own.hold(0);
  own.charge(step);
  EXPECT_EQ(whose.times, 1);
  own.charge(2 * mib);
  EXPECT_EQ(whose.times, 2);
}

TEST(Ledger, AsksAnotherWhenTheOneThatWasAskedHasLessToGiveBack) {
  const auto memory = ledger_of(mib);
  asked_holder first, second;
  account of_first{memory, owner::connection, &first};
  account of_second{memory, owner::connection, &second};
  of_second.charge(mib / 4);
  of_first.charge(mib);
  of_first.hold(mib / 8);
  of_second.charge(mib / 2);
  EXPECT_EQ(second.times, 0);
  account of_rooms{memory, owner::room};
  of_rooms.charge(mib / 2);
  EXPECT_EQ(second.times, 1);
}

TEST(Ledger, LeavesAloneConnectionsThatAreOnlyThere) {
  const auto memory = ledger_of(mib);
  asked_holder idle;
  account of_idle{memory, owner::connection, &idle};
  of_idle.charge(step);
  account of_rooms{memory, owner::room};
  of_rooms.charge(2 * mib);
  EXPECT_EQ(idle.times, 0);
}

TEST(Ledger, AsksThoseThatHoldLittleWhereNoneHoldsMuch) {
  const auto memory = ledger_of(mib);
  std::array<asked_holder, 100> holders;
  std::array<std::optional<account>, 100> accounts;
  for (std::size_t i = 0; i < accounts.size(); ++i)
    accounts[i].emplace(memory, owner::connection, &holders[i]).charge(3 * step);
  const auto asked = std::count_if(holders.begin(), holders.end(), [](const auto& each) { return each.times == 1; });
  EXPECT_EQ(static_cast<std::size_t>(asked), 100 - mib / (3 * step));
}

TEST(Ledger, IsExhaustedWhileThoseThatAreOnlyThereTakeItAll) {
  const auto memory = ledger_of(4 * step);
  asked_holder whose;
  std::array<std::optional<account>, 4> accounts;
  for (auto& each : accounts) each.emplace(memory, owner::connection, &whose);
  EXPECT_FALSE(memory->is_exhausted());
  std::optional<account> one_more{std::in_place, memory, owner::connection, &whose};
  EXPECT_TRUE(memory->is_exhausted());
  one_more.reset();
  EXPECT_FALSE(memory->is_exhausted());
  EXPECT_EQ(whose.times, 0);
}

TEST(Ledger, IsExhaustedOnlyWhenItIsPassedByMuchWhileThoseThatWereAskedEnd) {
  const auto memory = ledger_of(80 * step);
  asked_holder whose;
  account own{memory, owner::connection, &whose};
  own.charge(85 * step);
  EXPECT_TRUE(memory->is_short());
  EXPECT_FALSE(memory->is_exhausted());
  own.charge(6 * step);
  EXPECT_TRUE(memory->is_exhausted());
}

TEST(Ledger, TellsItsObserverOfEachChange) {
  struct : observer {
    void changed(owner of, std::int64_t bytes) noexcept override { held[static_cast<std::size_t>(of)] += bytes; }
    std::array<std::int64_t, owners> held{};
  } seen;
  const auto memory = std::make_shared<ledger>(mib, &seen);
  account own{memory, owner::journal};
  own.charge(3 * step);
  EXPECT_EQ(seen.held[static_cast<std::size_t>(owner::journal)], static_cast<std::int64_t>(3 * step));
  own.release(3 * step);
  EXPECT_EQ(seen.held[static_cast<std::size_t>(owner::journal)], static_cast<std::int64_t>(step));
}

/// What the ledger is to count, from what each owner holds alone.
struct model {
  std::size_t held = 0;
  std::size_t drawn = step;

  void hold(std::size_t bytes) {
    held = bytes;
    if (bytes > drawn || drawn - bytes > account::slack) drawn = std::max(step, (bytes + step - 1) / step * step);
  }
};

TEST(LedgerProperty, CountsAsTheSumOfItsAccounts) {
  const auto seed = std::random_device{}();
  std::cout << "seed " << seed << '\n';
  std::mt19937 dice{seed};
  const auto up_to = [&](std::size_t most) { return std::uniform_int_distribution<std::size_t>{0, most}(dice); };
  constexpr std::size_t total = 64 * step;
  const auto memory = ledger_of(total);
  std::array<std::optional<account>, 5> accounts;
  std::array<model, 5> models;
  const auto sum = [&] {
    std::size_t all = 0;
    for (std::size_t i = 0; i < accounts.size(); ++i)
      if (accounts[i]) all += models[i].drawn;
    return all;
  };
  for (int round = 0; round < 20'000; ++round) {
    const auto at = up_to(accounts.size() - 1);
    auto& own = accounts[at];
    auto& expected = models[at];
    if (!own) {
      own.emplace(memory, owner::room);
      expected = {};
    }
    const auto bytes = up_to(10 * step);
    switch (up_to(9)) {
      case 0:
        own.reset();
        break;
      case 1:
      case 2: {
        const auto wanted = expected.held + bytes;
        const auto drawn = std::max(expected.drawn, (wanted + step - 1) / step * step);
        const bool fits = drawn == expected.drawn || sum() - expected.drawn + drawn <= total;
        ASSERT_EQ(own->try_reserve(bytes), fits) << "round " << round;
        if (fits) expected = {wanted, drawn};
        break;
      }
      case 3:
      case 4:
        own->charge(bytes);
        expected.hold(expected.held + bytes);
        break;
      case 5:
        own->hold(bytes);
        expected.hold(bytes);
        break;
      default: {
        const auto part = up_to(expected.held);
        own->release(part);
        expected.hold(expected.held - part);
      }
    }
    ASSERT_EQ(memory->used(), sum()) << "round " << round;
    if (own) {
      ASSERT_EQ(own->used(), expected.held) << "round " << round;
      ASSERT_LE(own->used(), own->drawn());
      ASSERT_LE(own->drawn() - own->used(), std::max(step, account::slack));
    }
  }
}

TEST(LedgerThreads, CountsWhatManyThreadsHoldAndGiveBack) {
  const auto memory = ledger_of(mib);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&memory, i] {
      asked_holder whose;
      for (int round = 0; round < 200; ++round) {
        account own{memory, owner::connection, &whose};
        for (std::size_t n = 1; n <= 50; ++n) own.hold(n * 3000 * static_cast<std::size_t>(i + 1));
        (void)own.try_reserve(mib);
      }
    });
  for (auto& each : threads) each.join();
  EXPECT_EQ(memory->used(), 0u);
  EXPECT_EQ(memory->used_by(owner::connection), 0u);
}

TEST(LedgerThreads, AsksAnOwnerOfAnotherThreadOnlyWhileItsAccountIsThere) {
  const auto memory = ledger_of(16 * step);
  std::jthread greedy([&memory](const std::stop_token& done) {
    account own{memory, owner::room};
    while (!done.stop_requested()) {
      own.charge(32 * step);
      own.release(32 * step);
    }
  });
  int asked = 0;
  for (const auto deadline = std::chrono::steady_clock::now() + 60s; asked < 20;) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline);
    asked_holder whose;
    {
      account own{memory, owner::connection, &whose};
      own.charge(4 * step);
    }
    asked += whose.times;
    whose.times = -1'000'000;  // an owner that is asked after its end would show
  }
}

}  // namespace
}  // namespace switchboard::budget
