#pragma once

/// What differs between the operating systems below the network that is the same on all of them.
/// Threads    any.
/// Errors     a call of the system that failed leaves its number in last_error(); system_error_code() names it, with our
///            own names where we have one.

#include <memory>
#include <system_error>

#include <switchboard/net/descriptor.hpp>
#include <switchboard/net/listener.hpp>
#include <switchboard/net/transport.hpp>

namespace switchboard::net {

/// To be called before anything else here; costs nothing the second time.
std::error_code start_sockets() noexcept;

int last_error() noexcept;
std::error_code system_error_code(int number) noexcept;
bool is_would_block(int number) noexcept;
/// Whether `number`, which connect() failed with, means that connecting continues in the background.
bool is_connecting(int number) noexcept;
/// Whether the connection of `socket` is made.
bool is_connected(socket_number socket) noexcept;

/// A non-blocking socket that child processes do not inherit; none where last_error() says why.
descriptor open_socket(int family, int type) noexcept;
/// What every TCP connection of ours is given.
std::error_code set_tcp_options(socket_number socket) noexcept;
/// The part of it that an accepted socket does not have from its listener.
std::error_code set_accepted_options(socket_number socket) noexcept;
/// What a connection that this side makes is given besides.
std::error_code set_connecting_options(socket_number socket) noexcept;

/// @pre `socket` is a non-blocking stream socket, connected or being connected.
std::unique_ptr<transport> make_transport(descriptor socket, endpoint peer, bool connected);
error_or<std::unique_ptr<listener>> open_listener(const endpoint& at);

/// With this flag receiving returns a datagram's whole size, or fails, if it does not fit.
extern const int receive_whole;

}  // namespace switchboard::net
