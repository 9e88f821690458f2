#pragma once

/// One call of any kind, its messages as JSON: requests from a text or from lines, replies to standard output.
///
/// Threads    one.
/// Owns       nothing; connection and schema outlive it.
/// Output     a reply a line, flushed as it comes.

#include "remote_schema.hpp"
#include "request_lines.hpp"

#include <cstdint>
#include <string>

namespace switchboard::call {

struct call_options {
  client::deadline until = client::deadline::max();  ///< of the whole call; the server keeps it too
  std::uint32_t window = 64;                         ///< replies the server may send ahead of what is printed
  std::uint64_t limit = 0;                           ///< replies after which the call is cancelled; 0: none
  rpc::metadata metadata{};                          ///< goes with the request
};

/// Calls `method` with the one request `json`, or, where its requests stream, with those of `lines`.
/// @return how the call ended, with the metadata of its end: OK where the limit ended it, CANCELLED where SIGINT did.
rpc::status call_with_json(client::channel& server, remote_schema& schema,
                           const google::protobuf::MethodDescriptor& method, const std::string& json,
                           request_lines& lines, const call_options& options);

}  // namespace switchboard::call
