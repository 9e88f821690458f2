#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <switchboard/metrics/registry.hpp>

namespace switchboard::metrics {
namespace {

using namespace std::chrono_literals;

constexpr std::array<std::uint64_t, 3> few_bounds{1, 10, 100};
constexpr buckets few{"few", unit::none, few_bounds};
constexpr std::array<std::uint64_t, 2> second_bounds{1'000'000, 1'000'000'000};
constexpr buckets times{"times", unit::seconds, second_bounds};

TEST(Buckets, CountAValueWhereASearchOfAllBoundsFindsIt) {
  for (const auto* const each : {&latency, &batch, &few}) {
    std::vector<std::uint64_t> values{0, 1, ~std::uint64_t{0}};
    for (const auto bound : each->bounds) values.insert(values.end(), {bound - 1, bound, bound + 1});
    for (int width = 1; width != 64; ++width)
      values.insert(values.end(), {(std::uint64_t{1} << width) - 1, std::uint64_t{1} << width});
    for (const auto value : values) {
      const auto found = std::ranges::lower_bound(each->bounds, value);
      EXPECT_EQ(each->of(value), static_cast<std::size_t>(found - each->bounds.begin())) << each->name << ' ' << value;
    }
  }
}

TEST(Registry, ReadsWhatACounterCounted) {
  registry figures;
  const auto opened = figures.new_counter("opened_total", "Opened.");
  opened.add();
  opened.add(41);
  EXPECT_EQ(opened.value(), 42u);
  EXPECT_EQ(figures.read().value("opened_total"), 42);
}

TEST(Registry, ReadsAFigureThatNeverCountedAsZero) {
  registry figures;
  (void)figures.new_counter("opened_total", "Opened.");
  const auto all = figures.read();
  ASSERT_NE(all.find("opened_total", {}), nullptr);
  EXPECT_EQ(all.value("opened_total"), 0);
}

TEST(Registry, AddsUpAGaugeThatOneThreadRaisesAndAnotherLowers) {
  registry figures;
  const auto open = figures.new_gauge("open", "Open now.");
  open.add(5);
  std::thread([&] { open.subtract(7); }).join();
  EXPECT_EQ(open.value(), -2);
  EXPECT_EQ(figures.read().value("open"), -2);
}

TEST(Registry, KeepsASeriesForEachCombinationOfLabels) {
  registry figures;
  const auto ended = figures.counters("ended_total", "Ended.", {"method", "code"});
  ended.with({"a/B", "OK"}).add(3);
  ended.with({"a/B", "INTERNAL"}).add(1);
  ended.with({"a/C", "OK"}).add(5);
  const auto all = figures.read();
  EXPECT_EQ(all.value("ended_total", {"a/B", "OK"}), 3);
  EXPECT_EQ(all.value("ended_total", {"a/B", "INTERNAL"}), 1);
  EXPECT_EQ(all.value("ended_total", {"a/C", "OK"}), 5);
  EXPECT_EQ(all.value("ended_total", {"a/C", "INTERNAL"}), 0);
  EXPECT_EQ(all.total("ended_total"), 9);
}

TEST(Registry, ANameRegisteredAgainIsTheSameFigure) {
  registry figures;
  const auto one = figures.counters("closed_total", "Closed.", {"reason"}).with({"idle"});
  const auto same = figures.counters("closed_total", "Closed.", {"reason"}).with({"idle"});
  one.add();
  same.add();
  EXPECT_EQ(one.value(), 2u);
  EXPECT_EQ(figures.read().families.size(), 1u);
}

TEST(Registry, TwoRegistriesCountApart) {
  registry one, other;
  const auto of_one = one.new_counter("opened_total", "Opened.");
  const auto of_other = other.new_counter("opened_total", "Opened.");
  of_one.add();
  EXPECT_EQ(of_other.value(), 0u);
}

TEST(Registry, SeriesBeyondTheLimitShareOne) {
  registry figures;
  const auto calls = figures.counters("calls_total", "Calls.", {"method", "code"});
  for (std::size_t i = 0; i < registry::series_max; ++i) calls.with({std::to_string(i), "OK"}).add();
  for (std::size_t i = 0; i < 10; ++i) calls.with({"late" + std::to_string(i), "OK"}).add();
  calls.with({"7", "OK"}).add();
  const auto all = figures.read();
  EXPECT_EQ(all.find("calls_total")->series.size(), registry::series_max + 1);
  EXPECT_EQ(all.value("calls_total", {"other", "other"}), 10);
  EXPECT_EQ(all.value("calls_total", {"7", "OK"}), 2);
}

TEST(Registry, ManyFiguresDoNotOverlap) {
  registry figures;
  std::vector<counter> each;
  for (std::uint64_t i = 0; i < 3 * rows_per_block; ++i) {
    each.push_back(figures.new_counter("a" + std::to_string(i) + "_total", "Some."));
    each.back().add(i);
  }
  for (std::uint64_t i = 0; i < each.size(); ++i) EXPECT_EQ(each[i].value(), i);
}

TEST(Registry, AnInstrumentWithoutARegistryCountsNothing) {
  counter().add();
  gauge().subtract();
  histogram().observe(1);
  histogram().observe(1ms);
  EXPECT_EQ(counter().value(), 0u);
}

class mailer {
public:
  explicit mailer(std::shared_ptr<metrics::registry> figures)
      : figures_(std::move(figures)), sent_(figures_->new_counter("mailer_letters_sent_total", "Letters sent.")) {}
  void send() { sent_.add(); }

private:
  const std::shared_ptr<metrics::registry> figures_;
  const metrics::counter sent_;
};

TEST(Registry, TakesAProgramsOwnFigures) {
  const auto figures = std::make_shared<registry>();
  mailer post{figures};
  post.send();
  EXPECT_EQ(figures->read().value("mailer_letters_sent_total"), 1);
}

TEST(Registry, GivesNewFiguresWhileOthersCount) {
  registry figures;
  const auto steady = figures.new_counter("steady_total", "Counted all the time.");
  std::jthread counting([&](std::stop_token end) {
    while (!end.stop_requested()) steady.add();
  });
  for (int i = 0; i < 1'000; ++i) figures.counters("new_total", "New.", {"which"}).with({std::to_string(i)}).add();
  EXPECT_EQ(figures.read().total("new_total"), 1'000);
}

TEST(Histogram, PutsAValueIntoTheFirstBucketThatHoldsIt) {
  registry figures;
  const auto sizes = figures.new_histogram("sizes", "Sizes.", few);
  for (const std::uint64_t value : {0, 1, 2, 10, 11, 100, 101, 5'000}) sizes.observe(value);
  const auto all = figures.read();
  const auto* const read = all.find("sizes", {});
  EXPECT_EQ(read->buckets, (std::vector<std::uint64_t>{2, 2, 2, 2}));
  EXPECT_EQ(read->value, 8);
  EXPECT_EQ(read->sum, 5'225);
  EXPECT_EQ(all.find("sizes")->bounds, (std::vector<double>{1, 10, 100}));
}

TEST(Histogram, ReadsDurationsInSeconds) {
  registry figures;
  const auto durations = figures.new_histogram("took_seconds", "Took.", times);
  durations.observe(1ms);
  durations.observe(250ms);
  durations.observe(2s);
  durations.observe(-1s);
  const auto all = figures.read();
  EXPECT_EQ(all.find("took_seconds")->bounds, (std::vector<double>{0.001, 1}));
  EXPECT_EQ(all.find("took_seconds", {})->buckets, (std::vector<std::uint64_t>{2, 1, 1}));
  EXPECT_DOUBLE_EQ(all.find("took_seconds", {})->sum, 2.251);
}

TEST(Histogram, ItsNamedBucketsAscend) {
  for (const auto& each : {latency, batch}) {
    EXPECT_LE(each.bounds.size(), buckets_max);
    for (std::size_t i = 1; i < each.bounds.size(); ++i) EXPECT_LT(each.bounds[i - 1], each.bounds[i]) << each.name;
  }
}

TEST(Snapshot, SaysWhatAFamilyIs) {
  registry figures;
  (void)figures.counters("in_bytes_total", "Bytes that came in.", {"port"});
  (void)figures.new_histogram("wait_seconds", "How long.", times);
  const auto all = figures.read();
  const auto* const bytes = all.find("in_bytes_total");
  EXPECT_EQ(bytes->help, "Bytes that came in.");
  EXPECT_EQ(bytes->kind, kind::counter);
  EXPECT_EQ(bytes->unit, unit::bytes);
  EXPECT_EQ(bytes->labels, std::vector<std::string>{"port"});
  EXPECT_EQ(bytes->buckets, "");
  EXPECT_EQ(all.find("wait_seconds")->kind, kind::histogram);
  EXPECT_EQ(all.find("wait_seconds")->unit, unit::seconds);
  EXPECT_EQ(all.find("wait_seconds")->buckets, "times");
}

TEST(Snapshot, IsInTheOrderOfNamesAndLabels) {
  registry figures;
  (void)figures.new_counter("b_total", "B.");
  const auto a = figures.counters("a_total", "A.", {"l"});
  (void)a.with({"z"});
  (void)a.with({"y"});
  const auto all = figures.read();
  ASSERT_EQ(all.families.size(), 2u);
  EXPECT_EQ(all.families[0].name, "a_total");
  EXPECT_EQ(all.families[0].series[0].labels, std::vector<std::string>{"y"});
}

TEST(Snapshot, OutlivesItsRegistry) {
  auto figures = std::make_unique<registry>();
  figures->new_counter("opened_total", "Opened.").add();
  const auto all = figures->read();
  figures.reset();
  EXPECT_EQ(all.value("opened_total"), 1);
}

TEST(Snapshot, ReadsWhatIsNotThereAsZero) {
  registry figures;
  const auto all = figures.read();
  EXPECT_EQ(all.find("none_total"), nullptr);
  EXPECT_EQ(all.value("none_total"), 0);
  EXPECT_EQ(all.total("none_total"), 0);
}

TEST(RegistryDeathTest, RefusesNamesAgainstTheRules) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  registry figures;
  EXPECT_DEATH((void)figures.new_counter("opened", "Opened."), "_total");
  EXPECT_DEATH((void)figures.new_gauge("open_total", "Open."), "_total");
  EXPECT_DEATH((void)figures.new_counter("Opened_total", "Opened."), "lower-case");
  EXPECT_DEATH((void)figures.counters("opened_total", "Opened.", {"le"}), "label");
  EXPECT_DEATH((void)figures.new_histogram("took", "Took.", times), "unit");
  EXPECT_DEATH((void)figures.new_counter("opened_total", ""), "sentence");
}

TEST(RegistryDeathTest, RefusesOneNameForTwoFigures) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  registry figures;
  (void)figures.new_counter("opened_total", "Opened.");
  EXPECT_DEATH((void)figures.counters("opened_total", "Opened.", {"reason"}), "two different");
  EXPECT_DEATH((void)figures.new_counter("opened_total", "Something else."), "two different");
}

TEST(RegistryDeathTest, RefusesANumberWhereDurationsBelong) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  registry figures;
  const auto durations = figures.new_histogram("took_seconds", "Took.", times);
  EXPECT_DEATH(durations.observe(std::uint64_t{5}), "durations");
}

}  // namespace
}  // namespace switchboard::metrics
