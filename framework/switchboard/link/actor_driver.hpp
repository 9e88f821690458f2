#pragma once

/// Drives the link of an actor: its registration is the pump's, and its turns are messages.
///
///     message              what the actor does with it
///     socket_ready         link.on_ready(events), where owns() says that it is this link's
///     link_turn            link.on_turn()
///     deadline_expired     link.on_deadline(), where owns() says so
///     registration_closed  link.on_registration_closed()
///
/// Threads    the actor's.
/// Owns       the registration and the deadline, but for their end: the actor closes its link before it goes.
/// Tags       of deadlines are multiples of 4, and unlike before with each new one, so that a late message is recognised;
///            the actor uses others for deadlines of its own.

#include <memory>

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/scheduled_actor.hpp>

#include <switchboard/link/driver.hpp>
#include <switchboard/pump/notification_pump.hpp>

namespace switchboard::link {

/// From the driver to its own actor.
struct link_turn {};

class actor_driver final : public driver {
public:
  actor_driver(caf::scheduled_actor& self, std::shared_ptr<notification_pump> pump) noexcept
      : self_(self), pump_(std::move(pump)) {}

  bool owns(const socket_ready& ready) const noexcept { return ready.registration == registration_; }
  bool owns(const registration_closed& closed) const noexcept { return closed.registration == registration_; }
  /// @post the deadline has come, if it is this link's latest
  bool owns(const deadline_expired& expired) noexcept;

  std::error_code open(net::socket_handle socket, notify::interest first) override;
  std::error_code arm(notify::interest filter, notify::hint known) noexcept override {
    return pump_->arm(registration_, filter, known);
  }
  bool remove() noexcept override;
  void set_deadline(clock::time_point at) override;
  void cancel_deadline() noexcept override;
  bool has_deadline() const noexcept override { return deadline_ != deadline_id::none; }
  clock::time_point now() const noexcept override { return pump_->now(); }
  void queue_turn() override;
  bool has_more() const noexcept override;

private:
  caf::strong_actor_ptr self_ptr() const { return caf::strong_actor_ptr{self_.ctrl()}; }

  caf::scheduled_actor& self_;
  const std::shared_ptr<notification_pump> pump_;
  registration_id registration_ = registration_id::none;
  deadline_id deadline_ = deadline_id::none;
  std::uint64_t deadline_tag_ = 0;
};

}  // namespace switchboard::link

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(switchboard::link::link_turn)
