#pragma once

/// What one call reports, as it happens.
///
/// Threads    the one that drives the call's table.
/// Owns       the table shares a handler until its call has ended.
/// Reentrancy a handler may open, cancel and grant calls of the same table, its own included.

#include <cstdint>
#include <string_view>

#include <switchboard/rpc/status.hpp>

namespace switchboard::client {

class call_handler {
public:
  virtual ~call_handler() = default;
  /// One serialized reply, good for this call only. Anything but OK: why no more is taken; the call is cancelled with that.
  virtual rpc::status on_reply(std::string_view message) = 0;
  /// The server takes `more` requests.
  virtual void on_credit(std::uint32_t more) = 0;
  /// The call is over; the last thing that is called, and called once.
  virtual void on_end(const rpc::status& how) = 0;
};

}  // namespace switchboard::client
