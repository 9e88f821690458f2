#pragma once

/// ChatMessages out of a stream of bytes, one after another, as an import reads them.
///
/// Formats    JSON, one a line; or serialized, each after its size as a varint (protobuf's delimited stream).
/// Threads    one.
/// Owns       what it has read and not given: a line, or a message, of a bounded size.
/// Errors     fault(): the first place where what comes is no whole message, or none that a broker would have stored. Only
///            an input that ends between two messages ends without one.

#include <cstdint>
#include <istream>
#include <string>

#include <google/protobuf/io/zero_copy_stream_impl.h>

#include <switchboard/chat/v1/chat.pb.h>
#include <switchboard/rpc/status.hpp>

namespace switchboard::chat {

class message_input {
public:
  message_input(std::istream& from, bool as_json) : from_(from), as_json_(as_json) {}

  /// Takes the next message, without the fields that are unknown here. False at the end and at a fault.
  bool next(v1::ChatMessage& message);
  /// What ended the input, with the place of the message in bytes from the beginning; OK where that was its end.
  const rpc::status& fault() const noexcept { return fault_; }

private:
  bool fail(std::string why);
  bool at_end();
  bool next_line(v1::ChatMessage& message);
  bool next_delimited(v1::ChatMessage& message);

  std::istream& from_;
  const bool as_json_;
  google::protobuf::io::IstreamInputStream input_{&from_};
  std::int64_t offset_ = 0;  ///< where the latest message begins
  rpc::status fault_;
};

}  // namespace switchboard::chat
