#include <switchboard/rpc/actor_scope.hpp>
#include <switchboard/rpc/inbound_bytes.hpp>

namespace switchboard::rpc {

void inbound_bytes::grant(std::uint32_t messages, std::size_t bytes) {
  if (messages == 0 && bytes == 0) return;
  if (of_call())
    answer_collector::grant(call_.shared_caller(), {call_.number(), messages, static_cast<std::uint32_t>(bytes)});
  else if (messages > 0)
    from_->granted(messages, current_context());
}

}  // namespace switchboard::rpc
