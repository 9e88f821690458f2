#pragma once

/// Every failure below the actors that Switchboard itself can name.
///
/// What the operating system reports keeps the system category; what the framework finds is an `errc` in its own. Would
/// block and need more bytes are outcomes of an operation, not errors, and so are not here.
/// Threads    all functions may be called from any thread.

#include <string>
#include <system_error>

namespace switchboard {

enum class errc {
  closed = 1,               ///< the port, pump or broker has ended (N55)
  key_mismatch,             ///< ENABLE names another key than the registration has (N5)
  removing,                 ///< ENABLE while a REMOVE is pending (N11)
  not_registered,           ///< the socket has no registration on this port (N11)
  registered_elsewhere,     ///< the socket is registered on another port (N3)
  not_a_socket,             ///< the handle is no socket (N2)
  invalid_request,          ///< combined operations, ONESHOT with PERSISTENT, LEVEL with EDGE or neither (N7, N27)
  invalid_endpoint,         ///< an address that does not parse
  unresolved_host,          ///< a host name without an address
  address_in_use,           ///< the address has a listener already
  out_of_descriptors,       ///< EMFILE or ENFILE
  registrations_exhausted,  ///< the socket's number is above what the table of registrations has slots for
  frame_too_large,          ///< a frame's size is above the receiver's limit
  malformed_varint,         ///< a size that does not end within five bytes
  malformed_frame,          ///< bytes that are not a switchboard.v1.Frame
  timed_out,                ///< a deadline of the caller's own passed
  end_of_stream,            ///< the peer closed where more was expected
};

const std::error_category& switchboard_category() noexcept;
std::error_code make_error_code(errc code) noexcept;

}  // namespace switchboard

template <>
struct std::is_error_code_enum<switchboard::errc> : std::true_type {};
