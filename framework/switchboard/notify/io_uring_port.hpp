#pragma once

/// The notification contract on Linux's io_uring(7).

#include <memory>

#include <switchboard/notify/notification_port.hpp>

namespace switchboard::notify {

/// Fails with `operation_not_permitted` where the system forbids io_uring (the sysctl kernel.io_uring_disabled, or a
/// seccomp filter), `function_not_supported` before Linux 6.0, and with the system's error where no ring can be made.
/// A registered socket that is closed by other means than the port's close() stays open in the kernel until its number is
/// registered again or the port ends.
error_or<std::unique_ptr<notification_port>> make_io_uring_port() noexcept;

}  // namespace switchboard::notify
