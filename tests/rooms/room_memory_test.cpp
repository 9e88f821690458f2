#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <switchboard/budget/ledger.hpp>
#include <switchboard/rooms/room_memory.hpp>

namespace switchboard::rooms {
namespace {

constexpr auto step = room_memory::step;

/// Keeps a number of bytes, of which some can go.
class fake_keeper final : public room_memory::keeper {
public:
  fake_keeper(std::shared_ptr<room_memory> in, std::size_t bytes, std::size_t fixed = 0, std::size_t own = 0)
      : room_memory::keeper(own), in_(std::move(in)), bytes_(bytes), fixed_(fixed) {
    in_->update(*this);
  }
  ~fake_keeper() { in_->forget(*this); }

  void keep(std::size_t bytes) {
    bytes_ = bytes;
    in_->update(*this);
  }
  std::size_t bytes() const noexcept { return bytes_; }

private:
  std::size_t footprint() const noexcept override { return bytes_; }
  bool release_oldest() noexcept override {
    if (bytes_ < fixed_ + step) return false;
    bytes_ -= step;
    return true;
  }

  const std::shared_ptr<room_memory> in_;
  std::size_t bytes_;
  const std::size_t fixed_;
};

TEST(RoomMemory, CountsAKeeperInStepsAndOneAtLeast) {
  const auto memory = std::make_shared<room_memory>(1'000 * step);
  {
    fake_keeper own{memory, 0};
    EXPECT_EQ(memory->used(), step);
    own.keep(5 * step + 1);
    EXPECT_EQ(memory->used(), 6 * step);
  }
  EXPECT_EQ(memory->used(), 0u);
}

TEST(RoomMemory, HasTheOneThatKeepsMostReleaseAndNoOther) {
  const auto memory = std::make_shared<room_memory>(100 * step);
  const fake_keeper large{memory, 60 * step};
  fake_keeper small{memory, 10 * step};
  small.keep(45 * step);
  EXPECT_EQ(small.bytes(), 45 * step);
  EXPECT_LT(large.bytes(), 60 * step);
  EXPECT_LE(memory->used(), memory->limit());
}

TEST(RoomMemory, EvensOutTheLargest) {
  const auto memory = std::make_shared<room_memory>(100 * step);
  const fake_keeper one{memory, 40 * step};
  const fake_keeper other{memory, 39 * step};
  const fake_keeper quiet{memory, 5 * step};
  fake_keeper third{memory, 0};
  third.keep(30 * step);
  EXPECT_EQ(quiet.bytes(), 5 * step);
  EXPECT_NEAR(static_cast<double>(one.bytes()), static_cast<double>(other.bytes()), step);
  EXPECT_LE(memory->used(), memory->limit());
}

TEST(RoomMemory, TurnsToTheNextWhereTheLargestHasNothingToRelease) {
  const auto memory = std::make_shared<room_memory>(100 * step);
  const fake_keeper fixed{memory, 60 * step, 60 * step};
  fake_keeper second{memory, 10 * step};
  second.keep(50 * step);
  EXPECT_EQ(fixed.bytes(), 60 * step);
  EXPECT_LT(second.bytes(), 40 * step);
}

TEST(RoomMemory, EndsWhereNothingCanBeReleased) {
  const auto memory = std::make_shared<room_memory>(step);
  const fake_keeper one{memory, 60 * step, 60 * step};
  const fake_keeper other{memory, 50 * step, 50 * step};
  EXPECT_GT(memory->used(), memory->limit());
}

TEST(RoomMemory, ShowsInTheServersLedger) {
  const auto server = std::make_shared<budget::ledger>(std::size_t{1} << 30);
  const auto memory = std::make_shared<room_memory>(1'000 * step, server);
  {
    const fake_keeper own{memory, 500 * step};
    EXPECT_GE(server->used_by(budget::owner::room), 500 * step);
  }
  EXPECT_LE(server->used_by(budget::owner::room), budget::account::slack);
}

TEST(RoomMemory, HasMessagesMakeWayForWhatRoomsAre) {
  const auto server = std::make_shared<budget::ledger>(std::size_t{1} << 30);
  const auto memory = std::make_shared<room_memory>(20 * step, server);
  const fake_keeper full{memory, 18 * step};
  {
    const fake_keeper empty{memory, 0, 0, 9 * step};
    EXPECT_LE(full.bytes(), 10 * step);
    EXPECT_GE(server->used_by(budget::owner::room), 18 * step);
  }
  EXPECT_LE(server->used_by(budget::owner::room), 10 * step + budget::account::slack + budget::account::step);
}

TEST(RoomMemory, HasNoPlaceForARoomMoreWhereRoomsTakeHalfOfIt) {
  const auto memory = std::make_shared<room_memory>(20 * step);
  const fake_keeper full{memory, 19 * step};
  const fake_keeper one{memory, 0, 0, 5 * step};
  EXPECT_TRUE(memory->has_place_for(5 * step));
  const fake_keeper other{memory, 0, 0, 5 * step};
  EXPECT_FALSE(memory->has_place_for(5 * step));
}

TEST(RoomMemory, HoldsItsBoundWhileManyThreadsGrow) {
  const auto memory = std::make_shared<room_memory>(64 * step);
  /// As a log: its own lock, taken by its thread and by those that have it release.
  class locked_keeper final : public room_memory::keeper {
  public:
    explicit locked_keeper(std::shared_ptr<room_memory> in) : in_(std::move(in)) {}
    ~locked_keeper() { in_->forget(*this); }
    void grow(std::size_t by) {
      {
        const std::lock_guard lock{mutex_};
        bytes_ += by;
      }
      in_->update(*this);
    }

  private:
    std::size_t footprint() const noexcept override {
      const std::lock_guard lock{mutex_};
      return bytes_;
    }
    bool release_oldest() noexcept override {
      const std::lock_guard lock{mutex_};
      if (bytes_ < step) return false;
      bytes_ -= step;
      return true;
    }
    const std::shared_ptr<room_memory> in_;
    mutable std::mutex mutex_;
    std::size_t bytes_ = 0;
  };
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&memory, i] {
      locked_keeper own{memory};
      for (int n = 0; n < 5'000; ++n) own.grow(static_cast<std::size_t>(100 * (i + 1)));
      EXPECT_LE(memory->used(), memory->limit() + 4 * step);
    });
  threads.clear();
  EXPECT_EQ(memory->used(), 0u);
}

}  // namespace
}  // namespace switchboard::rooms
