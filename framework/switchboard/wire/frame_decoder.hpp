#pragma once

/// Bytes in, frames out, however the bytes were cut.
///
/// Why        a frame's fields are read in place, without building a protobuf message: the payload is parsed once, by
///            its receiver. It accepts exactly what protobuf's own parser accepts as a switchboard.v1.Frame, but for a
///            stream that begins with "GET ", which is HTTP (proto/README.md).
/// Threads    one at a time.
/// Owns       only the bytes of a frame that has not arrived whole, at most the frame limit and never more than twice
///            what has arrived; nothing while idle.
/// Errors     frame_too_large, malformed_varint, malformed_frame; after one the decoder stays failed.
///
///     decoder.feed(chunk);
///     while (decoder.next(frame) == frame_decoder::outcome::frame) …use frame…;
///     // need_more: the rest of the chunk is kept; failed: decoder.error() says why

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include <switchboard/error/errc.hpp>
#include <switchboard/wire/frame_view.hpp>
#include <switchboard/wire/limits.hpp>

namespace switchboard::wire {

class frame_decoder {
public:
  enum class outcome : unsigned char { frame, need_more, failed };

  /// Limits above protobuf's own (2 GiB) are cut to it.
  explicit frame_decoder(std::size_t frame_limit = default_frame_limit) noexcept;

  /// Takes up `chunk`, which must stay valid until next() has returned need_more or failed.
  /// @pre the previous chunk was drained.
  void feed(std::span<const std::byte> chunk) noexcept;
  /// The next whole frame; empty frames are passed over. `frame` is valid until the next call of next() or feed().
  outcome next(frame_view& frame);
  /// The part of the chunk that next() has not read yet; the chunk then counts as drained. Feed that part first, later on.
  std::span<const std::byte> take_rest() noexcept;
  std::error_code error() const noexcept { return failed_ ? make_error_code(failure_) : std::error_code{}; }
  /// Whether the stream stands inside a frame: an end of stream now cuts one off.
  bool inside_frame() const noexcept { return size_bytes_ != 0; }
  /// Drops the part that has come of the frame that the stream stands in, whose rest will not come, and what next() has kept.
  /// @pre no frame of next() is in use
  void drop_partial() noexcept;
  /// Bytes set aside for a frame that has not arrived whole, and for a status that was merged.
  std::size_t held_bytes() const noexcept {
    return capacity_ + (merged_status_.capacity() > std::string{}.capacity() ? merged_status_.capacity() : 0);
  }

private:
  enum class size_step : unsigned char { complete, incomplete, failed };

  size_step take_size() noexcept;
  void keep_partial();
  void at_frame_boundary() noexcept;
  bool begins_as_http(std::string_view content) const noexcept;
  outcome deliver(std::string_view bytes, frame_view& frame);
  outcome wait_for_more() noexcept;
  outcome fail(errc reason) noexcept;

  const char* at_ = nullptr;
  const char* end_ = nullptr;
  std::unique_ptr<char[]> partial_;
  std::uint32_t arrived_ = 0;   // bytes in partial_
  std::uint32_t capacity_ = 0;  // of partial_
  std::uint32_t limit_;
  std::uint64_t size_ = 0;       // of the frame the stream stands in, as far as its varint has come
  std::uint8_t size_bytes_ = 0;  // of that varint; 0 between frames
  bool size_complete_ = false;   // that varint has ended
  bool at_stream_begin_ = true;  // no frame has ended yet, not even an empty one
  bool from_partial_ = false;    // the last frame's view points into partial_
  bool failed_ = false;
  errc failure_{};
  std::string merged_status_;
};

/// Reads one frame's bytes (after the size). False when they are not a switchboard.v1.Frame. A frame with more than one
/// `status`, which protobuf merges, is the only one that is not read in place: `merged_status` then holds what
/// `frame.status` points at, and is untouched otherwise.
[[nodiscard]] bool parse_frame(std::string_view bytes, frame_view& frame, std::string& merged_status);

}  // namespace switchboard::wire
