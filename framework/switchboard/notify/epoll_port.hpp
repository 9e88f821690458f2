#pragma once

/// The notification contract on Linux's epoll(7).

#include <memory>

#include <switchboard/notify/notification_port.hpp>

namespace switchboard::notify {

/// Fails with the system's error where no epoll set or eventfd can be made; nothing remains of it then (N1).
error_or<std::unique_ptr<notification_port>> make_epoll_port() noexcept;

}  // namespace switchboard::notify
