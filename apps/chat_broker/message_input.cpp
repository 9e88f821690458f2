#include "message_input.hpp"

#include "chat_limits.hpp"
#include "chat_names.hpp"

#include <string_view>

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/util/json_util.h>

namespace switchboard::chat {
namespace {

/// A line of JSON, at most: every byte of the longest text as \u0000.
constexpr std::size_t line_bytes_max = 8 * text_bytes_max;
/// A serialized message, at most: the longest text, and as much of everything else, also of what is not known here.
constexpr std::size_t message_bytes_max = 2 * text_bytes_max;

rpc::status no_message(std::string why) {
  return {rpc::code::invalid_argument, std::move(why)};
}

}  // namespace

bool message_input::next(v1::ChatMessage& message) {
  message.Clear();
  offset_ = input_.ByteCount();
  if (!fault_.ok() || at_end()) return false;
  if (!(as_json_ ? next_line(message) : next_delimited(message))) {
    // What could not be read on is cut off for that reason.
    return from_.bad() && fail("the input cannot be read");
  }
  message.DiscardUnknownFields();
  const auto bad = check_message(message);
  return bad.ok() || fail(bad.message);
}

bool message_input::fail(std::string why) {
  fault_ = no_message("at byte " + std::to_string(offset_) + ": " + std::move(why));
  return false;
}

/// Whether the input ends here, between two messages.
bool message_input::at_end() {
  const void* data = nullptr;
  int size = 0;
  while (input_.Next(&data, &size)) {
    if (size == 0) continue;
    input_.BackUp(size);
    return false;
  }
  if (from_.bad()) fail("the input cannot be read");
  return true;
}

bool message_input::next_line(v1::ChatMessage& message) {
  std::string line;
  const void* data = nullptr;
  int size = 0;
  bool ends = false;
  while (!ends && line.size() <= line_bytes_max && input_.Next(&data, &size)) {
    const std::string_view come(static_cast<const char*>(data), static_cast<std::size_t>(size));
    const auto length = come.find('\n');
    line.append(come.substr(0, length));
    ends = length != std::string_view::npos;
    if (ends) input_.BackUp(size - static_cast<int>(length) - 1);
  }
  if (from_.bad()) return false;
  if (line.size() > line_bytes_max)
    return fail("a line above the limit of " + std::to_string(line_bytes_max) + " bytes");
  const auto parsed = google::protobuf::util::JsonStringToMessage(line, &message);
  return parsed.ok() || fail(parsed.ToString());
}

bool message_input::next_delimited(v1::ChatMessage& message) {
  google::protobuf::io::CodedInputStream coded{&input_};
  std::uint64_t size = 0;
  std::string bytes;
  if (!coded.ReadVarint64(&size)) return fail("what comes is not the size of a message");
  if (size > message_bytes_max)
    return fail("a message of " + std::to_string(size) + " bytes is above the limit of " +
                std::to_string(message_bytes_max));
  if (!coded.ReadString(&bytes, static_cast<int>(size))) return fail("a message is cut off");
  return message.ParseFromString(bytes) || fail("what comes is no message");
}

}  // namespace switchboard::chat
