#include <gtest/gtest.h>

#include <switchboard/text/printable.hpp>

namespace switchboard::text {
namespace {

TEST(Printable, KeepsText) {
  EXPECT_EQ(printable("caf\u00e9 \u20ac \U0001f600 a\u0301"), "caf\u00e9 \u20ac \U0001f600 a\u0301");
}

TEST(Printable, DropsEscapeSequencesFangs) {
  EXPECT_EQ(printable("\033]0;title\007\033[2Jboo"), "]0;title[2Jboo");
}

TEST(Printable, DropsEveryControlCharacter) {
  for (char32_t point = 0; point <= 0x9f; ++point) {
    if (point == '\n' || point == '\t' || (point >= 0x20 && point < 0x7f)) continue;
    std::string text = "a";
    if (point < 0x80) {
      text += static_cast<char>(point);
    } else {
      text += static_cast<char>(0xc2);
      text += static_cast<char>(point);
    }
    EXPECT_EQ(printable(text + "b"), "ab") << static_cast<unsigned>(point);
  }
}

TEST(Printable, KeepsOneLineOneLine) {
  EXPECT_EQ(printable("a\nb\tc\u2028d"), "a b cd");
}

TEST(Printable, DropsBidirectionalControls) {
  EXPECT_EQ(printable("\u202eevil\u2066x\u200f"), "evilx");
}

TEST(Printable, MarksBytesThatAreNotUtf8) {
  EXPECT_EQ(printable("a\xff"
                      "b"),
            "a\ufffdb");
}

TEST(Printable, KeepsLinesWhereTheyAreWanted) {
  EXPECT_EQ(printable_lines("a\033[1m\nb\r\n\nc"), "a[1m\nb\n\nc");
  EXPECT_EQ(printable_lines("a\n"), "a\n");
  EXPECT_EQ(printable_lines(""), "");
}

}  // namespace
}  // namespace switchboard::text
