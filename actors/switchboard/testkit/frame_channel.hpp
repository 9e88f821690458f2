#pragma once

/// One connection as a sequence of frames each way, with a deadline on every wait.
///
/// Why        what a client of any kind does with its socket, and what a test needs to break the protocol on purpose:
///            any bytes may be sent, any frame received, either direction ended.
/// Threads    one at a time.
/// Owns       the connection and the port it waits on.
/// Errors     timed_out: the deadline passed, the channel is as good as before. end_of_stream: the peer has ended its
///            direction. no_buffer_space (std::errc): more than the output limit waits for the peer to read. The decoder's
///            errors and the system's are final.

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>

#include <switchboard/client/deadline.hpp>
#include <switchboard/net/network.hpp>
#include <switchboard/notify/notification_port.hpp>
#include <switchboard/testkit/output_buffer.hpp>
#include <switchboard/wire/frame_decoder.hpp>

namespace switchboard::v1 {
class Frame;
}

namespace switchboard::testkit {

struct frame_channel_options {
  std::size_t frame_limit = wire::default_frame_limit;  ///< bytes of a frame the peer may send
  std::size_t output_limit = 64 * 1024 * 1024;          ///< bytes that may wait for the peer to read
  net::network* network = nullptr;                      ///< chosen_network() where none is given
};

class frame_channel {
public:
  /// Starts a connection and does not wait for it: bytes sent until it is made leave then. Names are looked up first.
  static error_or<frame_channel> start(const net::endpoint& to, frame_channel_options options = {});
  /// Starts a connection and waits until it is made.
  static error_or<frame_channel> connect(const net::endpoint& to, client::deadline until,
                                         frame_channel_options options = {});
  /// Takes over a connection that is made already, an accepted one, say.
  static error_or<frame_channel> adopt(std::unique_ptr<net::transport> transport, frame_channel_options options = {});

  frame_channel(frame_channel&&) = default;
  frame_channel& operator=(frame_channel&& other) noexcept;

  /// Waits until the connection is made.
  [[nodiscard]] std::error_code await_connected(client::deadline until);

  /// Queues bytes, which need not be frames, and sends what the peer takes until the deadline. After timed_out the rest
  /// leaves with later operations.
  [[nodiscard]] std::error_code send_bytes(std::string_view bytes, client::deadline until);
  [[nodiscard]] std::error_code send(const v1::Frame& frame, client::deadline until);
  /// Room for frames that flush() sends: wire's append_ functions write here.
  std::string& output() { return output_.tail(); }
  [[nodiscard]] std::error_code flush(client::deadline until);
  /// Whether bytes, or the making of the connection, wait for the socket to become writable.
  bool wants_write() const noexcept { return !connected_ || !output_.empty() || transport_->holds_output(); }

  /// The next frame; empty ones are passed over. A view is valid until the next receive.
  [[nodiscard]] std::error_code receive(wire::frame_view& frame, client::deadline until);
  [[nodiscard]] std::error_code receive(v1::Frame& frame, client::deadline until);

  /// Sends what is queued, then ends the outgoing direction.
  [[nodiscard]] std::error_code half_close(client::deadline until);
  /// Reads and drops until the peer ends its direction: success; else why not.
  [[nodiscard]] std::error_code await_end(client::deadline until);

  /// Waits for the socket; timed_out when nothing came. Readiness is a hint (N36).
  [[nodiscard]] std::error_code wait(notify::interest wanted, client::deadline until);

  net::socket_handle handle() const noexcept { return transport_->handle(); }

private:
  frame_channel(std::unique_ptr<net::transport> transport, std::unique_ptr<notify::notification_port> port,
                frame_channel_options options);

  /// One non-blocking write of what is queued; would-block is success, and `waits_for` what for.
  std::error_code write_some(notify::interest& waits_for);
  /// One non-blocking read into the scratch buffer, or more where the transport holds bytes; timed_out stands for
  /// would-block.
  std::error_code read_some(std::size_t& bytes, notify::interest& waits_for);

  // The port goes first (N55), then the socket.
  std::unique_ptr<net::transport> transport_;
  std::unique_ptr<notify::notification_port> port_;
  frame_channel_options options_;
  wire::frame_decoder decoder_;
  std::unique_ptr<std::byte[]> scratch_;
  output_buffer output_;
  bool connected_ = false;
  bool chunk_drained_ = true;
};

}  // namespace switchboard::testkit
