#pragma once

/// The baseline: the least that a server of the same frames can do.
///
/// Work       one thread, one epoll set, level-triggered one-shot arms. A readiness event costs one read, the decoding
///            of every whole frame in it, one write of all answers, and one EPOLL_CTL_MOD that re-arms. Frames are
///            decoded with the framework's own decoder; an answer's payload is the request's, copied. No actors, no
///            calls, no protobuf types.
/// Answers    Echo/Say only, any number outstanding; whatever else arrives ends the connection.

#include <switchboard/net/endpoint.hpp>

namespace switchboard::bench {

/// Says `listening on ADDRESS` and serves until a signal ends the process. The exit status where it cannot start.
int serve_bare(const net::endpoint& at);

}  // namespace switchboard::bench
