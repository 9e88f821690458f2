#pragma once

/// Frames as the tests write them: bytes given one by one, or by protobuf's own delimited writer.

#include <cstddef>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/util/delimited_message_util.h>

#include <switchboard/v1/frame.pb.h>
#include <switchboard/wire/frame_decoder.hpp>

namespace switchboard::wire {

inline std::string bytes(std::initializer_list<int> values) {
  std::string out;
  for (const int value : values) out.push_back(static_cast<char>(value));
  return out;
}

inline std::string delimited(const v1::Frame& frame) {
  std::string out;
  {
    google::protobuf::io::StringOutputStream stream(&out);
    google::protobuf::util::SerializeDelimitedToZeroCopyStream(frame, &stream);
  }
  return out;
}

/// `content` after its size.
inline std::string sized(std::string_view content) {
  std::string out;
  std::size_t size = content.size();
  for (; size >= 0x80; size >>= 7) out.push_back(static_cast<char>(size | 0x80));
  out.push_back(static_cast<char>(size));
  return out.append(content);
}

/// What a decoder made of a stream: the frames as protobuf messages, and how it ended.
struct decoded {
  std::vector<v1::Frame> frames;
  std::error_code error;
  bool inside_frame = false;
};

inline v1::Frame to_message(const frame_view& view) {
  v1::Frame frame;
  frame.set_call(view.call);
  frame.set_method(std::string(view.method));
  if (view.has_message) frame.set_message(std::string(view.message));
  frame.set_end(view.end);
  if (view.has_status) frame.mutable_status()->ParseFromArray(view.status.data(), static_cast<int>(view.status.size()));
  frame.set_credit(view.credit);
  frame.set_timeout_ms(view.timeout_ms);
  for (const auto& each : view.metadata) {
    auto* pair = frame.add_metadata();
    pair->set_key(std::string(each.key));
    pair->set_value(std::string(each.value));
  }
  return frame;
}

/// Feeds one piece, in memory that is freed afterwards: a view that outlives it is found by the sanitizer.
inline void feed(frame_decoder& decoder, std::string_view piece, decoded& into) {
  const auto copy = std::make_unique<std::byte[]>(piece.size());
  if (!piece.empty()) std::memcpy(copy.get(), piece.data(), piece.size());
  decoder.feed({copy.get(), piece.size()});
  frame_view view;
  while (decoder.next(view) == frame_decoder::outcome::frame) into.frames.push_back(to_message(view));
  into.error = decoder.error();
  into.inside_frame = decoder.inside_frame();
}

inline decoded decode(std::initializer_list<std::string_view> pieces, std::size_t limit = default_frame_limit) {
  frame_decoder decoder(limit);
  decoded result;
  for (const auto piece : pieces) feed(decoder, piece, result);
  return result;
}

}  // namespace switchboard::wire
