#include <limits>

#include <switchboard/rpc/inbound_bytes.hpp>
#include <switchboard/rpc/stream_end.hpp>
#include <switchboard/rpc/turn.hpp>

namespace switchboard::rpc {
namespace {

/// Lets the sender of a stream of requests go on.
void grant_to_sender(const call_context& of, std::uint32_t messages, std::uint32_t bytes) {
  turn::answer(of.shared_caller(), [&](answers& to) { to.grants.push_back({of.number(), messages, bytes}); });
}

}  // namespace

void inbound_bytes::grant(std::uint32_t messages, std::size_t bytes) {
  if (messages == 0 && bytes == 0) return;
  if (of_call())
    grant_to_sender(call_, messages, static_cast<std::uint32_t>(bytes));
  else if (messages > 0)
    from_->granted(messages, current_context());
}

void inbound_bytes::let_go() noexcept {
  if (!from_) return;
  from_->detach();
  // What was not drawn no longer counts against the connection: it will not be drawn any more.
  if (of_call() && !ended_) grant_to_sender(call_, 0, std::numeric_limits<std::uint32_t>::max());
}

}  // namespace switchboard::rpc
