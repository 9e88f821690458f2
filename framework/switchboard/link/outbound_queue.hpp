#pragma once

/// The frames a link has still to write, in two lanes: replies first, stream messages later.
///
/// Why        status, credit and replies overtake queued stream data of other calls, but never the middle of a frame
///            and never frames of their own call (proto/README.md, "Flow control").
/// Threads    the link's.
/// Owns       the queued bytes. Small payloads are copied after their header into blocks, larger ones kept by
///            reference; a queue that is empty owns no block. Of what its blocks have room for, about half is used at least.
/// Errors     write() passes on the transport's.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <switchboard/link/link_metrics.hpp>
#include <switchboard/net/transport.hpp>
#include <switchboard/wire/shared_bytes.hpp>

namespace switchboard::link {

class outbound_queue {
public:
  /// Payloads from this size on are gathered by reference where their source allows it. Below, copying is cheaper than
  /// another piece of the gathered write and a reference count.
  static constexpr std::size_t copy_bytes_max = 1024;
  /// A block that has grown beyond this, and half of its room, is followed by a new one.
  static constexpr std::size_t block_bytes = 16 * 1024;

  /// `figures` lives longer than the queue.
  explicit outbound_queue(const link_metrics& figures = link_metrics::none()) noexcept : figures_(figures) {}

  /// Adds to the reply lane what `append(std::string&)` appends: one whole frame.
  template <class Append>
  void add_reply(Append&& append) {
    replies_.append(append);
    figures_.queued_frames.add();
  }
  /// Adds `count` whole frames to the reply lane.
  void add_replies(std::string&& frames, std::size_t count);
  /// Adds {call, message} to the stream lane. `owner`: set where it owns `message`, which may then be kept by reference.
  void add_stream_message(std::uint64_t call, std::string_view message, const wire::shared_bytes& owner);
  /// Adds what `append(std::string&)` appends, one whole frame, to the stream lane: after the messages of its own
  /// call.
  template <class Append>
  void add_stream_frame(Append&& append) {
    streams_.append(append);
    frame_ends_.push_back(streams_.appended);
    figures_.queued_frames.add();
  }

  /// Bytes appended to the stream lane since the beginning; a place in the lane.
  std::uint64_t stream_position() const noexcept { return streams_.appended; }
  /// Whether all that was in the stream lane at `position` has left it.
  bool stream_sent(std::uint64_t position) const noexcept { return streams_.appended - streams_.bytes >= position; }

  /// Bytes that have left since the beginning.
  std::uint64_t sent() const noexcept { return replies_.appended + streams_.appended - bytes(); }
  std::size_t reply_bytes() const noexcept { return replies_.bytes; }
  std::size_t bytes() const noexcept { return replies_.bytes + streams_.bytes; }
  bool empty() const noexcept { return bytes() == 0; }
  /// What they take of memory: room that is not used yet, and used room that is not free yet, as well.
  std::size_t held_bytes() const noexcept {
    return empty() ? 0
                   : replies_.held_bytes() + streams_.held_bytes() + frame_ends_.capacity() * sizeof(frame_ends_[0]);
  }

  /// Writes until all is gone, the transport takes no more for now, or it fails: the last write's result, whose `bytes`
  /// are those of all writes. An empty queue writes what the transport holds.
  net::io_result write(net::transport& to);
  /// Drops the stream lane, but for a frame that has begun.
  void drop_streams() noexcept;
  /// Drops everything.
  void clear() noexcept;

private:
  struct piece {
    std::string block;          ///< or…
    wire::shared_bytes shared;  ///< …bytes by reference
    std::size_t begin = 0;      ///< what was written of it
    std::string_view rest() const noexcept {
      return (shared.empty() ? std::string_view{block} : shared.view()).substr(begin);
    }
  };
  struct lane {
    std::vector<piece> pieces;
    std::size_t head = 0;        ///< the first piece that is not used up
    std::size_t bytes = 0;       ///< still to be written
    std::size_t room = 0;        ///< of the blocks, and bytes by reference
    std::uint64_t appended = 0;  ///< since the beginning

    template <class Append>
    void append(Append&& append) {
      std::string& into = block();
      const auto before = into.size();
      const auto room_before = into.capacity();
      append(into);
      room += into.capacity() - room_before;
      grown(into.size() - before);
    }
    void append(std::string&& whole);
    void share(const wire::shared_bytes& bytes);
    std::size_t held_bytes() const noexcept { return room + pieces.capacity() * sizeof(piece); }
    std::string& block();
    void grown(std::size_t by) noexcept;
    void consume(std::size_t count) noexcept;
  };
  std::size_t gather(std::span<net::const_buffer> pieces) const noexcept;
  void keep_frame_whole();

  const link_metrics& figures_;
  lane replies_;
  lane streams_;
  std::vector<std::uint64_t> frame_ends_;  ///< where the frames of the stream lane end, from frame_head_ on
  std::size_t frame_head_ = 0;
  std::uint64_t frame_begin_ = 0;  ///< where the frame at frame_head_ begins
};

}  // namespace switchboard::link
