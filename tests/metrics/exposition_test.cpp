#include <array>
#include <chrono>
#include <string>

#include <gtest/gtest.h>

#include <switchboard/metrics/exposition.hpp>
#include <switchboard/metrics/registry.hpp>

namespace switchboard::metrics {
namespace {

TEST(Exposition, HasALineForEachSeries) {
  registry figures;
  const auto ended = figures.counters("ended_total", "Ended.", {"method", "code"});
  ended.with({"a/B", "OK"}).add(3);
  ended.with({"a/B", "INTERNAL"}).add();
  figures.new_gauge("open", "Open now.").add(5);
  EXPECT_EQ(exposition(figures.read()),
            "# HELP ended_total Ended.\n"
            "# TYPE ended_total counter\n"
            "ended_total{method=\"a/B\",code=\"INTERNAL\"} 1\n"
            "ended_total{method=\"a/B\",code=\"OK\"} 3\n"
            "# HELP open Open now.\n"
            "# TYPE open gauge\n"
            "open 5\n");
}

TEST(Exposition, AccumulatesTheBucketsOfAHistogram) {
  static constexpr std::array<std::uint64_t, 2> bounds{1'000'000, 1'500'000'000};
  static constexpr buckets times{"times", unit::seconds, bounds};
  registry figures;
  const auto took = figures.histograms("took_seconds", "Took.", times, {"what"}).with({"x"});
  took.observe(std::chrono::milliseconds{1});
  took.observe(std::chrono::milliseconds{500});
  took.observe(std::chrono::seconds{2});
  EXPECT_EQ(exposition(figures.read()),
            "# HELP took_seconds Took.\n"
            "# TYPE took_seconds histogram\n"
            "took_seconds_bucket{what=\"x\",le=\"0.001\"} 1\n"
            "took_seconds_bucket{what=\"x\",le=\"1.5\"} 2\n"
            "took_seconds_bucket{what=\"x\",le=\"+Inf\"} 3\n"
            "took_seconds_sum{what=\"x\"} 2.501\n"
            "took_seconds_count{what=\"x\"} 3\n");
}

TEST(Exposition, EscapesLabelValues) {
  registry figures;
  figures.counters("ended_total", "Ended.", {"what"}).with({"a\"b\\c\nd"}).add();
  EXPECT_NE(exposition(figures.read()).find("{what=\"a\\\"b\\\\c\\nd\"} 1\n"), std::string::npos);
}

}  // namespace
}  // namespace switchboard::metrics
