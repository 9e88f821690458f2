#pragma once

/// Who is at the other end of a connection, and what it may do.
///
/// Threads    the connection's.
/// Owns       what services see of the client, made with its first call; idle connections have none.

#include <cstdint>
#include <memory>
#include <string>

#include <caf/event_based_actor.hpp>

#include <switchboard/actors/built_in_method.hpp>
#include <switchboard/actors/connection_environment.hpp>
#include <switchboard/actors/turn_clock.hpp>
#include <switchboard/link/frame_link.hpp>
#include <switchboard/rpc/allowance.hpp>
#include <switchboard/rpc/call.hpp>

namespace switchboard::actors {

class client_session final : public session {
public:
  /// `connection`, `over` and `environment` live longer.
  client_session(caf::event_based_actor& connection, const link::frame_link& over,
                 const connection_environment& environment, std::uint64_t id);

  std::uint64_t id() const noexcept { return id_; }
  std::string peer() const { return link_.transport().peer().to_string(); }
  turn_clock& clock() noexcept { return clock_; }
  bool authenticated() const noexcept { return authenticated_; }
  /// The client as services see it. @pre the link is not closed, or the client has made a call
  const std::shared_ptr<const rpc::caller>& caller();

  void begin_drain() noexcept { draining_ = true; }
  bool draining() const noexcept override { return draining_; }
  rpc::result<std::string> authenticate(const std::string& token) override;

  // What services see of the client's allowance (rpc/allowance.hpp); without calls they see nothing.

  /// Answers that left their services, and have not arrived here.
  std::size_t replies_travelling() const noexcept { return caller_ ? caller_->allowance->travelling() : 0; }
  void replies_arrived(std::size_t bytes) noexcept {
    if (caller_) caller_->allowance->arrived(bytes);
  }
  /// At the end of a turn: what is left to be written.
  void output_left(std::size_t bytes) {
    if (!caller_) return;
    caller_->allowance->output(bytes);
    if (caller_->allowance->may_resume()) resume_services();
  }
  /// It takes nothing any more.
  void close();
  /// Releases what services see of the client, which keeps the connection's actor. @pre no call is left to be ended
  void release_caller() noexcept { caller_ = nullptr; }

private:
  void resume_services();

  caf::event_based_actor& connection_;
  const link::frame_link& link_;
  const connection_environment& environment_;
  const std::uint64_t id_;
  turn_clock clock_;
  std::string identity_;  ///< as authenticated
  std::shared_ptr<const rpc::caller> caller_;
  bool authenticated_;  ///< or no authentication is demanded
  bool draining_ = false;
};

}  // namespace switchboard::actors
