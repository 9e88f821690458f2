#include <memory>

#include <gtest/gtest.h>

#include <switchboard/pump/registration_table.hpp>

namespace switchboard {
namespace {

constexpr auto socket_of_test = net::socket_handle{7};

class RegistrationTable : public testing::Test {
protected:
  registration_id add() {
    auto added = table->add(socket_of_test, nullptr);
    EXPECT_TRUE(added);
    return added->id;
  }
  void take(registration_id id) { table->take(id, table->find(id)); }

  const std::unique_ptr<registration_table> table = std::make_unique<registration_table>();
};

TEST_F(RegistrationTable, FindsWhatWasAdded) {
  const auto id = add();
  const auto held = table->find(id);
  ASSERT_TRUE(held);
  EXPECT_EQ(held->socket, socket_of_test);
  EXPECT_EQ(held->now, registration_table::state::open);
}

TEST_F(RegistrationTable, FindsNothingForWhatWasTaken) {
  const auto id = add();
  take(id);
  EXPECT_FALSE(table->find(id));
  EXPECT_EQ(table->size(), 0u);
}

TEST_F(RegistrationTable, GivesASlotAgainUnderAnotherId) {
  const auto old = add();
  take(old);
  const auto fresh = add();
  EXPECT_NE(fresh, old);
  EXPECT_FALSE(table->find(old));
  EXPECT_TRUE(table->find(fresh));
}

TEST_F(RegistrationTable, FindsNothingBeyondItsSlots) {
  add();
  EXPECT_FALSE(table->find(registration_id::none));
  EXPECT_FALSE(table->find(registration_id{max_registrations}));
  EXPECT_FALSE(table->find(registration_id{max_registrations - 1}));
  EXPECT_FALSE(table->find(registration_id{1}));
}

TEST_F(RegistrationTable, RefusesMoreThanItsLimit) {
  registration_id last = registration_id::none;
  for (std::uint32_t each = 0; each != max_registrations; ++each) last = table->add(socket_of_test, nullptr)->id;
  EXPECT_EQ(table->size(), max_registrations);
  EXPECT_EQ(table->add(socket_of_test, nullptr).error(), errc::registrations_exhausted);
  take(last);
  EXPECT_TRUE(table->add(socket_of_test, nullptr));
}

TEST_F(RegistrationTable, LosesEverythingWhenItCloses) {
  const auto id = add();
  table->close();
  EXPECT_FALSE(table->find(id));
  EXPECT_EQ(table->size(), 0u);
  EXPECT_EQ(table->add(socket_of_test, nullptr).error(), errc::closed);
}

}  // namespace
}  // namespace switchboard
