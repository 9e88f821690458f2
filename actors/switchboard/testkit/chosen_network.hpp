#pragma once

/// The network that tests with a real server use: the operating system's, or with SWITCHBOARD_TEST_TRANSPORT=rough one
/// whose transports are as awkward as can be (testkit/rough_transport.hpp), at both ends. So one suite is run on each.
/// Threads    any.
/// Errors     a name that is none ends the test with the reason.

#include <switchboard/net/network.hpp>

namespace switchboard::testkit {

net::network& chosen_network();

}  // namespace switchboard::testkit
