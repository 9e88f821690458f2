// The keys that programs rely on (framework/docs/benchmark.md, "JSON").

#include "report/json.hpp"

#include "json_reader.hpp"
#include "report/json_writer.hpp"

#include <limits>

#include <gtest/gtest.h>

namespace switchboard::bench {
namespace {

TEST(JsonWriter, WritesWhatReadsBackTheSame) {
  json_writer out;
  out.begin_object();
  out.member("a \"key\"\n", "a \\value\x01");
  out.member("number", 0.1);
  out.member("truth", true);
  out.member("no number", std::numeric_limits<double>::quiet_NaN());
  out.key("empty");
  out.begin_array();
  out.end_array();
  out.end_object();
  const auto object = read_json(out.text());
  EXPECT_EQ(member(object, "a \"key\"\n").string_value(), "a \\value\x01");
  EXPECT_EQ(member(object, "number").number_value(), 0.1);
  EXPECT_TRUE(member(object, "truth").bool_value());
  EXPECT_TRUE(member(object, "no number").has_null_value());
  EXPECT_EQ(member(object, "empty").list_value().values_size(), 0);
}

TEST(JsonReport, HasTheKeysOfItsPage) {
  experiment of{.workload = "echo", .parameters = {{"payload_bytes", 64, "payload", "B"}}, .result = "message"};
  for (const auto* name : {"ours", "theirs"}) {
    auto& made = of.servers.emplace_back();
    made.server = name;
    made.rates = {1000};
    made.cpu_per_result = {2};
    made.p50 = {10};
    made.latency.add(std::chrono::microseconds(20));
  }
  of.missing = {{"redis-server", "redis-server"}};
  const auto report = read_json(to_json({of}, {"switchboard-bench", "echo"}));
  EXPECT_EQ(member(report, "format").string_value(), "switchboard-bench/1");
  const auto& one = member(report, "experiments").list_value().values(0);
  EXPECT_EQ(member(one, "workload").string_value(), "echo");
  EXPECT_EQ(member(member(one, "parameters"), "payload_bytes").number_value(), 64);
  EXPECT_EQ(member(one, "not_installed").list_value().values(0).string_value(), "redis-server");
  const auto& theirs = member(one, "servers").list_value().values(1);
  EXPECT_EQ(member(theirs, "server").string_value(), "theirs");
  EXPECT_EQ(member(member(theirs, "results_per_second"), "median").number_value(), 1000);
  EXPECT_EQ(member(member(theirs, "server_cpu_microseconds_per_result"), "upper_quartile").number_value(), 2);
  EXPECT_NEAR(member(member(theirs, "latency_microseconds"), "p99_9").number_value(), 20, 0.5);
  EXPECT_EQ(member(member(theirs, "wrong"), "lost").number_value(), 0);
  const auto& ratios = member(theirs, "first_divided_by_this");
  EXPECT_EQ(member(member(ratios, "server_cpu_per_result"), "median").number_value(), 1);
}

}  // namespace
}  // namespace switchboard::bench
