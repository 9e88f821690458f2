#pragma once

/// The notification port that tests with a real server run on: the one the environment variable SWITCHBOARD_TEST_PORT
/// names, else the system's first. So one suite is run on each.
/// Threads    any.
/// Errors     a name that is none, and a port that cannot be had, end the test with the reason.

#include <memory>

#include <switchboard/notify/port_backend.hpp>

namespace switchboard::testkit {

const notify::port_backend& chosen_port();
std::unique_ptr<notify::notification_port> make_chosen_port();

}  // namespace switchboard::testkit
