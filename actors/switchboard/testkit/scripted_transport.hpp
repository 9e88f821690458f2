#pragma once

/// A connected stream whose bytes come, and are taken, as the test says.
///
/// Threads    one.
/// Owns       nothing; the test and the connection share the wire.

#include <algorithm>
#include <chrono>
#include <cstring>
#include <deque>
#include <limits>
#include <memory>
#include <optional>
#include <string>

#include <switchboard/net/transport.hpp>

namespace switchboard::testkit {

/// The test's end of a scripted transport.
struct scripted_wire {
  std::deque<std::string> input;  ///< what the next reads give, one piece each; then would-block, or the end
  bool input_ends = false;        ///< end of stream after `input`
  std::error_code read_error;     ///< instead of would-block or the end
  std::string output;             ///< all that was written
  std::size_t writes = 0;         ///< calls of write() that took something
  std::size_t room = std::numeric_limits<std::size_t>::max();  ///< bytes that writes still take before they would block
  std::error_code write_error;
  std::error_code pending;
  std::optional<std::chrono::milliseconds> unanswered_for;
  bool write_shut = false;
  bool closed = false;

  // What transports other than plain sockets do.
  std::deque<net::readiness> handshake;  ///< what the steps of the handshake wait for, before it is done
  std::error_code handshake_error;       ///< how it ends, once it waits for nothing more
  bool reads_ahead = false;              ///< `input` counts as received already
  bool takes_all = false;                ///< what has no room is taken and held
  std::string held;                      ///< output that has no room yet
  net::readiness read_waits_for = net::readiness::readable;
  net::readiness write_waits_for = net::readiness::writable;
};

class scripted_transport final : public net::transport {
public:
  scripted_transport(net::socket_handle handle, std::shared_ptr<scripted_wire> wire)
      : handle_(handle), wire_(std::move(wire)) {}
  ~scripted_transport() override { wire_->closed = true; }

  net::socket_handle handle() const noexcept override { return handle_; }
  const net::endpoint& peer() const noexcept override { return peer_; }

  net::io_result handshake() noexcept override {
    if (!wire_->handshake.empty()) {
      const auto next = wire_->handshake.front();
      wire_->handshake.pop_front();
      return {.outcome = net::io_outcome::would_block, .waits_for = next};
    }
    if (wire_->handshake_error) return {net::io_outcome::failed, 0, wire_->handshake_error};
    return {net::io_outcome::done};
  }
  bool holds_input() const noexcept override { return wire_->reads_ahead && !wire_->input.empty(); }
  bool holds_output() const noexcept override { return !wire_->held.empty(); }

  net::io_result read(std::span<std::byte> into) noexcept override {
    if (wire_->input.empty()) {
      if (wire_->read_error) return {net::io_outcome::failed, 0, wire_->read_error};
      if (wire_->input_ends) return {net::io_outcome::end_of_stream};
      return {.outcome = net::io_outcome::would_block, .waits_for = wire_->read_waits_for, .drained = true};
    }
    auto& piece = wire_->input.front();
    const auto count = std::min(piece.size(), into.size());
    std::memcpy(into.data(), piece.data(), count);
    piece.erase(0, count);
    if (piece.empty()) wire_->input.pop_front();
    return {.outcome = net::io_outcome::done, .bytes = count, .drained = wire_->input.empty()};
  }

  net::io_result write(std::span<const net::const_buffer> pieces) noexcept override {
    if (wire_->write_error) return {net::io_outcome::failed, 0, wire_->write_error};
    const auto sent_before = wire_->output.size();
    if (send_held() > 0) pieces = {};
    std::size_t taken = 0;
    for (const auto& piece : pieces) {
      const auto count = std::min(piece.size, wire_->takes_all ? piece.size : wire_->room);
      wire_->held.append(static_cast<const char*>(piece.data), count);
      send_held();
      taken += count;
      if (count < piece.size) break;
    }
    if (wire_->output.size() > sent_before) ++wire_->writes;
    const bool blocked = !wire_->held.empty();
    if (taken == 0 && (blocked || !pieces.empty()))
      return {.outcome = net::io_outcome::would_block, .waits_for = wire_->write_waits_for};
    return {net::io_outcome::done, taken, {}, blocked ? wire_->write_waits_for : net::readiness::none};
  }

  std::error_code shutdown_write() noexcept override {
    wire_->write_shut = true;
    return {};
  }
  std::error_code pending_error() noexcept override { return std::exchange(wire_->pending, {}); }
  std::optional<std::chrono::milliseconds> unanswered_for() const noexcept override { return wire_->unanswered_for; }

private:
  /// Sends what there is room for; how much has none.
  std::size_t send_held() {
    const auto count = std::min(wire_->held.size(), wire_->room);
    wire_->output.append(wire_->held, 0, count);
    wire_->held.erase(0, count);
    wire_->room -= count;
    return wire_->held.size();
  }

  const net::socket_handle handle_;
  const net::endpoint peer_ = net::endpoint::tcp("scripted", 1);
  const std::shared_ptr<scripted_wire> wire_;
};

}  // namespace switchboard::testkit
