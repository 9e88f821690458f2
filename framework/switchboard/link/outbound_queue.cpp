#include <algorithm>
#include <array>

#include <switchboard/error/invariant.hpp>
#include <switchboard/link/outbound_queue.hpp>
#include <switchboard/wire/block_stock.hpp>
#include <switchboard/wire/frame_encoder.hpp>

namespace switchboard::link {

std::string& outbound_queue::lane::block() {
  if (head < pieces.size() && pieces.back().shared.empty()) {
    auto& last = pieces.back().block;
    if (last.size() < std::max(block_bytes, last.capacity() / 2)) return last;
  }
  pieces.push_back({wire::take_block(), {}, 0});
  room += pieces.back().block.capacity();
  return pieces.back().block;
}

void outbound_queue::lane::append(std::string&& whole) {
  const auto size = whole.size();
  room += pieces.emplace_back(piece{std::move(whole), {}, 0}).block.capacity();
  grown(size);
}

void outbound_queue::lane::share(const wire::shared_bytes& content) {
  pieces.push_back({{}, content, 0});
  room += content.size();
  grown(content.size());
}

void outbound_queue::lane::grown(std::size_t by) noexcept {
  bytes += by;
  appended += by;
}

void outbound_queue::lane::consume(std::size_t count) noexcept {
  bytes -= count;
  while (count > 0) {
    auto& front = pieces[head];
    const auto left = front.rest().size();
    if (count < left) {
      front.begin += count;
      break;
    }
    count -= left;
    if (front.shared.empty()) {
      room -= front.block.capacity();
      wire::give_back_block(std::move(front.block));
    } else {
      room -= front.shared.size();
      front.shared = {};
    }
    ++head;
  }
  if (bytes == 0) {
    pieces.clear();
    head = 0;
    if (pieces.capacity() > 4) pieces.shrink_to_fit();
  } else if (head > 64 && head > pieces.size() / 2) {
    pieces.erase(pieces.begin(), pieces.begin() + static_cast<std::ptrdiff_t>(head));
    head = 0;
  }
}

void outbound_queue::add_replies(std::string&& frames, std::size_t count) {
  figures_.queued_frames.add(count);
  // What is queued after something else may stay; then it is not to keep room that it does not need.
  const bool fits = frames.size() > copy_bytes_max && frames.capacity() / 2 <= frames.size();
  if (fits || replies_.bytes == 0) return replies_.append(std::move(frames));
  replies_.append([&](std::string& block) { block.append(frames); });
  wire::give_back_block(std::move(frames));
}

void outbound_queue::add_stream_message(std::uint64_t call, std::string_view message, const wire::shared_bytes& owner) {
  const bool copied = message.size() < copy_bytes_max || owner.empty();
  streams_.append([&](std::string& block) {
    if (copied)
      wire::append_message(block, call, message, false);
    else
      wire::append_message_header(block, call, message.size(), false);
  });
  if (!copied) streams_.share(owner);
  frame_ends_.push_back(streams_.appended);
  figures_.queued_frames.add();
}

net::io_result outbound_queue::write(net::transport& to) {
  if (empty() && !to.holds_output()) return {net::io_outcome::done};
  std::size_t total = 0;
  while (true) {
    std::array<net::const_buffer, net::transport::gather_limit> pieces;
    auto written = to.write({pieces.data(), gather(pieces)});
    if (written.outcome == net::io_outcome::done) {
      const auto replied = std::min(written.bytes, replies_.bytes);
      replies_.consume(replied);
      streams_.consume(written.bytes - replied);
      total += written.bytes;
      figures_.sent_bytes.add(written.bytes);
      if (!empty() && written.waits_for == net::readiness::none) continue;
    }
    keep_frame_whole();
    written.bytes = total;
    return written;
  }
}

std::size_t outbound_queue::gather(std::span<net::const_buffer> pieces) const noexcept {
  std::size_t count = 0;
  for (const lane* each : {&replies_, &streams_}) {
    for (auto i = each->head; i < each->pieces.size() && count < pieces.size(); ++i) {
      const auto rest = each->pieces[i].rest();
      if (!rest.empty()) pieces[count++] = {rest.data(), rest.size()};
    }
  }
  SWITCHBOARD_INVARIANT(count > 0 || empty(), "the outbound queue counts bytes it does not have");
  return count;
}

void outbound_queue::keep_frame_whole() {
  const auto sent = streams_.appended - streams_.bytes;
  while (frame_head_ < frame_ends_.size() && frame_ends_[frame_head_] <= sent)
    frame_begin_ = frame_ends_[frame_head_++];
  if (frame_head_ == frame_ends_.size()) {
    frame_ends_.clear();
    frame_head_ = 0;
    if (frame_ends_.capacity() > 64) frame_ends_.shrink_to_fit();
    return;
  }
  if (sent > frame_begin_) {
    // The rest of a frame that has been begun must go before any reply: it moves to the reply lane, which is empty,
    // because its bytes go first.
    auto rest = static_cast<std::size_t>(frame_ends_[frame_head_] - sent);
    std::string begun;
    begun.reserve(rest);
    while (rest > 0) {
      const auto part = streams_.pieces[streams_.head].rest().substr(0, rest);
      begun.append(part);
      rest -= part.size();
      streams_.consume(part.size());
    }
    frame_begin_ = frame_ends_[frame_head_++];
    replies_.append(std::move(begun));
  }
  if (frame_head_ > 1024 && frame_head_ > frame_ends_.size() / 2) {
    frame_ends_.erase(frame_ends_.begin(), frame_ends_.begin() + static_cast<std::ptrdiff_t>(frame_head_));
    frame_head_ = 0;
  }
}

void outbound_queue::drop_streams() noexcept {
  // A frame that has begun was moved to the reply lane as soon as it had (keep_frame_whole).
  streams_.consume(streams_.bytes);
  frame_ends_.clear();
  frame_head_ = 0;
  frame_begin_ = streams_.appended;
}

void outbound_queue::clear() noexcept {
  drop_streams();
  replies_.consume(replies_.bytes);
}

}  // namespace switchboard::link
