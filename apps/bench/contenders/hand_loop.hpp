#pragma once

/// A loop written by hand: the least that a server of the same frames can do.
///
/// Work       a readiness event costs one read, the decoding of every whole frame in it, one write of all answers, and where
///            it is one-shot one EPOLL_CTL_MOD that re-arms. Frames are decoded with the framework's own decoder; an
///            answer's payload is the request's, copied. No actors, no calls, no protobuf types.
/// Answers    Echo/Say only, any number outstanding; whatever else arrives ends the connection.
/// Threads    one-shot: all wait on one epoll set, and an event is one thread's. Level-triggered: each has a set of its own,
///            and connections are dealt to them in turn.

#include <cstddef>

#include <switchboard/net/endpoint.hpp>

namespace switchboard::bench {

enum class triggering : unsigned char { one_shot, level };

/// Says `listening on ADDRESS` and serves until a signal ends the process. The exit status where it cannot start.
int serve_by_hand(const net::endpoint& at, triggering how, std::size_t threads);

}  // namespace switchboard::bench
