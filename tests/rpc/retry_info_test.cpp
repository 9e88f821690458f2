#include <google/protobuf/any.pb.h>
#include <gtest/gtest.h>

#include <switchboard/rpc/retry_info.hpp>

namespace switchboard::rpc {
namespace {

using google::protobuf::Any;
using std::chrono::milliseconds;

Any parsed(const std::string& bytes) {
  Any detail;
  EXPECT_TRUE(detail.ParseFromString(bytes));
  return detail;
}

Any of_type(const std::string& url, const std::string& value) {
  Any detail;
  detail.set_type_url(url);
  detail.set_value(value);
  return detail;
}

TEST(RetryInfo, IsEncodedAsGoogleapisHasIt) {
  const auto detail = parsed(retry_info(milliseconds(1'500)));
  EXPECT_EQ(detail.type_url(), "type.googleapis.com/google.rpc.RetryInfo");
  // retry_delay = 1 { seconds = 1: 1, nanos = 2: 500'000'000 }
  EXPECT_EQ(detail.value(), std::string("\x0a\x08\x08\x01\x10\x80\xca\xb5\xee\x01"));
}

TEST(RetryInfo, IsReadBack) {
  for (const auto delay : {milliseconds(1), milliseconds(1'000), milliseconds(86'400'001)})
    EXPECT_EQ(retry_delay_in(parsed(retry_info(delay))), delay);
}

TEST(RetryInfo, SaysNothingWhereThereIsNoDelay) {
  EXPECT_EQ(retry_info(milliseconds(0)), "");
  EXPECT_EQ(retry_info(milliseconds(-1)), "");
}

TEST(RetryInfo, IsReadWhoeverServesItsType) {
  const auto value = parsed(retry_info(milliseconds(70))).value();
  EXPECT_EQ(retry_delay_in(of_type("example.com/google.rpc.RetryInfo", value)), milliseconds(70));
  EXPECT_EQ(retry_delay_in(of_type("type.googleapis.com/google.rpc.ErrorInfo", value)), milliseconds(0));
}

TEST(RetryInfo, RoundsUpWhatIsShorterThanAMillisecond) {
  // nanos = 2: 1
  EXPECT_EQ(retry_delay_in(of_type("type.googleapis.com/google.rpc.RetryInfo", "\x0a\x02\x10\x01")), milliseconds(1));
}

TEST(RetryInfo, SaysNothingWhereItIsMalformedOrNegative) {
  for (const std::string& value : {std::string("\x0a\x08\x08"), std::string("\x0a\x01\x08"), std::string("\x08\x01"),
                                   std::string("\x0a\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")})
    EXPECT_EQ(retry_delay_in(of_type("type.googleapis.com/google.rpc.RetryInfo", value)), milliseconds(0));
}

TEST(RetryInfo, BoundsWhatAServerSays) {
  // seconds = 1: the largest
  const std::string longest("\x0a\x0a\x08\xff\xff\xff\xff\xff\xff\xff\xff\x7f");
  EXPECT_EQ(retry_delay_in(of_type("type.googleapis.com/google.rpc.RetryInfo", longest)), std::chrono::hours(365 * 24));
}

}  // namespace
}  // namespace switchboard::rpc
