#include <algorithm>
#include <cstring>
#include <limits>

#include <switchboard/error/invariant.hpp>
#include <switchboard/text/utf8.hpp>
#include <switchboard/wire/field_cursor.hpp>
#include <switchboard/wire/frame_decoder.hpp>

namespace switchboard::wire {
namespace {

constexpr std::uint32_t varint_tag(std::uint32_t number) {
  return tag_of(number, wire_type::varint);
}
constexpr std::uint32_t bytes_tag(std::uint32_t number) {
  return tag_of(number, wire_type::length_delimited);
}

/// Whether `bytes` are a google.protobuf.Any: type_url = 1, a string; value = 2.
bool is_any(std::string_view bytes, int depth) noexcept {
  field_cursor from(bytes);
  while (!from.done()) {
    std::uint32_t tag;
    if (!from.read_tag(tag)) return false;
    if (tag == bytes_tag(1)) {
      std::string_view type_url;
      if (!from.read_bytes(type_url) || !text::is_utf8(type_url)) return false;
    } else if (!from.skip_field(tag, depth)) {
      return false;
    }
  }
  return true;
}

/// Whether `bytes` are a switchboard.v1.Status: code = 1; message = 2, a string; details = 3, each an Any.
bool is_status(std::string_view bytes, int depth) noexcept {
  field_cursor from(bytes);
  while (!from.done()) {
    std::uint32_t tag;
    std::string_view field;
    if (!from.read_tag(tag)) return false;
    if (tag == bytes_tag(2)) {
      if (!from.read_bytes(field) || !text::is_utf8(field)) return false;
    } else if (tag == bytes_tag(3)) {
      if (!from.read_bytes(field) || !is_any(field, depth - 1)) return false;
    } else if (!from.skip_field(tag, depth)) {
      return false;
    }
  }
  return true;
}

/// Whether `bytes` are a switchboard.v1.Metadata: key = 1, a string; value = 2.
bool is_metadata(std::string_view bytes, int depth) noexcept {
  field_cursor from(bytes);
  while (!from.done()) {
    std::uint32_t tag;
    if (!from.read_tag(tag)) return false;
    if (tag == bytes_tag(1)) {
      std::string_view key;
      if (!from.read_bytes(key) || !text::is_utf8(key)) return false;
    } else if (!from.skip_field(tag, depth)) {
      return false;
    }
  }
  return true;
}

}  // namespace

bool parse_frame(std::string_view bytes, frame_view& frame, std::string& merged_status) {
  frame = {};
  field_cursor from(bytes);
  while (!from.done()) {
    std::uint32_t tag;
    std::uint64_t number;
    std::string_view field;
    if (!from.read_tag(tag)) return false;
    switch (tag) {
      case varint_tag(1):
        if (!from.read_varint(frame.call)) return false;
        break;
      case bytes_tag(2):
        if (!from.read_bytes(frame.method) || !text::is_utf8(frame.method)) return false;
        break;
      case bytes_tag(3):
        if (!from.read_bytes(frame.message)) return false;
        frame.has_message = true;
        break;
      case varint_tag(4):
        if (!from.read_varint(number)) return false;
        frame.end = number != 0;
        break;
      case bytes_tag(5):
        if (!from.read_bytes(field) || !is_status(field, field_cursor::depth_limit - 1)) return false;
        if (!frame.has_status) {
          frame.status = field;
        } else {
          // Serialized messages in a row parse as their merge.
          if (frame.status.data() != merged_status.data()) merged_status.assign(frame.status);
          merged_status.append(field);
          frame.status = merged_status;
        }
        frame.has_status = true;
        break;
      case varint_tag(6):
        if (!from.read_varint(number)) return false;
        frame.credit = static_cast<std::uint32_t>(number);
        break;
      case varint_tag(7):
        if (!from.read_varint(number)) return false;
        frame.timeout_ms = static_cast<std::uint32_t>(number);
        break;
      case bytes_tag(9):
        if (!from.read_bytes(field) || !is_metadata(field, field_cursor::depth_limit - 1)) return false;
        frame.metadata = metadata_view{bytes};
        break;
      default:
        if (!from.skip_field(tag, field_cursor::depth_limit)) return false;
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

void frame_decoder::at_frame_boundary() noexcept {
  size_bytes_ = 0;
  size_complete_ = false;
  at_stream_begin_ = false;
}

void frame_decoder::drop_partial() noexcept {
  partial_.reset();
  arrived_ = 0;
  capacity_ = 0;
  from_partial_ = false;
  std::string{}.swap(merged_status_);
  at_frame_boundary();
}

/// Whether the stream began with "GET ", of which the size varint was the G and `content` are the bytes after it.
bool frame_decoder::begins_as_http(std::string_view content) const noexcept {
  return at_stream_begin_ && size_ == 'G' && size_bytes_ == 1 && content.starts_with("ET ");
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
      at_frame_boundary();
      continue;
    }
    const auto left = static_cast<std::size_t>(end_ - at_);
    if (arrived_ == 0 && left >= size_) {
      const std::string_view bytes(at_, size_);
      at_ += size_;
      return deliver(bytes, frame);
    }
    keep_partial();
    if (begins_as_http({partial_.get(), arrived_})) return fail(errc::malformed_frame);
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
  // A size is only a claim, so memory grows with the bytes that have arrived; a larger block of an earlier frame is freed.
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
  if (begins_as_http(bytes)) return fail(errc::malformed_frame);
  at_frame_boundary();
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
