#include <string>

#include <chat_limits.hpp>
#include <chat_names.hpp>
#include <gtest/gtest.h>

namespace switchboard::chat {
namespace {

bool takes_room(std::string_view name) {
  return check_room(name).ok();
}
bool takes_nickname(std::string_view name) {
  return check_nickname(name).ok();
}

TEST(ChatNames, TakeRoomsOfLettersDigitsAndThreeMarks) {
  EXPECT_TRUE(takes_room("a"));
  EXPECT_TRUE(takes_room("ABCXYZabcxyz0189._-"));
  EXPECT_TRUE(takes_room("."));
}

TEST(ChatNames, RefuseEveryOtherByteInARoom) {
  for (int byte = 0; byte < 256; ++byte) {
    const auto each = static_cast<char>(byte);
    const bool allowed = (each >= 'A' && each <= 'Z') || (each >= 'a' && each <= 'z') || (each >= '0' && each <= '9') ||
                         each == '.' || each == '_' || each == '-';
    EXPECT_EQ(takes_room(std::string("a") + each + "b"), allowed) << byte;
  }
}

TEST(ChatNames, BoundARoomsName) {
  EXPECT_FALSE(takes_room(""));
  EXPECT_TRUE(takes_room(std::string(128, 'r')));
  EXPECT_FALSE(takes_room(std::string(129, 'r')));
}

TEST(ChatNames, BoundANicknameInBytes) {
  EXPECT_TRUE(takes_nickname(std::string(64, 'n')));
  EXPECT_FALSE(takes_nickname(std::string(65, 'n')));
  std::string umlauts;
  for (int i = 0; i < 32; ++i) umlauts += "ü";
  EXPECT_TRUE(takes_nickname(umlauts));
  EXPECT_FALSE(takes_nickname(umlauts + "x"));
}

TEST(ChatNames, RefuseControlCharactersInANickname) {
  for (char byte = 0; byte < 0x20; ++byte) EXPECT_FALSE(takes_nickname(std::string("a") + byte)) << int{byte};
  EXPECT_FALSE(takes_nickname("a\x7f"));
  EXPECT_FALSE(takes_nickname("\xc2\x80"));
  EXPECT_FALSE(takes_nickname("a\xc2\x9f"));
}

TEST(ChatNames, TakeWhatOnlyResemblesControlCharacters) {
  EXPECT_TRUE(takes_nickname(" ~"));
  EXPECT_TRUE(takes_nickname("\xc2\xa0"));      // U+00A0
  EXPECT_TRUE(takes_nickname("\xc3\x80"));      // U+00C0
  EXPECT_TRUE(takes_nickname("\xe2\x82\x80"));  // U+2080, whose last byte is a control character's
}

TEST(ChatNames, BoundATextButNotItsCharacters) {
  EXPECT_TRUE(check_text("").ok());
  EXPECT_TRUE(check_text(std::string(text_bytes_max, '\0')).ok());
  EXPECT_FALSE(check_text(std::string(text_bytes_max + 1, 't')).ok());
}

TEST(ChatNames, BoundAClientMessageId) {
  EXPECT_TRUE(check_client_message_id("").ok());
  EXPECT_TRUE(check_client_message_id(std::string(64, 'i')).ok());
  EXPECT_FALSE(check_client_message_id(std::string(65, 'i')).ok());
}

TEST(ChatNames, TakeATokenOfSixteenBytesOrNone) {
  EXPECT_TRUE(check_resume_token("").ok());
  EXPECT_TRUE(check_resume_token(std::string(16, '\0')).ok());
  EXPECT_FALSE(check_resume_token(std::string(15, 't')).ok());
  EXPECT_FALSE(check_resume_token(std::string(17, 't')).ok());
}

TEST(ChatNames, AreRefusedAsInvalidArguments) {
  EXPECT_EQ(check_room("").code, rpc::code::invalid_argument);
  EXPECT_EQ(check_nickname("\n").code, rpc::code::invalid_argument);
}

}  // namespace
}  // namespace switchboard::chat
