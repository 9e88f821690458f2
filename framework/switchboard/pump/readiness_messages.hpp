#pragma once

/// The messages that the pump sends to the actors that own registrations and deadlines.
///
///     message              when                                      sent
///     socket_ready         the one-shot arm fired                    at most once per arm
///     registration_closed  the REMOVE event came (N48, N49)          once, the registration's last message
///     deadline_expired     a deadline passed and was not cancelled   once
///
/// They stay inside the process, so they are not serializable.

#include <cstdint>

#include <caf/allowed_unsafe_message_type.hpp>

#include <switchboard/notify/notification_port.hpp>

namespace switchboard {

/// The port's name for a registration: unique among all a pump ever had.
using notify::registration_id;

/// Names a scheduled deadline for cancelling it.
enum class deadline_id : std::uint64_t { none = 0 };

struct socket_ready {
  registration_id registration;
  notify::event events;
};

struct registration_closed {
  registration_id registration;
};

struct deadline_expired {
  std::uint64_t tag;  ///< as given to schedule()
};

}  // namespace switchboard

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(switchboard::socket_ready)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(switchboard::registration_closed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(switchboard::deadline_expired)
