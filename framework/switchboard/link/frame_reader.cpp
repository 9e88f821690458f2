#include <array>
#include <cstring>
#include <span>

#include <switchboard/link/frame_reader.hpp>

namespace switchboard::link {
namespace {

/// A turn runs to its end on one thread, so one chunk a thread will do.
std::span<std::byte> chunk_of_this_thread() noexcept {
  alignas(64) static thread_local std::array<std::byte, frame_reader::chunk_bytes> chunk;
  return chunk;
}

}  // namespace

net::io_result frame_reader::read(net::transport& from) noexcept {
  const auto chunk = chunk_of_this_thread();
  const auto got = from.read(chunk);
  if (got.outcome != net::io_outcome::done) return got;
  bytes_ += got.bytes;
  figures_.received_bytes.add(got.bytes);
  decoder_.feed(chunk.first(got.bytes));
  return got;
}

net::io_result frame_reader::discard(net::transport& from) noexcept {
  return from.read(chunk_of_this_thread());
}

void frame_reader::watch() noexcept {
  watched_frames_ = frames_;
  watched_bytes_ = bytes_;
}

bool frame_reader::is_late(std::size_t bytes) const noexcept {
  return inside_frame() && frames_ == watched_frames_ && bytes_ - watched_bytes_ < bytes;
}

void frame_reader::keep_rest() {
  const auto rest = decoder_.take_rest();
  rest_.assign(rest.begin(), rest.end());
}

void frame_reader::take_up_rest() noexcept {
  const auto chunk = chunk_of_this_thread().first(rest_.size());
  std::memcpy(chunk.data(), rest_.data(), rest_.size());
  rest_ = {};
  decoder_.feed(chunk);
}

}  // namespace switchboard::link
