#pragma once

/// The kernel's name for a socket, which it uses for no other; nothing where the number is no socket's (N51).
/// Threads    any.

#include <cstdint>
#include <optional>

#include <switchboard/net/socket_handle.hpp>

namespace switchboard::notify {

std::optional<std::uint64_t> identity_of(net::socket_handle socket) noexcept;

}  // namespace switchboard::notify
