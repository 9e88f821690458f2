#pragma once

/// The seam between Switchboard and what moves its bytes: a stream that is being connected, connected, or ended.
///
/// Why        plain sockets, TLS, WebSocket and the simulated network differ; nothing above net may notice, and nothing
///            above net calls the operating system.
/// Threads    one at a time: the actor that owns a transport.
/// Owns       the socket, closed by the destructor. Remove its registration first (N50). Of bytes only what its protocol
///            makes it hold: a record or a frame of its own, while one is incomplete.
/// Errors     in the io_result; would-block and end of stream are outcomes, not errors.
/// Readiness  what a call waits for is what the socket must become, and that need not be the call's own direction: a read
///            may have to write first, and a write to read. A short write by itself means nothing; `waits_for` says
///            whether another would block.

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <system_error>

#include <switchboard/net/endpoint.hpp>
#include <switchboard/net/socket_handle.hpp>

namespace switchboard::net {

/// One piece of a gathered write. Laid out as POSIX's iovec.
struct const_buffer {
  const void* data;
  std::size_t size;
};

enum class io_outcome : unsigned char { done, would_block, end_of_stream, failed };
enum class readiness : unsigned char { none, readable, writable };

struct [[nodiscard]] io_result {
  io_outcome outcome;
  std::size_t bytes = 0;    ///< moved, where a read or write of bytes is `done`; never 0 then
  std::error_code error{};  ///< set where `failed`
  /// What the socket must become before the call is worth repeating. Set where it would block, and after a write that is
  /// done if the next one would.
  readiness waits_for = readiness::none;
  /// Of a read: it took all that the socket had, as a read that comes back short or would block does. Left unset where that is
  /// not known.
  bool drained = false;
};

class transport {
public:
  virtual ~transport() = default;

  /// What to register with the notification port.
  virtual socket_handle handle() const noexcept = 0;
  /// The other side's address as it was when the connection came to be.
  virtual const endpoint& peer() const noexcept = 0;

  /// Goes on with what comes before the first byte: the connection's own making, then the handshakes of its protocols.
  /// Repeated until `done`; nothing is read or written before. `done` again afterwards.
  virtual io_result handshake() noexcept { return {io_outcome::done}; }

  /// Reads what is there, at most `into.size()` bytes.
  virtual io_result read(std::span<std::byte> into) noexcept = 0;
  /// Whether read() has bytes that were received already: no readiness of the socket reports them.
  virtual bool holds_input() const noexcept { return false; }

  /// Takes as much of `pieces`, in order, as it can at once. At most `gather_limit` pieces are looked at.
  virtual io_result write(std::span<const const_buffer> pieces) noexcept = 0;
  /// Whether bytes that write() took have not gone to the socket yet: a write without pieces sends them, and is
  /// `done` with 0 bytes when all have.
  virtual bool holds_output() const noexcept { return false; }

  /// Ends the outgoing direction (FIN) after all that was written; bytes that the end takes to send may be held as output.
  virtual std::error_code shutdown_write() noexcept = 0;
  /// Takes the pending error of the socket, if there is one (SO_ERROR, N20).
  virtual std::error_code pending_error() noexcept = 0;

  /// For how long the peer's system has answered nothing to what was sent; 0 while it answers, be it that it has no room
  /// for more. Nothing where all has been acknowledged, and where the system cannot say.
  virtual std::optional<std::chrono::milliseconds> unanswered_for() const noexcept { return std::nullopt; }

  static constexpr std::size_t gather_limit = 64;
};

}  // namespace switchboard::net
