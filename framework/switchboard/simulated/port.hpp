#pragma once

/// The notification contract over the sockets of a simulated world.

#include <memory>

#include <switchboard/notify/notification_port.hpp>

namespace switchboard::simulated {

class fabric;

std::unique_ptr<notify::notification_port> make_port(std::shared_ptr<fabric> in);

}  // namespace switchboard::simulated
