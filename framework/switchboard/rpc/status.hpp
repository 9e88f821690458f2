#pragma once

/// How a call ended: the numbers of google.rpc.Code, a sentence for people, and what goes with the end.
/// Threads    a value.

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

#include <switchboard/rpc/metadata.hpp>

namespace switchboard::rpc {

enum class code : std::int32_t {
  ok = 0,
  cancelled = 1,
  unknown = 2,
  invalid_argument = 3,
  deadline_exceeded = 4,
  not_found = 5,
  already_exists = 6,
  permission_denied = 7,
  resource_exhausted = 8,
  failed_precondition = 9,
  aborted = 10,
  out_of_range = 11,
  unimplemented = 12,
  internal = 13,
  unavailable = 14,
  data_loss = 15,
  unauthenticated = 16,
};

/// "INVALID_ARGUMENT" and the like; the number in words where there is no name.
std::string to_string(code value);

struct status {
  rpc::code code = rpc::code::ok;
  std::string message{};
  metadata trailing{};
  /// After what time the call is worth repeating (rpc/retry_info.hpp); 0: nothing is said of that.
  std::chrono::milliseconds retry_after{0};

  bool ok() const noexcept { return code == rpc::code::ok; }
  friend bool operator==(const status&, const status&) = default;
};

}  // namespace switchboard::rpc
