#pragma once

/// What the Windows sources of this folder share.
/// Threads    any.

#include <switchboard/net/socket_headers.hpp>

namespace switchboard::net {

/// Makes a socket that came from elsewhere what open_socket() gives; false where last_error() says why not.
bool make_ours(SOCKET socket) noexcept;

}  // namespace switchboard::net
