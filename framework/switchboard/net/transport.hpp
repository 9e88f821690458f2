#pragma once

/// The seam between Switchboard and whoever moves its bytes: a connected stream and the way it ended.
///
/// Why        plain sockets, TLS and the simulated network differ; nothing above net may notice, and nothing above net
///            calls the operating system.
/// Threads    one at a time: the actor that owns a transport.
/// Owns       the socket, closed by the destructor. Remove its registration first (N50).
/// Errors     in the io_result; would-block and end of stream are outcomes, not errors.

#include <cstddef>
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

struct [[nodiscard]] io_result {
  io_outcome outcome;
  std::size_t bytes = 0;    ///< moved, where `done`; never 0 then
  std::error_code error{};  ///< set where `failed`
};

class transport {
public:
  virtual ~transport() = default;

  /// What to register with the notification port.
  virtual socket_handle handle() const noexcept = 0;
  /// The other side's address as it was when the connection came to be.
  virtual const endpoint& peer() const noexcept = 0;

  /// Reads what is there, at most `into.size()` bytes.
  virtual io_result read(std::span<std::byte> into) noexcept = 0;
  /// Writes as much of `pieces`, in order, as is taken at once. At most `gather_limit` pieces are looked at.
  virtual io_result write(std::span<const const_buffer> pieces) noexcept = 0;
  /// Ends the outgoing direction (FIN); what was written before still arrives.
  virtual std::error_code shutdown_write() noexcept = 0;
  /// Takes the pending error of the socket, if there is one (SO_ERROR, N20).
  virtual std::error_code pending_error() noexcept = 0;

  static constexpr std::size_t gather_limit = 64;
};

}  // namespace switchboard::net
