#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include <switchboard/testkit/rough_transport.hpp>

namespace switchboard::testkit {
namespace {

using net::io_outcome;
using net::io_result;
using net::readiness;

constexpr unsigned round_trips = 3;
constexpr std::size_t header_bytes = 3;

io_result would_block(readiness waits_for) noexcept {
  return {.outcome = io_outcome::would_block, .waits_for = waits_for};
}

}  // namespace

rough_transport::rough_transport(std::unique_ptr<net::transport> below, side which) noexcept
    : below_(std::move(below)), side_(which) {}

void rough_transport::add_record(record type, std::string_view content) {
  output_ += static_cast<char>(type);
  output_ += static_cast<char>(content.size() >> 8);
  output_ += static_cast<char>(content.size() & 0xff);
  output_ += content;
}

io_result rough_transport::handshake() noexcept {
  if (const auto made = below_->handshake(); made.outcome != io_outcome::done) return made;
  while (true) {
    // Each hello of the client is answered before it says the next.
    const auto due = side_ == side::client ? hellos_got_ + 1 : hellos_got_;
    if (hellos_sent_ < std::min(due, round_trips)) {
      add_record(record::hello);
      ++hellos_sent_;
    }
    if (const auto sent = flush(); sent.outcome != io_outcome::done) return sent;
    if (hellos_sent_ == round_trips && hellos_got_ == round_trips) return {io_outcome::done};
    const auto hellos_before = hellos_got_;
    const auto got = take_in();
    if (hellos_got_ > hellos_before) continue;
    if (got.outcome == io_outcome::end_of_stream || end_ != end::awaited) return {io_outcome::end_of_stream};
    return got;
  }
}

io_result rough_transport::flush() noexcept {
  while (!output_.empty()) {
    const net::const_buffer piece{output_.data(), output_.size()};
    const auto sent = below_->write({&piece, 1});
    if (sent.outcome != io_outcome::done) return sent;
    output_.erase(0, sent.bytes);
  }
  if (shut_ && !std::exchange(shut_below_, true)) {
    if (const auto failure = below_->shutdown_write()) return {io_outcome::failed, 0, failure};
  }
  return {io_outcome::done};
}

io_result rough_transport::take_in() noexcept {
  std::array<std::byte, 4096> chunk;
  while (true) {
    const auto got = below_->read(chunk);
    if (got.outcome == io_outcome::end_of_stream && end_ == end::awaited) end_ = end::held;
    if (got.outcome != io_outcome::done) return got;
    input_.append(reinterpret_cast<const char*>(chunk.data()), got.bytes);
    if (!understand()) return {io_outcome::failed, 0, std::make_error_code(std::errc::protocol_error)};
  }
}

bool rough_transport::understand() {
  std::size_t at = 0;
  while (input_.size() - at >= header_bytes) {
    const auto high = static_cast<unsigned char>(input_[at + 1]);
    const auto low = static_cast<unsigned char>(input_[at + 2]);
    const auto size = static_cast<std::size_t>(high << 8 | low);
    if (size > record_bytes_max) return false;
    if (input_.size() - at - header_bytes < size) break;
    switch (static_cast<record>(input_[at])) {
      case record::hello:
        ++hellos_got_;
        break;
      case record::data:
        ++records_got_;
        data_.append(input_, at + header_bytes, size);
        break;
      case record::taken:
        if (outstanding_ < window) return false;
        outstanding_ -= window;
        break;
      case record::end:
        if (end_ == end::awaited) end_ = end::held;
        break;
      default:
        return false;
    }
    at += header_bytes + size;
  }
  input_.erase(0, at);
  return true;
}

io_result rough_transport::read(std::span<std::byte> into) noexcept {
  // The peer has to learn what the reader took before more is read, unless the peer is gone.
  if (const auto sent = flush(); sent.outcome == io_outcome::failed && holds_input())
    output_.clear();
  else if (sent.outcome != io_outcome::done)
    return sent;
  if ((put_off_ = !put_off_)) return would_block(readiness::readable);
  if (taken_to_ == data_.size() && end_ == end::awaited) {
    const auto got = take_in();
    if (taken_to_ == data_.size() && end_ == end::awaited) return got;
  }
  const auto count = std::min(into.size(), data_.size() - taken_to_);
  if (count == 0) {
    end_ = end::given;
    return {io_outcome::end_of_stream};
  }
  std::memcpy(into.data(), data_.data() + taken_to_, count);
  taken_to_ += count;
  if (taken_to_ == data_.size()) give_back_window();
  return {io_outcome::done, count};
}

/// All that has come was read.
void rough_transport::give_back_window() {
  data_ = {};
  taken_to_ = 0;
  for (; records_got_ >= window; records_got_ -= window) add_record(record::taken);
  // What the socket does not take at once is held, and a read then has to write.
  (void)flush();
}

io_result rough_transport::write(std::span<const net::const_buffer> pieces) noexcept {
  if (const auto sent = flush(); sent.outcome != io_outcome::done || pieces.empty()) return sent;
  if (outstanding_ == 2 * window) {
    const auto got = take_in();
    if (got.outcome == io_outcome::failed) return got;
    if (outstanding_ == 2 * window)
      return got.outcome == io_outcome::end_of_stream
                 ? io_result{io_outcome::failed, 0, std::make_error_code(std::errc::broken_pipe)}
                 : would_block(readiness::readable);
  }
  std::string content;
  for (const auto& piece : pieces)
    content.append(static_cast<const char*>(piece.data), std::min(piece.size, record_bytes_max - content.size()));
  add_record(record::data, content);
  ++outstanding_;
  const auto sent = flush();
  if (sent.outcome == io_outcome::failed) return sent;
  return {io_outcome::done, content.size(), {}, sent.waits_for};
}

std::error_code rough_transport::shutdown_write() noexcept {
  if (std::exchange(shut_, true)) return {};
  add_record(record::end);
  return flush().error;
}

}  // namespace switchboard::testkit
