// How several servers are measured in one run.

#include "measure/measurement.hpp"

#include <gtest/gtest.h>

namespace switchboard::bench {
namespace {

using namespace std::chrono_literals;

/// Writes its letter for every slice.
class noted_load final : public load {
public:
  noted_load(std::string& notes, char letter, faults wrong = {}, faults at_the_end = {})
      : notes_(&notes), letter_(letter), wrong_(wrong), at_the_end_(at_the_end) {}

  load_slice run(std::chrono::nanoseconds duration) override {
    *notes_ += letter_;
    load_slice slice;
    slice.duration = duration;
    slice.results = 100;
    slice.latency.add(1us);
    slice.wrong = wrong_;
    return slice;
  }
  faults verify() override { return at_the_end_; }

private:
  std::string* notes_;
  char letter_;
  faults wrong_;
  faults at_the_end_;
};

experiment measured(std::vector<side> sides, std::size_t slices) {
  experiment of{.workload = "none", .result = "message", .plan = {.seconds = 1, .slices = slices}};
  progress quiet{stderr};
  measure(of, sides, quiet);
  return of;
}

TEST(Measurement, AlternatesWhoGoesFirst) {
  std::string notes;
  std::vector<side> sides;
  sides.emplace_back("a", std::make_unique<noted_load>(notes, 'a'));
  sides.emplace_back("b", std::make_unique<noted_load>(notes, 'b'));
  measured(std::move(sides), 3);
  EXPECT_EQ(notes,
            "ab"
            "ab"
            "ba"
            "ab");  // the first two warm up
}

TEST(Measurement, HasAFigureForEachSliceOfEachServer) {
  std::string notes;
  std::vector<side> sides;
  sides.emplace_back("a", std::make_unique<noted_load>(notes, 'a'));
  sides.emplace_back("b", std::make_unique<noted_load>(notes, 'b'));
  const auto of = measured(std::move(sides), 4);
  ASSERT_EQ(of.servers.size(), 2u);
  for (const auto& each : of.servers) {
    EXPECT_EQ(each.rates, std::vector<double>(4, 400));  // 100 in a quarter of a second
    EXPECT_EQ(each.cpu_per_result.size(), 4u);
    EXPECT_EQ(each.results, 400u);
    EXPECT_EQ(each.latency.count(), 4u);
  }
  EXPECT_TRUE(of.all_right());
}

TEST(Measurement, FailsWithWhatIsWrongInASliceAndAtTheEnd) {
  std::string notes;
  std::vector<side> sides;
  sides.emplace_back("a", std::make_unique<noted_load>(notes, 'a', faults{.lost = 1}, faults{.duplicated = 5}));
  const auto of = measured(std::move(sides), 2);
  EXPECT_FALSE(of.all_right());
  EXPECT_EQ(of.servers.front().wrong, (faults{.lost = 3, .duplicated = 5}));  // the slice that warms up is verified too
}

}  // namespace
}  // namespace switchboard::bench
