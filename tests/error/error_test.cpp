#include <memory>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include <switchboard/error/errc.hpp>
#include <switchboard/error/error_or.hpp>
#include <switchboard/error/invariant.hpp>

namespace switchboard {
namespace {

constexpr int last_code = static_cast<int>(errc::end_of_stream);

TEST(Errc, ConvertsToAnErrorCodeOfItsOwnCategory) {
  const std::error_code code = errc::frame_too_large;
  EXPECT_EQ(code.category(), switchboard_category());
  EXPECT_STREQ(code.category().name(), "switchboard");
  EXPECT_EQ(code, errc::frame_too_large);
  EXPECT_NE(code, errc::closed);
}

TEST(Errc, IsNeverTheValueThatMeansSuccess) {
  for (int code = 1; code <= last_code; ++code) EXPECT_TRUE(make_error_code(static_cast<errc>(code)));
}

TEST(Errc, IsNotTheSystemErrorOfTheSameNumber) {
  const std::error_code system(static_cast<int>(errc::closed), std::system_category());
  EXPECT_NE(system, errc::closed);
}

TEST(Errc, EveryCodeHasAMessageOfItsOwn) {
  std::set<std::string> messages;
  for (int code = 1; code <= last_code; ++code) {
    const auto message = make_error_code(static_cast<errc>(code)).message();
    EXPECT_FALSE(message.empty());
    EXPECT_EQ(message.find("unknown"), std::string::npos) << code;
    EXPECT_TRUE(messages.insert(message).second) << message;
  }
}

TEST(Errc, UnknownCodeNamesItsNumber) {
  EXPECT_EQ(make_error_code(static_cast<errc>(last_code + 1)).message(),
            "unknown error " + std::to_string(last_code + 1));
}

TEST(ErrorOr, HoldsAValue) {
  const error_or<int> result = 7;
  ASSERT_TRUE(result.has_value());
  EXPECT_TRUE(result);
  EXPECT_EQ(*result, 7);
  EXPECT_EQ(result.value(), 7);
  EXPECT_FALSE(result.error());
}

TEST(ErrorOr, HoldsTheReasonWhyThereIsNone) {
  const error_or<int> result = errc::timed_out;
  EXPECT_FALSE(result.has_value());
  EXPECT_FALSE(result);
  EXPECT_EQ(result.error(), errc::timed_out);
}

TEST(ErrorOr, KeepsSystemErrorsAsTheyAre) {
  const error_or<int> result = std::make_error_code(std::errc::connection_reset);
  EXPECT_EQ(result.error(), std::errc::connection_reset);
}

TEST(ErrorOr, GivesAwayAValueThatOnlyMoves) {
  error_or<std::unique_ptr<std::string>> result = std::make_unique<std::string>("moved");
  EXPECT_EQ(result->get()->size(), 5U);
  const auto taken = *std::move(result);
  EXPECT_EQ(*taken, "moved");
}

TEST(ErrorOr, AcceptsAnEmptyPointerAsAValue) {
  const error_or<std::unique_ptr<int>> result = std::unique_ptr<int>();
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(*result, nullptr);
}

TEST(ErrorOrDeathTest, AbortsWhenTheValueOfAnErrorIsTaken) {
  error_or<int> result = errc::closed;
  EXPECT_DEATH(static_cast<void>(result.value()), "broken invariant");
}

TEST(ErrorOrDeathTest, AbortsWhenMadeOfAnErrorThatMeansSuccess) {
  EXPECT_DEATH(static_cast<void>(error_or<int>(std::error_code())), "broken invariant");
}

TEST(Invariant, LetsPassWhatHolds) {
  SWITCHBOARD_INVARIANT(1 + 1 == 2, "arithmetic");
}

TEST(InvariantDeathTest, NamesConditionReasonAndPlaceInReleaseBuildsToo) {
  EXPECT_DEATH(SWITCHBOARD_INVARIANT(1 + 1 == 3, "sums must fit"),
               "sums must fit .1 \\+ 1 == 3. at .*error_test.cpp:.+");
}

}  // namespace
}  // namespace switchboard
