#pragma once

/// The operating system's socket calls and types, which have the same names everywhere and live in different headers.

#ifdef _WIN32
#include <winsock2.h>
// Needs the types of the former.
#include <afunix.h>
#include <ws2tcpip.h>
// Words of every day, which these headers make macros for pointers of sixteen bits.
#undef near
#undef far
#undef NEAR
#undef FAR
#define NEAR
#define FAR
#else
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#endif

namespace switchboard::net {

#ifdef _WIN32
using socket_number = SOCKET;
inline constexpr socket_number no_socket = INVALID_SOCKET;
#else
using socket_number = int;
inline constexpr socket_number no_socket = -1;
#endif

}  // namespace switchboard::net
