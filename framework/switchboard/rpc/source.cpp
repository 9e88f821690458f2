#include <switchboard/pump/message_element.hpp>
#include <switchboard/rpc/answers.hpp>
#include <switchboard/rpc/source.hpp>
#include <switchboard/rpc/stream_end.hpp>

namespace switchboard::rpc {

void waker::wake(caf::execution_unit* context) const {
  if (!whom_) return;
  whom_->enqueue(
      end_ ? make_message_element(stream_turn{turn_notice{end_}}) : make_message_element(stream_ready{call_}), context);
}

}  // namespace switchboard::rpc
