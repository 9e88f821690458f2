#pragma once

/// A transport that is as awkward as the seam allows (net/transport.hpp): a protocol of its own over another transport, as
/// TLS and WebSocket are, so that tests of everything above can be run once more over one.
///
///     a record     type (1 byte), size of its content (2 bytes, big-endian), content
///     hello        three times from each side, the client first, before any data
///     data         at most record_bytes_max
///     taken        from a reader, for each `window` of data records: a writer has no more than two windows outstanding
///     end          no more data
///
/// So a handshake takes three round trips; a write waits to read (until records were taken), and a read has to write
/// (that they were). It takes from the socket all that there is and holds it, takes output that the socket does not, and
/// every other read is put off though it could give something.
/// Threads    as any transport.
/// Owns       the transport below; input within two windows of data records, output within one record and the answers to
///            that input.

#include <memory>
#include <string>

#include <switchboard/net/transport.hpp>

namespace switchboard::testkit {

class rough_transport final : public net::transport {
public:
  static constexpr std::size_t record_bytes_max = 2000;
  static constexpr unsigned window = 4;

  enum class side : unsigned char { client, server };

  rough_transport(std::unique_ptr<net::transport> below, side which) noexcept;

  net::socket_handle handle() const noexcept override { return below_->handle(); }
  const net::endpoint& peer() const noexcept override { return below_->peer(); }
  net::io_result handshake() noexcept override;
  net::io_result read(std::span<std::byte> into) noexcept override;
  bool holds_input() const noexcept override { return taken_to_ < data_.size() || end_ == end::held; }
  net::io_result write(std::span<const net::const_buffer> pieces) noexcept override;
  bool holds_output() const noexcept override { return !output_.empty() || (shut_ && !shut_below_); }
  std::error_code shutdown_write() noexcept override;
  std::error_code pending_error() noexcept override { return below_->pending_error(); }
  std::optional<std::chrono::milliseconds> unanswered_for() const noexcept override { return below_->unanswered_for(); }

private:
  enum class record : char { hello, data, taken, end };
  /// The peer's end of stream: not come, come, given to the reader.
  enum class end : unsigned char { awaited, held, given };

  void add_record(record type, std::string_view content = {});
  /// Sends what is held: done where that was all.
  net::io_result flush() noexcept;
  /// Takes in what the socket has. How the last read of it came out.
  net::io_result take_in() noexcept;
  bool understand();
  void give_back_window();

  const std::unique_ptr<net::transport> below_;
  const side side_;
  std::string input_;   ///< records that have not come whole
  std::string data_;    ///< content of data records, given to the reader up to taken_to_
  std::string output_;  ///< records that the socket has not taken
  std::size_t taken_to_ = 0;
  unsigned hellos_sent_ = 0;
  unsigned hellos_got_ = 0;
  unsigned outstanding_ = 0;  ///< data records sent that were not said to be taken
  unsigned records_got_ = 0;  ///< data records come that were not answered as taken
  bool put_off_ = false;
  end end_ = end::awaited;
  bool shut_ = false;
  bool shut_below_ = false;
};

}  // namespace switchboard::testkit
