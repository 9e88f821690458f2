#pragma once

/// A call on its way into a handler: the handle that answers it, and what it asks.
/// Threads    as the handle.
/// Owns       the call; the request's bytes are its batch's.

#include <memory>
#include <string_view>

#include <switchboard/rpc/call.hpp>
#include <switchboard/rpc/stream_queue.hpp>

namespace switchboard::rpc {

struct incoming_call {
  call_handle handle;
  std::string_view request;                ///< serialized; of methods whose requests do not stream
  std::shared_ptr<stream_queue> requests;  ///< of those whose requests do
};

}  // namespace switchboard::rpc
