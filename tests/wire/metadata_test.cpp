#include "frames.hpp"

#include <gtest/gtest.h>

#include <switchboard/wire/metadata.hpp>

namespace switchboard::wire {
namespace {

using pairs = std::vector<std::pair<std::string, std::string>>;

template <class Pairs>
pairs listed(const Pairs& of) {
  pairs all;
  for (const auto& each : of) all.emplace_back(each.key, each.value);
  return all;
}

/// The rule that a request with these pairs breaks.
metadata_fault fault_of(const pairs& of) {
  v1::Frame frame;
  for (const auto& [key, value] : of) {
    auto* pair = frame.add_metadata();
    pair->set_key(key);
    pair->set_value(value);
  }
  const auto bytes = frame.SerializeAsString();
  return fault_of_request(metadata_view{bytes});
}

/// As many pairs of that cost as are asked for.
pairs pairs_of_cost(std::size_t count, std::size_t cost) {
  return pairs(count, {"k", std::string(cost - metadata_pair_overhead - 1, 'v')});
}

TEST(MetadataRules, AllowEveryCharacterOfAKey) {
  EXPECT_EQ(fault_of({{"abcdefghijklmnopqrstuvwxyz0123456789-_.", "any \xff"}}), metadata_fault::none);
}

TEST(MetadataRules, AllowNoOtherCharacterInAKey) {
  for (int byte = 0; byte < 128; ++byte) {
    const auto c = static_cast<char>(byte);
    if (std::string_view{"abcdefghijklmnopqrstuvwxyz0123456789-_."}.find(c) != std::string_view::npos) continue;
    EXPECT_EQ(fault_of({{std::string("a") + c, ""}}), metadata_fault::malformed_key) << byte;
  }
  EXPECT_EQ(fault_of({{"caf\u00e9", ""}}), metadata_fault::malformed_key);
}

TEST(MetadataRules, AllowKeysOf1To64Bytes) {
  EXPECT_EQ(fault_of({{"", ""}}), metadata_fault::malformed_key);
  EXPECT_EQ(fault_of({{"k", ""}}), metadata_fault::none);
  EXPECT_EQ(fault_of({{std::string(64, 'k'), ""}}), metadata_fault::none);
  EXPECT_EQ(fault_of({{std::string(65, 'k'), ""}}), metadata_fault::malformed_key);
}

TEST(MetadataRules, KeepKeysOfTheProtocolFromClients) {
  EXPECT_EQ(fault_of({{"switchboard-", ""}}), metadata_fault::reserved_key);
  EXPECT_EQ(fault_of({{"a", ""}, {"switchboard-origin", ""}}), metadata_fault::reserved_key);
  EXPECT_EQ(fault_of({{"switchboard", ""}, {"x-switchboard-", ""}}), metadata_fault::none);
}

TEST(MetadataRules, AllowValuesOf4KiB) {
  EXPECT_EQ(fault_of({{"k", std::string(4096, 'v')}}), metadata_fault::none);
  EXPECT_EQ(fault_of({{"k", std::string(4097, 'v')}}), metadata_fault::large_value);
}

TEST(MetadataRules, AllowPairsThatCost8KiBTogether) {
  EXPECT_EQ(fault_of(pairs_of_cost(8, 1024)), metadata_fault::none);
  auto above = pairs_of_cost(8, 1024);
  above.back().second += 'v';
  EXPECT_EQ(fault_of(above), metadata_fault::many_bytes);
}

TEST(MetadataRules, Allow64Pairs) {
  EXPECT_EQ(fault_of(pairs_of_cost(64, 64)), metadata_fault::none);
  EXPECT_EQ(fault_of(pairs_of_cost(65, 64)), metadata_fault::many_pairs);
}

TEST(MetadataRules, SayWhatTheyAre) {
  EXPECT_NE(to_string(metadata_fault::many_pairs).find("64"), std::string::npos);
  EXPECT_NE(to_string(metadata_fault::many_bytes).find("8192"), std::string::npos);
  EXPECT_NE(to_string(metadata_fault::large_value).find("4096"), std::string::npos);
}

TEST(Metadata, KeepsPairsInTheOrderTheyWereAdded) {
  metadata kept;
  EXPECT_TRUE(kept.add("b", "1"));
  EXPECT_TRUE(kept.add("a", "2"));
  EXPECT_TRUE(kept.add("b", "3"));
  EXPECT_EQ(listed(kept), (pairs{{"b", "1"}, {"a", "2"}, {"b", "3"}}));
  EXPECT_EQ(kept.size(), 3u);
}

TEST(Metadata, FindsTheFirstValueOfAKey) {
  const metadata kept{{"a", "1"}, {"b", "2"}, {"b", "3"}};
  EXPECT_EQ(kept.find("b"), "2");
  EXPECT_EQ(kept.find("c"), std::nullopt);
}

TEST(Metadata, TakesNothingBeyondTheLimits) {
  metadata kept;
  EXPECT_FALSE(kept.add("", "1"));
  EXPECT_FALSE(kept.add("K", "1"));
  EXPECT_FALSE(kept.add("k", std::string(4097, 'v')));
  for (const auto& [key, value] : pairs_of_cost(8, 1000)) EXPECT_TRUE(kept.add(key, value));
  EXPECT_FALSE(kept.add("k", std::string(192 - 32, 'v')));
  EXPECT_TRUE(kept.add("k", std::string(192 - 33, 'v')));
  EXPECT_EQ(kept.cost(), 8192u);
  EXPECT_EQ(kept.refused(), 4u);
  EXPECT_EQ(kept.size(), 9u);
}

TEST(Metadata, OwnsACopyOfAFramesPairs) {
  metadata kept;
  {
    v1::Frame frame;
    frame.add_metadata()->set_key("key");
    frame.mutable_metadata(0)->set_value("value");
    const auto bytes = frame.SerializeAsString();
    kept = metadata{metadata_view{bytes}};
  }
  EXPECT_EQ(listed(kept), (pairs{{"key", "value"}}));
}

TEST(Metadata, KeepsOfTraceContextEveryPairAsItIs) {
  const metadata request{{"tracestate", "a=1"}, {"traceparent", "00-x-y-01"}, {"other", "o"}, {"tracestate", "b=2"}};
  EXPECT_EQ(listed(trace_context_of(metadata_view{request.fields()})),
            (pairs{{"tracestate", "a=1"}, {"traceparent", "00-x-y-01"}, {"tracestate", "b=2"}}));
}

}  // namespace
}  // namespace switchboard::wire
