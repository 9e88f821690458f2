#include <limits>

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

void inbound_bytes::let_go() noexcept {
  if (!from_) return;
  from_->detach();
  // What was not drawn counts against the connection no longer: nobody will.
  if (of_call() && !ended_)
    answer_collector::grant(call_.shared_caller(), {call_.number(), 0, std::numeric_limits<std::uint32_t>::max()});
}

}  // namespace switchboard::rpc
