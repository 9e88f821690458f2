#include <caf/mailbox_element.hpp>

#include <switchboard/actors/client_memory.hpp>
#include <switchboard/actors/connection_messages.hpp>

namespace switchboard::actors {
client_memory::client_memory(caf::event_based_actor& connection, const connection_environment& environment,
                             const link::frame_link& over, const served_calls& calls, const client_session& session)
    : connection_(connection), link_(over), calls_(calls), session_(session) {
  account_.emplace(environment.memory, budget::owner::connection, static_cast<budget::holder*>(this));
}

void client_memory::on_shortage() noexcept {
  if (const auto self = caf::weak_actor_ptr{connection_.ctrl()}.lock())
    self->enqueue(caf::make_mailbox_element(nullptr, caf::make_message_id(), {}, memory_is_short{}), nullptr);
}

}  // namespace switchboard::actors
