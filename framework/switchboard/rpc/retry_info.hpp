#pragma once

/// google.rpc.RetryInfo: how a status says after what time its call is worth repeating.
///
/// Why        clients of any language look for it in Status.details (google/rpc/error_details.proto). It is encoded here
///            without a generated message: a program may link googleapis' own, and a descriptor pool takes one of a name.
/// Form       Any { type_url: "type.googleapis.com/google.rpc.RetryInfo", value: RetryInfo { Duration retry_delay = 1 } }
/// Threads    free functions.
/// Errors     none: what is no RetryInfo says nothing.

#include <chrono>
#include <string>

namespace google::protobuf {
class Any;
}

namespace switchboard::rpc {

/// The Any, serialized; empty where `delay` is 0, which says nothing.
std::string retry_info(std::chrono::milliseconds delay);
/// The delay that `detail` says, rounded up; 0 where it says none.
std::chrono::milliseconds retry_delay_in(const google::protobuf::Any& detail);

}  // namespace switchboard::rpc
