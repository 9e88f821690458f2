#include <switchboard/rpc/call_batch.hpp>

namespace switchboard::rpc {

call_batch::~call_batch() {
  // A batch that was moved from has no caller, and no calls of its own any more.
  if (!from_ || taken_ == calls_.size()) return;
  answer_collector together{nullptr};
  take_each(
      [](const method&, call_handle call, std::string_view) { call.fail(code::unavailable, "the service ended"); });
}

}  // namespace switchboard::rpc
