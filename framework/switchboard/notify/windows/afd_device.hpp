#pragma once

/// The socket driver's own poll, below Winsock: one request watches one socket once, and completes on the port that its
/// device handle is associated with.
///
/// Why        it is the only readiness that a completion port can report where there is no
///            ProcessSocketNotifications; the interface is undocumented and has not changed since Windows Vista.
/// Threads    one at a time for an afd_request, any for afd_device.
/// Owns       the device handle. A request is the kernel's from start() until its completion has been taken.
/// Errors     the status of the kernel.

#include <windows.h>
#include <winternl.h>

#include <switchboard/net/socket_headers.hpp>

namespace switchboard::notify {

namespace afd {

inline constexpr ULONG receive = 0x001;
inline constexpr ULONG send = 0x004;
inline constexpr ULONG disconnect = 0x008;
inline constexpr ULONG abort = 0x010;
inline constexpr ULONG local_close = 0x020;
inline constexpr ULONG accept = 0x080;
inline constexpr ULONG connect_fail = 0x100;

}  // namespace afd

class afd_request {
  friend class afd_device;
  /// First, so that cancelling finds it and a completion leads back to the request.
  IO_STATUS_BLOCK status_{};
  struct {
    LARGE_INTEGER timeout;
    ULONG handle_count;
    ULONG exclusive;
    struct {
      HANDLE handle;
      ULONG events;
      NTSTATUS status;
    } handles[1];
  } poll_{};

public:
  static afd_request* of(const OVERLAPPED_ENTRY& completion) noexcept {
    return reinterpret_cast<afd_request*>(completion.lpOverlapped);
  }
  /// What happened, of what was asked for; 0 where the request was cancelled.
  ULONG events() const noexcept;
  ULONG asked() const noexcept { return asked_; }

private:
  ULONG asked_ = 0;
};

class afd_device {
public:
  /// Its handle is null where the driver cannot be reached; status() says why.
  afd_device() noexcept;
  afd_device(const afd_device&) = delete;
  afd_device& operator=(const afd_device&) = delete;
  ~afd_device();

  HANDLE handle() const noexcept { return handle_; }
  NTSTATUS status() const noexcept { return status_; }

  /// Completes once one of `events` is true of `socket`, which must be its provider's own (base_socket()), or it is closed.
  NTSTATUS start(afd_request& request, SOCKET socket, ULONG events) noexcept;
  void cancel(afd_request& request) noexcept;

private:
  HANDLE handle_ = nullptr;
  NTSTATUS status_ = 0;
};

/// The socket below what layered providers have put around it; INVALID_SOCKET where `socket` is none.
SOCKET base_socket(SOCKET socket) noexcept;

}  // namespace switchboard::notify
