#pragma once

/// One who talks in a simulated room: publishes a number of messages and reads everybody's, whatever the network does to
/// it; connects again, resumes, and publishes again what was not acknowledged.
///
/// Threads    one.
/// Owns       its connection.

#include "chat_ledger.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <switchboard/net/network.hpp>
#include <switchboard/simulated/dice.hpp>
#include <switchboard/simulated/world.hpp>
#include <switchboard/wire/frame_decoder.hpp>

namespace switchboard::simulation {

struct chat_role {
  std::string name;
  std::string room;
  std::uint64_t messages = 0;   ///< that it publishes
  std::uint64_t everybody = 0;  ///< that the room has in the end
};

class chat_client {
public:
  chat_client(simulated::world& world, net::endpoint server, chat_role role, std::uint64_t seed, chat_ledger& ledger);

  /// Does one thing, if there is any; whether there was.
  bool step();
  /// Whether it has published all, and read all that there is.
  bool is_done() const noexcept { return acknowledged_ == role_.messages && last_ == role_.everybody; }
  bool is_connected() const noexcept { return transport_ != nullptr; }
  void leave() { transport_ = nullptr; }

  const chat_role& role() const noexcept { return role_; }
  std::string describe() const;

private:
  using clock = simulated::world::clock;

  void connect();
  void disconnect();
  bool write();
  bool read();
  void take(const wire::frame_view& frame);
  void take_event(const wire::frame_view& frame);
  void take_reply(const wire::frame_view& frame);
  void publish();
  std::string told(const std::string& what) const { return role_.name + ": " + what; }

  simulated::world& world_;
  const net::endpoint server_;
  const chat_role role_;
  simulated::dice dice_;
  chat_ledger& ledger_;
  const std::string resume_token_;

  std::unique_ptr<net::transport> transport_;
  clock::time_point connect_at_{};
  std::unique_ptr<wire::frame_decoder> decoder_;
  std::string output_;
  std::vector<std::byte> scratch_ = std::vector<std::byte>(4096);

  // Of this connection.
  std::uint32_t owed_credit_ = 0;
  std::uint64_t published_ = 0;  ///< the newest message that was asked for here

  // Of its life.
  std::uint64_t acknowledged_ = 0;
  std::uint64_t last_ = 0;
  std::string log_id_;
};

}  // namespace switchboard::simulation
