#pragma once

/// Reads a transport and cuts what it reads into frames.
///
///     if (reader.read(transport).outcome == net::io_outcome::done)
///       while (reader.next(frame) == outcome::frame) …use frame, or keep_rest() and go on another time…
///
/// Why        a worker's chunk serves all the links that it reads, so an idle link owns no buffer; what a link keeps
///            between two turns is a partial frame, and the rest of a chunk that had to wait.
/// Threads    the link's. What was read is to be taken, or kept, before the thread reads for another link.
/// Owns       a partial frame, within the frame limit; the rest of at most one chunk.

#include <cstddef>
#include <cstdint>
#include <vector>

#include <switchboard/link/link_metrics.hpp>
#include <switchboard/net/transport.hpp>
#include <switchboard/wire/frame_decoder.hpp>

namespace switchboard::link {

class frame_reader {
public:
  using outcome = wire::frame_decoder::outcome;

  /// What one read takes from the transport, at most.
  static constexpr std::size_t chunk_bytes = 64 * 1024;

  /// `figures` lives longer than the reader.
  frame_reader(std::size_t frame_limit, const link_metrics& figures) noexcept
      : decoder_(frame_limit), figures_(figures) {}

  /// One read, whose bytes next() makes frames of. @pre the previous chunk is used up, or kept and taken up again
  net::io_result read(net::transport& from) noexcept;
  /// One read, whose bytes are discarded.
  static net::io_result discard(net::transport& from) noexcept;
  /// The next whole frame, valid until next() is called again.
  outcome next(wire::frame_view& frame) {
    const auto came = decoder_.next(frame);
    if (came == outcome::frame) {
      ++frames_;
      figures_.received_frames.add();
    }
    return came;
  }
  std::error_code error() const noexcept { return decoder_.error(); }

  /// Keeps what next() has not come to; nothing is to be read until it is taken up again.
  void keep_rest();
  bool has_rest() const noexcept { return !rest_.empty(); }
  /// next() continues with what was kept.
  void take_up_rest() noexcept;
  void drop_rest() noexcept { rest_ = {}; }

  /// Whether reading, and taking up what was kept, are paused. A note for the owner: read() and next() do not check it.
  bool paused() const noexcept { return paused_; }
  void pause(bool now) noexcept { paused_ = now; }

  /// What it keeps: of a frame that has not come whole, and of what is not passed on yet.
  std::size_t held_bytes() const noexcept { return decoder_.held_bytes() + rest_.size(); }

  /// Whether a frame has begun and not come whole.
  bool inside_frame() const noexcept { return decoder_.inside_frame(); }
  /// Drops what has come of it. @pre no frame of next() is in use
  void drop_partial() noexcept { decoder_.drop_partial(); }
  /// Begins to watch that frame.
  void watch() noexcept;
  /// Whether it still has not come whole, and fewer than `bytes` have come since.
  bool is_late(std::size_t bytes) const noexcept;

private:
  wire::frame_decoder decoder_;
  const link_metrics& figures_;
  std::vector<std::byte> rest_;
  std::uint64_t frames_ = 0;  ///< so far
  std::uint64_t bytes_ = 0;
  std::uint64_t watched_frames_ = 0;  ///< when watch() was called
  std::uint64_t watched_bytes_ = 0;
  bool paused_ = false;
};

}  // namespace switchboard::link
