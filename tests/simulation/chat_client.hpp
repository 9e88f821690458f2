#pragma once

/// A client in a simulated room: publishes a number of messages and reads those of all members, whatever the network does to
/// it; resumes, and publishes again what was not acknowledged.
///
/// Threads    one.

#include "chat_ledger.hpp"
#include "wire_client.hpp"

#include <cstdint>
#include <string>

namespace switchboard::simulation {

struct chat_role {
  std::string name;
  std::string room;
  std::uint64_t messages = 0;   ///< that it publishes
  std::uint64_t everybody = 0;  ///< that the room has in the end
};

class chat_client final : public wire_client {
public:
  chat_client(simulated::world& world, net::endpoint server, chat_role role, std::uint64_t seed, chat_ledger& ledger);

  /// Whether it has published all, and read all that there is.
  bool is_done() const noexcept override { return acknowledged_ == role_.messages && last_ == role_.everybody; }
  std::string describe() const override;
  const chat_role& role() const noexcept { return role_; }

private:
  void on_connected() override;
  void speak() override;
  void on_frame(const wire::frame_view& frame) override;
  void take_event(const wire::frame_view& frame);
  void take_reply(const wire::frame_view& frame);

  const chat_role role_;
  chat_ledger& ledger_;
  const std::string resume_token_;

  // Of this connection.
  std::uint32_t owed_credit_ = 0;
  std::uint64_t published_ = 0;  ///< the newest message that was asked for here

  // Of its life.
  std::uint64_t acknowledged_ = 0;
  std::uint64_t last_ = 0;
  std::string log_id_;
};

}  // namespace switchboard::simulation
