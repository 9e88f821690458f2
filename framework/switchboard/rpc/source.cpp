#include <caf/mailbox_element.hpp>

#include <switchboard/rpc/call.hpp>
#include <switchboard/rpc/source.hpp>

namespace switchboard::rpc {

void waker::wake(caf::execution_unit* context) const {
  if (connection_)
    connection_->enqueue(caf::make_mailbox_element(nullptr, caf::make_message_id(), {}, stream_ready{call_}), context);
}

}  // namespace switchboard::rpc
