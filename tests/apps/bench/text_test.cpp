#include "report/text.hpp"

#include "report/text_table.hpp"

#include <gtest/gtest.h>

namespace switchboard::bench {
namespace {

experiment two_servers() {
  experiment of{.workload = "echo", .parameters = {{"payload_bytes", 64, "payload", "B"}}, .result = "message"};
  for (const auto* name : {"ours", "theirs"}) {
    auto& made = of.servers.emplace_back();
    made.server = name;
    made.rates = {1000, 2000, 3000};
    made.cpu_per_result = {1, 2, 3};
    made.p50 = {10, 20, 30};
    made.latency.add(std::chrono::microseconds(20));
  }
  of.servers[0].cpu_per_result = {2, 4, 6};
  return of;
}

TEST(Figure, HasThreeDigitsThatCountAndGroupsOfThousands) {
  EXPECT_EQ(figure(1234567.8), "1,234,568");
  EXPECT_EQ(figure(96.44), "96.4");
  EXPECT_EQ(figure(9.644), "9.64");
  EXPECT_EQ(figure(0.4213), "0.421");
  EXPECT_EQ(figure(0), "0");
}

TEST(TextTable, AlignsTheFirstColumnLeftAndOthersRight) {
  text_table of;
  of.add({"server", "rate"});
  of.add({"a heading that is longer than any column"});
  of.add({"x", "10,000"});
  EXPECT_EQ(of.to_string(), "  server     rate\n  a heading that is longer than any column\n  x        10,000\n");
}

TEST(TextReport, HasALineForEachServerAndTheirRatios) {
  const auto text = to_text(two_servers());
  EXPECT_NE(text.find("echo: payload 64 B"), std::string::npos) << text;
  EXPECT_NE(text.find("message/s"), std::string::npos) << text;
  EXPECT_NE(text.find("ours divided by"), std::string::npos) << text;
  EXPECT_NE(text.find("2.00 (2.00 to 2.00)"), std::string::npos) << text;
}

TEST(TextReport, SaysWhatIsWrongAndWhose) {
  auto of = two_servers();
  of.servers[1].wrong = {.lost = 3};
  EXPECT_NE(to_text(of).find("WRONG: theirs: 3 lost"), std::string::npos) << to_text(of);
}

TEST(TextReport, NamesWhatIsNotInstalled) {
  auto of = two_servers();
  of.missing = {{"grpc", "libgrpc++-dev"}};
  EXPECT_NE(to_text(of).find("grpc: not installed (libgrpc++-dev)"), std::string::npos) << to_text(of);
  EXPECT_NE(summary_of({of}).find("not installed"), std::string::npos);
}

TEST(TextReport, SaysWhoDoesNotKeepUpWithARate) {
  auto of = two_servers();
  of.rate = 5000;
  EXPECT_NE(to_text(of).find("theirs does not keep up with the rate"), std::string::npos) << to_text(of);
}

}  // namespace
}  // namespace switchboard::bench
