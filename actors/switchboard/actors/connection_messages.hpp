#pragma once

/// The messages between a broker and its connections, whatever protocol a connection speaks.
///
///     message             from         to          effect
///     connection_opened   acceptor     broker      the connection counts; before any other word of its own
///     begin_drain         broker       connection  it takes no new work
///     connection_drained  connection   broker      it has no work left, once after begin_drain
///     finish_drain        broker       connection  it ends in order, within the flush timeout
///     memory_is_short     ledger       connection  it ends: no other holds as much
///     close_connection    broker       connection  it ends at once
///     connection_closed   connection   broker      its socket is closed; its last word

#include <cstdint>

#include <caf/actor_control_block.hpp>
#include <caf/allowed_unsafe_message_type.hpp>

#include <switchboard/link/close_reason.hpp>

namespace switchboard::actors {

struct begin_drain {};
struct finish_drain {};
struct close_connection {};
struct memory_is_short {};
struct connection_opened {
  std::uint64_t id;
  caf::strong_actor_ptr connection;
};
struct connection_drained {
  std::uint64_t id;
};
struct connection_closed {
  std::uint64_t id;
  link::close_reason reason;
};

}  // namespace switchboard::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(switchboard::actors::begin_drain)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(switchboard::actors::finish_drain)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(switchboard::actors::close_connection)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(switchboard::actors::memory_is_short)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(switchboard::actors::connection_opened)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(switchboard::actors::connection_drained)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(switchboard::actors::connection_closed)
