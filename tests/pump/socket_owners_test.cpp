#include "running_system.hpp"

#include <caf/actor_cast.hpp>
#include <caf/send.hpp>
#include <gtest/gtest.h>

#include <switchboard/pump/socket_owners.hpp>

namespace switchboard {
namespace {

using namespace pump_test;
using notify::event;
using notify::interest;

/// A port that has lost every registration by the time that it is to be removed.
class forgetful_port final : public notify::notification_port {
public:
  error_or<std::size_t> process(std::span<notify::request>, std::span<notify::packet>, duration) noexcept override {
    return std::size_t{0};
  }
  std::error_code post(std::uint64_t, std::uint64_t) noexcept override { return {}; }
  std::error_code post_after_batches(std::uint64_t key, std::uint64_t value) noexcept override {
    posted.push_back({key, value});
    return {};
  }
  std::error_code async_accept(net::socket_handle, std::uint64_t) noexcept override { return errc::not_registered; }
  std::error_code add(net::socket_handle, std::uint64_t key, interest, registration_id& name) noexcept override {
    last_key = key;
    name = registration_id{++registrations};
    return {};
  }
  std::error_code rearm(registration_id, interest, notify::hint) noexcept override { return errc::not_registered; }
  std::error_code remove(registration_id) noexcept override { return errc::not_registered; }
  void release() noexcept override {}
  std::error_code close(net::socket_handle) noexcept override { return {}; }
  clock::time_point now() const noexcept override { return {}; }

  std::vector<notify::packet> posted;
  std::uint64_t last_key = 0;
  std::uint64_t registrations = 0;
};

class LostRegistration : public testing::Test {
protected:
  LostRegistration() {
    name = owners.open(net::socket_handle{7}, caf::actor_cast<caf::strong_actor_ptr>(owner), interest::in).value();
    key = port.last_key;
  }
  ~LostRegistration() override { caf::anon_send_exit(owner, caf::exit_reason::user_shutdown); }

  std::size_t deliver(notify::packet told) { return owners.deliver(told, nullptr, ended); }

  caf::actor_system_config config;
  caf::actor_system system{config};
  caf::actor owner = spawn_acting(system, [](caf::event_based_actor*) {
    return caf::behavior{[](const socket_ready&) {}, [](const registration_closed&) {}};
  });
  forgetful_port port;
  socket_owners owners{port};
  socket_owners::records ended;
  registration_id name = registration_id::none;
  std::uint64_t key = 0;
};

TEST_F(LostRegistration, HasItsEndPosted) {
  EXPECT_FALSE(owners.remove(name));
  ASSERT_EQ(port.posted.size(), 1u);
  EXPECT_EQ(port.posted[0].key, key);
  EXPECT_EQ(owners.size(), 1u);
  EXPECT_EQ(deliver(port.posted[0]), 1u);
  EXPECT_EQ(owners.size(), 0u);
  EXPECT_EQ(ended.size(), 1u);
}

TEST_F(LostRegistration, HasItsEndPostedOnce) {
  EXPECT_FALSE(owners.remove(name));
  EXPECT_FALSE(owners.remove(name));
  EXPECT_EQ(port.posted.size(), 1u);
  EXPECT_EQ(deliver(port.posted[0]), 1u);
  EXPECT_EQ(owners.remove(name), errc::not_registered);
}

// The REMOVE event had left the port, and so it did not know the registration any more; a later packet still has the key.
TEST_F(LostRegistration, OutlivesTheRemoveEventThatWasInAnotherThreadsBatch) {
  EXPECT_FALSE(owners.remove(name));
  EXPECT_EQ(deliver({key, static_cast<std::uint64_t>(event::remove)}), 0u);
  EXPECT_EQ(owners.size(), 1u);
  EXPECT_EQ(deliver(port.posted.at(0)), 1u);
  EXPECT_EQ(owners.size(), 0u);
}

TEST_F(LostRegistration, StillTellsWhatWasReadyBefore) {
  EXPECT_FALSE(owners.remove(name));
  EXPECT_EQ(deliver({key, static_cast<std::uint64_t>(event::in)}), 1u);
}

// Its owner may have asked for the end before: the REMOVE event has left the port and is still to be delivered.
TEST_F(LostRegistration, IsToldOfItsEndWhenAllAreClosed) {
  owners.close();
  EXPECT_EQ(deliver({key, static_cast<std::uint64_t>(event::remove)}), 0u);
  EXPECT_EQ(deliver(port.posted.at(0)), 1u);
  EXPECT_EQ(owners.size(), 0u);
}

TEST_F(LostRegistration, IsToldOfItsEndWhenItsOwnerAsksAfterAllWereClosed) {
  owners.close();
  EXPECT_FALSE(owners.remove(name));
  EXPECT_EQ(port.posted.size(), 1u);
  EXPECT_EQ(deliver(port.posted.at(0)), 1u);
}

}  // namespace
}  // namespace switchboard
