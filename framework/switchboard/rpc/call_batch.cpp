#include <algorithm>

#include <switchboard/rpc/call_batch.hpp>
#include <switchboard/rpc/turn.hpp>
#include <switchboard/wire/block_stock.hpp>
#include <switchboard/wire/thread_stock.hpp>

namespace switchboard::rpc {
namespace {

// The size of the latest batch on this thread: clients that keep many calls in flight go on doing so.
thread_local std::size_t expected_calls = 1;

}  // namespace

call_batch::call_batch(std::shared_ptr<const caller> from, std::shared_ptr<const std::string> key)
    : from_(std::move(from)), key_(std::move(key)) {
  // A read may have many keys, with few calls each: they take no more room than they need.
  if (key_) return;
  requests_ = wire::take_block();
  calls_ = wire::thread_stock<std::vector<entry>>::take();
  calls_.reserve(expected_calls);
}

call_batch::~call_batch() {
  // A batch that was moved from has no caller, and no calls of its own any more.
  if (!from_) return;
  expected_calls = std::clamp<std::size_t>(calls_.size(), 1, expected_calls_max);
  if (taken_ == calls_.size()) {
    wire::give_back_block(std::move(requests_));
    wire::thread_stock<std::vector<entry>>::give_back(std::move(calls_));
    return;
  }
  const turn together;
  take_each([](const method&, incoming_call& call) { call.handle.fail(code::unavailable, "the service ended"); });
}

}  // namespace switchboard::rpc
