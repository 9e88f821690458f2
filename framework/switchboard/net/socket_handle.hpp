#pragma once

/// Names a socket towards a notification port and a network; owns nothing. A descriptor on POSIX, a SOCKET on Windows,
/// a number of its own in a simulated network.

#include <cstdint>

namespace switchboard::net {

enum class socket_handle : std::intptr_t { invalid = -1 };

}  // namespace switchboard::net
