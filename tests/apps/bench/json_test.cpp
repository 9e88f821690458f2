// The keys that programs rely on (framework/docs/benchmark.md, "JSON").

#include "report/json.hpp"

#include "report/json_writer.hpp"

#include <limits>

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

namespace switchboard::bench {
namespace {

google::protobuf::Struct read(const std::string& text) {
  google::protobuf::Struct object;
  const auto status = google::protobuf::util::JsonStringToMessage(text, &object);
  EXPECT_TRUE(status.ok()) << status.ToString() << text;
  return object;
}

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
  const auto object = read(out.text());
  EXPECT_EQ(object.fields().at("a \"key\"\n").string_value(), "a \\value\x01");
  EXPECT_EQ(object.fields().at("number").number_value(), 0.1);
  EXPECT_TRUE(object.fields().at("truth").bool_value());
  EXPECT_TRUE(object.fields().at("no number").has_null_value());
  EXPECT_EQ(object.fields().at("empty").list_value().values_size(), 0);
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
  const auto report = read(to_json({of}, {"switchboard-bench", "echo"}));
  EXPECT_EQ(report.fields().at("format").string_value(), "switchboard-bench/1");
  const auto& one = report.fields().at("experiments").list_value().values(0).struct_value().fields();
  EXPECT_EQ(one.at("workload").string_value(), "echo");
  EXPECT_EQ(one.at("parameters").struct_value().fields().at("payload_bytes").number_value(), 64);
  EXPECT_EQ(one.at("not_installed").list_value().values(0).string_value(), "redis-server");
  const auto& theirs = one.at("servers").list_value().values(1).struct_value().fields();
  EXPECT_EQ(theirs.at("server").string_value(), "theirs");
  EXPECT_EQ(theirs.at("results_per_second").struct_value().fields().at("median").number_value(), 1000);
  EXPECT_EQ(theirs.at("server_cpu_microseconds_per_result").struct_value().fields().at("upper_quartile").number_value(),
            2);
  EXPECT_NEAR(theirs.at("latency_microseconds").struct_value().fields().at("p99_9").number_value(), 20, 0.5);
  EXPECT_EQ(theirs.at("wrong").struct_value().fields().at("lost").number_value(), 0);
  const auto& ratios = theirs.at("first_divided_by_this").struct_value().fields();
  EXPECT_EQ(ratios.at("server_cpu_per_result").struct_value().fields().at("median").number_value(), 1);
}

}  // namespace
}  // namespace switchboard::bench
