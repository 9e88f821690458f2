#pragma once

/// What every client makes of what its server sends.
/// Threads    free functions.

#include <optional>
#include <string>
#include <system_error>

#include <switchboard/rpc/status.hpp>
#include <switchboard/wire/frame_view.hpp>

namespace switchboard::client {

/// The status a frame carries. @pre frame.has_status
rpc::status status_of(const wire::frame_view& frame);
/// How calls end where the server's last word, on call 0, is `why`.
rpc::status ended_by_server(const rpc::status& why);
/// What a server is told before the connection ends for a fault in what it sent; none for other errors.
std::optional<rpc::status> farewell_for(std::error_code reason);
/// Answers a call that the server opens: clients serve nothing.
void refuse_call(std::string& out, const wire::frame_view& opening);

}  // namespace switchboard::client
