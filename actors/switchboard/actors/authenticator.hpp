#pragma once

/// What says who holds a token: a server's own check, after Session/Authenticate.
/// Threads    any number at a time, on the connections' threads: it must not block.

#include <functional>
#include <string>
#include <string_view>

#include <switchboard/rpc/result.hpp>

namespace switchboard::actors {

/// The holder of `token`, the identity that services see, or why there is none (UNAUTHENTICATED). `peer` is the client's
/// address.
using authenticator = std::function<rpc::result<std::string>(std::string_view token, const std::string& peer)>;

}  // namespace switchboard::actors
