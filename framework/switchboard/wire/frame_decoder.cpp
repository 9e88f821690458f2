#include <algorithm>
#include <cstring>
#include <limits>

#include <switchboard/error/invariant.hpp>
#include <switchboard/text/utf8.hpp>
#include <switchboard/wire/frame_decoder.hpp>

namespace switchboard::wire {
namespace {

// What protobuf's parser allows (parse_context.h, 3.21): varints of ten bytes whatever their field's width, tags and
// lengths of five, and a hundred messages and groups inside one another.
constexpr int varint_limit = 10;
constexpr int tag_limit = 5;
constexpr int length_limit = 5;
constexpr int depth_limit = 100;

enum wire_type : unsigned {
  varint = 0,
  fixed64 = 1,
  length_delimited = 2,
  start_group = 3,
  end_group = 4,
  fixed32 = 5
};

constexpr std::uint32_t tag_of(std::uint32_t number, wire_type type) {
  return number << 3 | type;
}

/// What is left to read of a message. Each read_ function moves on and says whether the bytes allowed it.
struct cursor {
  const unsigned char* at;
  const unsigned char* end;

  explicit cursor(std::string_view bytes) noexcept
      : at(reinterpret_cast<const unsigned char*>(bytes.data())), end(at + bytes.size()) {}

  bool done() const noexcept { return at == end; }
  std::size_t left() const noexcept { return static_cast<std::size_t>(end - at); }

  bool read_varint(std::uint64_t& value) noexcept {
    if (!done() && *at < 0x80) {
      value = *at++;
      return true;
    }
    return read_long_varint(value, varint_limit);
  }

  bool read_long_varint(std::uint64_t& value, int limit) noexcept {
    value = 0;
    for (int i = 0; i < limit && !done(); ++i) {
      const std::uint64_t byte = *at++;
      value |= (byte & 0x7f) << (7 * i);
      if (byte < 0x80) return true;
    }
    return false;
  }

  bool read_tag(std::uint32_t& tag) noexcept {
    if (!done() && *at < 0x80) {
      tag = *at++;
      return true;
    }
    std::uint64_t wide;
    if (!read_long_varint(wide, tag_limit)) return false;
    tag = static_cast<std::uint32_t>(wide);  // the fifth byte's high bits are dropped, as protobuf does
    return true;
  }

  bool read_bytes(std::string_view& bytes) noexcept {
    std::uint64_t size;
    if (!done() && *at < 0x80) {
      size = *at++;
    } else if (!read_long_varint(size, length_limit)) {
      return false;
    }
    if (size > left()) return false;
    bytes = {reinterpret_cast<const char*>(at), static_cast<std::size_t>(size)};
    at += size;
    return true;
  }

