#include <algorithm>
#include <limits>
#include <utility>

#include <caf/mailbox_element.hpp>

#include <switchboard/client/reply_taker.hpp>

namespace switchboard::client {
namespace {

template <class Message>
void tell(const caf::strong_actor_ptr& channel, Message message, caf::execution_unit* context) {
  if (channel) channel->enqueue(caf::make_mailbox_element(nullptr, caf::make_message_id(), {}, message), context);
}

}  // namespace

rpc::status streamed_replies::take(std::string_view message, caf::execution_unit* context) {
  if (queue_.push(message, context)) return {};
  if (queue_.detached()) return {rpc::code::cancelled, "nobody reads the replies"};
  return {rpc::code::resource_exhausted, "more came than was granted, or than a stream may keep"};
}

void streamed_replies::end(const rpc::status& how, caf::execution_unit* context) {
  {
    const std::lock_guard lock{mutex_};
    channel_ = nullptr;
  }
  queue_.finish(how, context);
}

std::uint32_t streamed_replies::take_credit() {
  return static_cast<std::uint32_t>(
      std::min<std::uint64_t>(wanted_.exchange(0), std::numeric_limits<std::uint32_t>::max()));
}

void streamed_replies::granted(std::uint32_t more, caf::execution_unit* context) {
  queue_.granted(more, context);
  // One message for all that is granted until the channel looks.
  if (more > 0 && wanted_.fetch_add(more) == 0) tell(channel(), replies_wanted{call_}, context);
}

void streamed_replies::detach() {
  queue_.detach();
  tell(channel(), replies_unwanted{call_}, nullptr);
}

caf::strong_actor_ptr streamed_replies::channel() {
  const std::lock_guard lock{mutex_};
  return channel_;
}

}  // namespace switchboard::client
