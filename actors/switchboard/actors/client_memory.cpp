#include <caf/mailbox_element.hpp>

#include <switchboard/actors/client_memory.hpp>
#include <switchboard/actors/connection_messages.hpp>

namespace switchboard::actors {
namespace {

/// About what an open call takes beside its messages: its entry in the table, its responder, and what its service keeps with
/// that; for a stream also its queue or cursor, and its place among a room's members.
constexpr std::size_t unary_call_bytes = 256;
constexpr std::size_t stream_bytes = 1024;

std::size_t of_calls(const call_table& table) noexcept {
  return table.request_bytes() + (table.unary() + table.held()) * unary_call_bytes +
         (table.size() - table.unary()) * stream_bytes;
}

}  // namespace

client_memory::client_memory(caf::event_based_actor& connection, const connection_environment& environment,
                             const link::frame_link& over, const served_calls& calls, const client_session& session)
    : connection_(connection), link_(over), calls_(calls), session_(session) {
  account_.emplace(environment.memory, budget::owner::connection, static_cast<budget::holder*>(this));
}

void client_memory::add_up() noexcept {
  if (account_) account_->hold(link_.held_bytes() + of_calls(calls_.table()) + session_.replies_travelling());
}

void client_memory::on_shortage() noexcept {
  if (const auto self = caf::weak_actor_ptr{connection_.ctrl()}.lock())
    self->enqueue(caf::make_mailbox_element(nullptr, caf::make_message_id(), {}, memory_is_short{}), nullptr);
}

}  // namespace switchboard::actors
