#pragma once

/// The notification contract on Windows' completion ports: with ProcessSocketNotifications where the system has it
/// (Windows 11, Server 2022), with polls of the socket driver (AFD) on the same completion port where not, as under Wine.
///
/// Edge       native with the former. With the latter emulated: IN is served as a level, so that packets may be surplus
///            (N31), and OUT comes once; a user whose write would block says so by ENABLE (N30).
/// Closing    a number closed without REMOVE and given to another socket is noticed only while the registration is armed:
///            Windows has no name for a socket that is not used twice. Close through the port (N51).

#include <memory>

#include <switchboard/notify/notification_port.hpp>

namespace switchboard::notify {

/// Whether the system exports ProcessSocketNotifications.
bool has_socket_notifications() noexcept;

/// Fails with the system's error where there can be no completion port; nothing remains of it then (N1).
error_or<std::unique_ptr<notification_port>> make_iocp_port() noexcept;
/// With AFD polls also where the system has better.
error_or<std::unique_ptr<notification_port>> make_afd_port() noexcept;

}  // namespace switchboard::notify
