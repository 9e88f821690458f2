#include <algorithm>
#include <bit>

#include <google/protobuf/message_lite.h>

#include <switchboard/text/utf8.hpp>
#include <switchboard/wire/frame_encoder.hpp>

namespace switchboard::wire {
namespace {

constexpr std::size_t status_text_limit = 1024;

// Tags of switchboard.v1.Frame and Status; all fit one byte.
constexpr char call_tag = 1 << 3;
constexpr char method_tag = 2 << 3 | 2;
constexpr char message_tag = 3 << 3 | 2;
constexpr char end_tag = 4 << 3;
constexpr char status_tag = 5 << 3 | 2;
constexpr char credit_tag = 6 << 3;
constexpr char timeout_tag = 7 << 3;
constexpr char status_code_tag = 1 << 3;
constexpr char status_message_tag = 2 << 3 | 2;
constexpr char status_details_tag = 3 << 3 | 2;

constexpr std::size_t varint_size(std::uint64_t value) noexcept {
  // Seven bits a byte, without a division: right for every width up to 64.
  return (static_cast<std::size_t>(std::bit_width(value | 1)) * 9 + 64) / 64;
}

constexpr std::size_t bytes_field_size(std::size_t bytes) noexcept {
  return 1 + varint_size(bytes) + bytes;
}

/// Everything of a frame but its strings, in the order it is written; flushed to the output in one append.
class header {
public:
  void tag(char value) noexcept { *at_++ = value; }
  void varint(std::uint64_t value) noexcept {
    for (; value >= 0x80; value >>= 7) *at_++ = static_cast<char>(value | 0x80);
    *at_++ = static_cast<char>(value);
  }
  /// A field of `value` unless that is its default, which is not written.
  void field(char tag_value, std::uint64_t value) noexcept {
    if (value == 0) return;
    tag(tag_value);
    varint(value);
  }
  void append_to(std::string& out) {
    out.append(bytes_, static_cast<std::size_t>(at_ - bytes_));
    at_ = bytes_;
  }

private:
  // Most at once, in a status: two sizes (10 each), call (11), code (11), two tags, the text's size (2).
  char bytes_[48];
  char* at_ = bytes_;
};

constexpr std::size_t field_size(std::uint64_t value) noexcept {
  return value == 0 ? 0 : 1 + varint_size(value);
}

/// `text` as a protobuf string may carry it: cut at the limit between characters, each byte that is not UTF-8 a '?'. A
/// status that quotes what a client sent must not become a frame that the client cannot parse.
std::string status_text(std::string_view text) {
  std::string clean;
  clean.reserve(std::min(text.size(), status_text_limit));
  while (!text.empty()) {
    const auto size = text::utf8_character_size(text);
    const std::string_view character = size == 0 ? std::string_view("?") : text.substr(0, size);
    if (clean.size() + character.size() > status_text_limit) break;
    clean += character;
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  return clean;
}

}  // namespace

std::size_t message_frame_size(std::uint64_t call, std::size_t payload, bool end) noexcept {
  return field_size(call) + (end ? 2 : 0) + bytes_field_size(payload);
}

void append_message_header(std::string& out, std::uint64_t call, std::size_t payload, bool end) {
  header head;
  head.varint(field_size(call) + (end ? 2 : 0) + bytes_field_size(payload));
  head.field(call_tag, call);
  if (end) {
    head.tag(end_tag);
    head.tag(1);
  }
  head.tag(message_tag);
  head.varint(payload);
  head.append_to(out);
}

void append_message(std::string& out, std::uint64_t call, std::string_view payload, bool end) {
  append_message_header(out, call, payload.size(), end);
  out.append(payload);
}

void append_message(std::string& out, std::uint64_t call, const google::protobuf::MessageLite& message,
                    std::size_t payload, bool end) {
  append_message_header(out, call, payload, end);
  const auto before = out.size();
  out.resize(before + payload);
  message.SerializeWithCachedSizesToArray(reinterpret_cast<std::uint8_t*>(out.data() + before));
}

void append_end(std::string& out, std::uint64_t call) {
  header head;
  head.varint(field_size(call) + 2);
  head.field(call_tag, call);
  head.field(end_tag, 1);
  head.append_to(out);
}

void append_status(std::string& out, std::uint64_t call, int code, std::string_view text, std::string_view detail) {
  const std::string clean = status_text(text);
  // An int32 is sign-extended to 64 bits on the wire.
  const auto wire_code = static_cast<std::uint64_t>(static_cast<std::int64_t>(code));
  const auto status_size = field_size(wire_code) + (clean.empty() ? 0 : bytes_field_size(clean.size())) +
                           (detail.empty() ? 0 : bytes_field_size(detail.size()));
  header head;
  head.varint(field_size(call) + bytes_field_size(status_size));
  head.field(call_tag, call);
  head.tag(status_tag);
  head.varint(status_size);
  head.field(status_code_tag, wire_code);
  if (!clean.empty()) {
    head.tag(status_message_tag);
    head.varint(clean.size());
  }
  head.append_to(out);
  out.append(clean);
  if (detail.empty()) return;
  head.tag(status_details_tag);
  head.varint(detail.size());
  head.append_to(out);
  out.append(detail);
}

void append_credit(std::string& out, std::uint64_t call, std::uint32_t credit) {
  header head;
  head.varint(field_size(call) + field_size(credit));
  head.field(call_tag, call);
  head.field(credit_tag, credit);
  head.append_to(out);
}

void append_open(std::string& out, std::uint64_t call, std::string_view method, std::string_view payload, bool end,
                 std::uint32_t credit, std::uint32_t timeout_ms) {
  header head;
  head.varint(field_size(call) + bytes_field_size(method.size()) + field_size(timeout_ms) + field_size(credit) +
              (end ? 2 : 0) + (payload.empty() ? 0 : bytes_field_size(payload.size())));
  head.field(call_tag, call);
  head.tag(method_tag);
  head.varint(method.size());
  head.append_to(out);
  out.append(method);
  head.field(timeout_tag, timeout_ms);
  head.field(credit_tag, credit);
  head.field(end_tag, end);
  if (!payload.empty()) {
    head.tag(message_tag);
    head.varint(payload.size());
  }
  head.append_to(out);
  out.append(payload);
}

void add_metadata(std::string& out, std::size_t begin, std::string_view fields) {
  if (fields.empty()) return;
  auto content = begin;
  while (static_cast<unsigned char>(out[content]) >= 0x80) ++content;
  ++content;
  // Fields of a message may come in any order: these go last.
  std::string size;
  header head;
  head.varint(out.size() - content + fields.size());
  head.append_to(size);
  out.replace(begin, content - begin, size);
  out.append(fields);
}

void append_frame(std::string& out, const google::protobuf::MessageLite& frame) {
  header head;
  head.varint(frame.ByteSizeLong());
  head.append_to(out);
  frame.AppendToString(&out);
}

}  // namespace switchboard::wire
