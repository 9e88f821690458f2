#pragma once

/// A connected stream whose bytes come, and are taken, as the test says.
///
/// Threads    one.
/// Owns       nothing; the test and the connection share the wire.

#include <algorithm>
#include <cstring>
#include <deque>
#include <limits>
#include <memory>
#include <string>

#include <switchboard/net/transport.hpp>

namespace switchboard::testkit {

/// The test's end of a scripted transport.
struct scripted_wire {
  std::deque<std::string> input;  ///< what the next reads give, one piece each; then would-block, or the end
  bool input_ends = false;        ///< end of stream behind `input`
  std::error_code read_error;     ///< instead of would-block or the end
  std::string output;             ///< all that was written
  std::size_t writes = 0;         ///< calls of write() that took something
  std::size_t room = std::numeric_limits<std::size_t>::max();  ///< bytes that writes still take before they would block
  std::error_code write_error;
  std::error_code pending;
  bool write_shut = false;
  bool closed = false;
};

class scripted_transport final : public net::transport {
public:
  scripted_transport(net::socket_handle handle, std::shared_ptr<scripted_wire> wire)
      : handle_(handle), wire_(std::move(wire)) {}
  ~scripted_transport() override { wire_->closed = true; }

  net::socket_handle handle() const noexcept override { return handle_; }
  const net::endpoint& peer() const noexcept override { return peer_; }

  net::io_result read(std::span<std::byte> into) noexcept override {
    if (wire_->input.empty()) {
      if (wire_->read_error) return {net::io_outcome::failed, 0, wire_->read_error};
      return {wire_->input_ends ? net::io_outcome::end_of_stream : net::io_outcome::would_block, 0, {}};
    }
    auto& piece = wire_->input.front();
    const auto count = std::min(piece.size(), into.size());
    std::memcpy(into.data(), piece.data(), count);
    piece.erase(0, count);
    if (piece.empty()) wire_->input.pop_front();
    return {net::io_outcome::done, count, {}};
  }

  net::io_result write(std::span<const net::const_buffer> pieces) noexcept override {
    if (wire_->write_error) return {net::io_outcome::failed, 0, wire_->write_error};
    std::size_t total = 0;
    for (const auto& piece : pieces) {
      const auto count = std::min(piece.size, wire_->room);
      wire_->output.append(static_cast<const char*>(piece.data), count);
      wire_->room -= count;
      total += count;
      if (count < piece.size) break;
    }
    if (total == 0) return {net::io_outcome::would_block, 0, {}};
    ++wire_->writes;
    return {net::io_outcome::done, total, {}};
  }

  std::error_code shutdown_write() noexcept override {
    wire_->write_shut = true;
    return {};
  }
  std::error_code pending_error() noexcept override { return std::exchange(wire_->pending, {}); }

private:
  const net::socket_handle handle_;
  const net::endpoint peer_ = net::endpoint::tcp("scripted", 1);
  const std::shared_ptr<scripted_wire> wire_;
};

}  // namespace switchboard::testkit
