#include <cstdint>
#include <string>

#include <gtest/gtest.h>

#include <switchboard/text/utf8.hpp>

namespace switchboard::text {
namespace {

std::string encoded(std::uint32_t point) {
  const auto tail = [&](int shift) { return static_cast<char>(0x80 | ((point >> shift) & 0x3f)); };
  if (point < 0x80) return {static_cast<char>(point)};
  if (point < 0x800) return {static_cast<char>(0xc0 | point >> 6), tail(0)};
  if (point < 0x10000) return {static_cast<char>(0xe0 | point >> 12), tail(6), tail(0)};
  return {static_cast<char>(0xf0 | point >> 18), tail(12), tail(6), tail(0)};
}

TEST(Utf8, TakesEveryScalarValueAndNoSurrogate) {
  for (std::uint32_t point = 0; point <= 0x10ffff; ++point) {
    const bool surrogate = point >= 0xd800 && point <= 0xdfff;
    const std::string text = encoded(point);
    ASSERT_EQ(is_utf8(text), !surrogate) << point;
    ASSERT_EQ(utf8_character_size(text + "x"), surrogate ? 0 : text.size()) << point;
  }
}

TEST(Utf8, RefusesWhatIsAboveUnicode) {
  EXPECT_FALSE(is_utf8(encoded(0x110000)));
  EXPECT_FALSE(is_utf8("\xf5\x80\x80\x80"));
}

TEST(Utf8, RefusesOverlongForms) {
  EXPECT_FALSE(is_utf8("\xc0\x80"));
  EXPECT_FALSE(is_utf8("\xc1\xbf"));
  EXPECT_FALSE(is_utf8("\xe0\x9f\xbf"));
  EXPECT_FALSE(is_utf8("\xf0\x8f\xbf\xbf"));
}

TEST(Utf8, RefusesCharactersCutShort) {
  for (const std::string text : {"\u00e9", "\u20ac", "\U0001f600"})
    for (std::size_t size = 1; size < text.size(); ++size) EXPECT_FALSE(is_utf8(text.substr(0, size)));
}

TEST(Utf8, RefusesALoneContinuation) {
  EXPECT_FALSE(is_utf8("\x80"));
}

TEST(Utf8, FindsAFaultBehindLongAscii) {
  for (std::size_t before = 0; before < 20; ++before) {
    const std::string ascii(before, 'a');
    EXPECT_TRUE(is_utf8(ascii + "\u00e9" + ascii));
    EXPECT_FALSE(is_utf8(ascii + "\xff" + ascii));
  }
}

TEST(Utf8, TakesTheEmptyText) {
  EXPECT_TRUE(is_utf8(""));
}

}  // namespace
}  // namespace switchboard::text
