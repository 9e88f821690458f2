// Who may enter a room under which nickname, who is in it, and who has left.

#include <gtest/gtest.h>

#include <switchboard/rooms/roster.hpp>

namespace switchboard::rooms {
namespace {

class Roster : public testing::Test {
protected:
  rpc::code refusal(call_key call, const std::string& nickname, const std::string& token = {}) const {
    return members.refusal(call, nickname, token).code;
  }

  const std::shared_ptr<std::atomic<std::uint32_t>> size = std::make_shared<std::atomic<std::uint32_t>>(0);
  roster members{size, metrics::gauge{}};
  const call_key anns{1, 1};
  const call_key bobs{2, 1};
};

TEST_F(Roster, GivesEachMembershipANumberOfItsOwn) {
  const auto ann = members.enter(anns, "ann", {});
  const auto bob = members.enter(bobs, "bob", {});
  EXPECT_NE(ann.membership, bob.membership);
  EXPECT_FALSE(ann.displaced);
  EXPECT_EQ(*members.nickname_of(1), "ann");
  EXPECT_EQ(*size, 2u);
}

TEST_F(Roster, RefusesANicknameThatIsHeld) {
  members.enter(anns, "ann", std::string(16, 't'));
  EXPECT_EQ(refusal(bobs, "ann"), rpc::code::already_exists);
  EXPECT_EQ(refusal(bobs, "ann", std::string(16, 'x')), rpc::code::already_exists);
  EXPECT_EQ(refusal(bobs, "bob"), rpc::code::ok);
}

TEST_F(Roster, RefusesASecondNicknameOfAConnection) {
  members.enter(anns, "ann", {});
  EXPECT_EQ(refusal({1, 3}, "also ann"), rpc::code::already_exists);
}

TEST_F(Roster, LetsAHoldersTokenTakeItsMembershipOver) {
  const std::string token(16, 't');
  const auto first = members.enter(anns, "ann", token);
  ASSERT_EQ(refusal(bobs, "ann", token), rpc::code::ok);
  const auto second = members.enter(bobs, "ann", token);
  EXPECT_EQ(second.membership, first.membership);
  EXPECT_EQ(second.displaced, anns);
  EXPECT_EQ(members.nickname_of(1), nullptr);
  EXPECT_FALSE(members.leave(anns)) << "it holds nothing any more";
  EXPECT_EQ(*size, 1u);
}

TEST_F(Roster, EndsAMembershipWithTheCallThatHoldsIt) {
  const auto entered = members.enter(anns, "ann", {});
  EXPECT_FALSE(members.leave({1, 3})) << "an observer's call of the same connection";
  const auto left = members.leave(anns);
  ASSERT_TRUE(left);
  EXPECT_EQ(left->membership, entered.membership);
  EXPECT_EQ(left->nickname, "ann");
  EXPECT_EQ(*size, 0u);
  EXPECT_EQ(refusal(bobs, "ann"), rpc::code::ok);
}

TEST_F(Roster, ListsMembersByNameAPageAtATime) {
  for (std::uint64_t caller = 1; caller <= 3; ++caller)
    members.enter({caller, 1}, std::string(1, 'a' + caller - 1), {});
  const auto first = members.page({"", 2});
  EXPECT_EQ(first.names, (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(first.more);
  const auto rest = members.page({"b", 2});
  EXPECT_EQ(rest.names, std::vector<std::string>{"c"});
  EXPECT_FALSE(rest.more);
}

}  // namespace
}  // namespace switchboard::rooms
