#include "report/svg.hpp"

#include "report/plots.hpp"

#include <gtest/gtest.h>

namespace switchboard::bench {
namespace {

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

plot two_lines() {
  return {.title = "t",
          .x_label = "x",
          .y_label = "y",
          .lines = {{"one", {{1, 10, {}, {}}, {100, 20, 15, 25}}}, {"other", {{1, 5, {}, {}}}}}};
}

experiment echo_with(double connections) {
  experiment of{
      .workload = "echo", .parameters = {{"connections", connections, "connections", ""}}, .result = "message"};
  auto& made = of.servers.emplace_back();
  made.server = "ours";
  made.rates = {1000};
  made.cpu_per_result = {2};
  made.latency.add(std::chrono::microseconds(20));
  return of;
}

TEST(Svg, HasALineAndALegendForEachSeries) {
  const auto svg = to_svg({two_lines()});
  EXPECT_EQ(count_of(svg, "<polyline"), 2u);
  EXPECT_EQ(count_of(svg, ">one</text>"), 1u);
  EXPECT_EQ(count_of(svg, ">other</text>"), 1u);
}

TEST(Svg, EscapesNames) {
  auto of = two_lines();
  of.title = "a < b & c";
  EXPECT_EQ(count_of(to_svg({of}), "a &lt; b &amp; c"), 1u);
}

TEST(Svg, SaysHowManyLinesAreNotDrawn) {
  auto of = two_lines();
  of.lines.assign(plot::lines_max + 3, of.lines.front());
  const auto svg = to_svg({of});
  EXPECT_EQ(count_of(svg, "<polyline"), plot::lines_max);
  EXPECT_EQ(count_of(svg, "and 3 more"), 1u);
}

TEST(Svg, HasColoursForDarkPages) {
  EXPECT_EQ(count_of(to_svg({two_lines()}), "prefers-color-scheme: dark"), 1u);
}

TEST(Plots, ShowLatencyAloneWhereNothingVaries) {
  const auto plots = plots_of({echo_with(10)});
  ASSERT_EQ(plots.size(), 1u);
  EXPECT_EQ(plots[0].title, "echo: latency");
  EXPECT_EQ(plots[0].lines.front().points.size(), plots[0].x_names.size());
}

TEST(Plots, ShowLatenciesApartWhereSeveralParametersVary) {
  auto one = echo_with(1), other = echo_with(100);
  one.parameters.push_back({"outstanding_per_connection", 1, "outstanding", ""});
  other.parameters.push_back({"outstanding_per_connection", 16, "outstanding", ""});
  const auto plots = plots_of({one, other});
  ASSERT_EQ(plots.size(), 2u);
  EXPECT_EQ(plots[1].title, "echo: latency, connections 100, outstanding 16");
  EXPECT_EQ(plots[1].lines.front().name, "ours");
}

TEST(Plots, ShowThroughputAndProcessorTimeByTheParameterThatVaries) {
  const auto plots = plots_of({echo_with(100), echo_with(1)});
  ASSERT_EQ(plots.size(), 3u);
  EXPECT_EQ(plots[0].lines.size(), 2u);
  EXPECT_EQ(plots[1].title, "echo: throughput by connections");
  ASSERT_EQ(plots[1].lines.size(), 1u);
  EXPECT_EQ(plots[1].lines[0].points[0].x, 1);
  EXPECT_EQ(plots[1].lines[0].points[1].x, 100);
  EXPECT_EQ(plots[2].title, "echo: processor time by connections");
}

}  // namespace
}  // namespace switchboard::bench