  bool skip(std::size_t size) noexcept {
    if (size > left()) return false;
    at += size;
    return true;
  }
};

bool skip_group(cursor& from, std::uint32_t number, int depth) noexcept;

/// Passes over the field behind `tag`, which is none that its message knows. `depth` is how many levels may still open.
bool skip_field(cursor& from, std::uint32_t tag, int depth) noexcept {
  const std::uint32_t number = tag >> 3;
  if (number == 0) return false;
  std::uint64_t ignored;
  std::string_view ignored_bytes;
  switch (tag & 7) {
    case varint:
      return from.read_varint(ignored);
    case fixed64:
      return from.skip(8);
    case length_delimited:
      return from.read_bytes(ignored_bytes);
    case start_group:
      return skip_group(from, number, depth);
    case fixed32:
      return from.skip(4);
    default:
      return false;  // end_group without its start; 6 and 7 mean nothing
  }
}

bool skip_group(cursor& from, std::uint32_t number, int depth) noexcept {
  if (depth == 0) return false;
  std::uint32_t tag;
  while (from.read_tag(tag)) {
    if (tag == tag_of(number, end_group)) return true;
    if (!skip_field(from, tag, depth - 1)) return false;
  }
  return false;
}

/// Whether `bytes` are a google.protobuf.Any: type_url = 1, a string; value = 2.
bool is_any(std::string_view bytes, int depth) noexcept {
  cursor from(bytes);
  while (!from.done()) {
    std::uint32_t tag;
    if (!from.read_tag(tag)) return false;
    if (tag == tag_of(1, length_delimited)) {
      std::string_view type_url;
      if (!from.read_bytes(type_url) || !text::is_utf8(type_url)) return false;
    } else if (!skip_field(from, tag, depth)) {
      return false;
    }
  }
  return true;
}

/// Whether `bytes` are a switchboard.v1.Status: code = 1; message = 2, a string; details = 3, each an Any.
bool is_status(std::string_view bytes, int depth) noexcept {
  cursor from(bytes);
  while (!from.done()) {
    std::uint32_t tag;
    std::string_view field;
    if (!from.read_tag(tag)) return false;
    if (tag == tag_of(2, length_delimited)) {
      if (!from.read_bytes(field) || !text::is_utf8(field)) return false;
    } else if (tag == tag_of(3, length_delimited)) {
      if (!from.read_bytes(field) || !is_any(field, depth - 1)) return false;
    } else if (!skip_field(from, tag, depth)) {
      return false;
    }
  }
  return true;
}

}  // namespace

bool parse_frame(std::string_view bytes, frame_view& frame, std::string& merged_status) {
  frame = {};
  cursor from(bytes);
  while (!from.done()) {
    std::uint32_t tag;
    std::uint64_t number;
    std::string_view field;
    if (!from.read_tag(tag)) return false;
    switch (tag) {
      case tag_of(1, varint):
        if (!from.read_varint(frame.call)) return false;
        break;
      case tag_of(2, length_delimited):
        if (!from.read_bytes(frame.method) || !text::is_utf8(frame.method)) return false;
        break;
      case tag_of(3, length_delimited):
        if (!from.read_bytes(frame.message)) return false;
        frame.has_message = true;
        break;
      case tag_of(4, varint):
        if (!from.read_varint(number)) return false;
        frame.end = number != 0;
        break;
      case tag_of(5, length_delimited):
        if (!from.read_bytes(field) || !is_status(field, depth_limit - 1)) return false;
        if (!frame.has_status) {
          frame.status = field;
        } else {
          // Serialized messages one behind the other are their merge.
          if (frame.status.data() != merged_status.data()) merged_status.assign(frame.status);
          merged_status.append(field);
          frame.status = merged_status;
        }
        frame.has_status = true;
        break;
      case tag_of(6, varint):
        if (!from.read_varint(number)) return false;
        frame.credit = static_cast<std::uint32_t>(number);
        break;
      case tag_of(7, varint):
        if (!from.read_varint(number)) return false;
        frame.timeout_ms = static_cast<std::uint32_t>(number);
        break;
      default:
        if (!skip_field(from, tag, depth_limit)) return false;
    }
  }
  return true;
}

frame_decoder::frame_decoder(std::size_t frame_limit) noexcept
    : limit_(static_cast<std::uint32_t>(std::min<std::size_t>(frame_limit, std::numeric_limits<std::int32_t>::max()))) {
}

void frame_decoder::feed(std::span<const std::byte> chunk) noexcept {
  SWITCHBOARD_INVARIANT(failed_ || at_ == end_, "a chunk was fed before the previous one was drained");
  at_ = reinterpret_cast<const char*>(chunk.data());
  end_ = at_ + chunk.size();
}

std::span<const std::byte> frame_decoder::take_rest() noexcept {
  const auto rest = std::as_bytes(std::span{at_, end_});
  at_ = end_;
  return rest;
}

frame_decoder::outcome frame_decoder::next(frame_view& frame) {
  if (failed_) return outcome::failed;
  if (from_partial_) {
    from_partial_ = false;
    arrived_ = 0;
  }
  while (true) {
    if (!size_complete_) {
      switch (take_size()) {
        case size_step::complete:
          break;
        case size_step::incomplete:
          return wait_for_more();
        case size_step::failed:
          return outcome::failed;
      }
    }
    if (size_ == 0) {
      size_bytes_ = 0;
      size_complete_ = false;
      continue;
    }
    const auto left = static_cast<std::size_t>(end_ - at_);
    if (arrived_ == 0 && left >= size_) {
      const std::string_view bytes(at_, size_);
      at_ += size_;
      return deliver(bytes, frame);
    }
    keep_partial();
    if (arrived_ < size_) return wait_for_more();
    from_partial_ = true;
    return deliver({partial_.get(), static_cast<std::size_t>(size_)}, frame);
  }
}

frame_decoder::size_step frame_decoder::take_size() noexcept {
  while (at_ != end_) {
    const auto byte = static_cast<unsigned char>(*at_++);
    size_ = size_bytes_ == 0 ? byte & 0x7f : size_ | static_cast<std::uint64_t>(byte & 0x7f) << (7 * size_bytes_);
    ++size_bytes_;
    if (byte < 0x80) {
      if (size_ > limit_) {
        fail(errc::frame_too_large);
        return size_step::failed;
      }
      size_complete_ = true;
      return size_step::complete;
    }
    if (size_bytes_ == size_varint_limit) {
      fail(errc::malformed_varint);
      return size_step::failed;
    }
  }
  return size_step::incomplete;
}

void frame_decoder::keep_partial() {
  const auto missing = static_cast<std::size_t>(size_) - arrived_;
  const auto taken = static_cast<std::uint32_t>(std::min<std::size_t>(missing, static_cast<std::size_t>(end_ - at_)));
  if (taken == 0) return;
  const std::uint32_t held = arrived_ + taken;
  // A size is a claim: memory follows what has arrived. What an earlier, larger frame left behind goes too.
  const auto allowed = static_cast<std::uint32_t>(std::min<std::uint64_t>(size_, std::uint64_t{2} * held));
  if (capacity_ < held || capacity_ > std::uint64_t{2} * held) {
    auto grown = std::make_unique_for_overwrite<char[]>(allowed);
    if (arrived_ != 0) std::memcpy(grown.get(), partial_.get(), arrived_);
    partial_ = std::move(grown);
    capacity_ = allowed;
  }
  std::memcpy(partial_.get() + arrived_, at_, taken);
  at_ += taken;
  arrived_ = held;
}

frame_decoder::outcome frame_decoder::deliver(std::string_view bytes, frame_view& frame) {
  size_bytes_ = 0;
  size_complete_ = false;
  if (!parse_frame(bytes, frame, merged_status_)) return fail(errc::malformed_frame);
  return outcome::frame;
}

frame_decoder::outcome frame_decoder::wait_for_more() noexcept {
  if (arrived_ == 0 && capacity_ != 0) {
    partial_.reset();
    capacity_ = 0;
  }
  if (merged_status_.capacity() > std::string().capacity()) std::string().swap(merged_status_);
  return outcome::need_more;
}

frame_decoder::outcome frame_decoder::fail(errc reason) noexcept {
  failed_ = true;
  failure_ = reason;
  partial_.reset();
  arrived_ = 0;
  capacity_ = 0;
  return outcome::failed;
}

}  // namespace switchboard::wire
