#include "afd_device.hpp"

#include <cstdint>
#include <limits>

#include <mswsock.h>

namespace switchboard::notify {
namespace {

constexpr ULONG poll_control_code = 0x00012024;
constexpr NTSTATUS pending = 0x103;
/// What the driver names is below this folder; the rest of the name is ours.
constexpr wchar_t device_name[] = L"\\Device\\Afd\\Switchboard";

}  // namespace

ULONG afd_request::events() const noexcept {
  return status_.Status >= 0 && poll_.handle_count > 0 ? poll_.handles[0].events : 0;
}

afd_device::afd_device() noexcept {
  UNICODE_STRING name{};
  name.Buffer = const_cast<wchar_t*>(device_name);
  name.Length = sizeof device_name - sizeof(wchar_t);
  name.MaximumLength = sizeof device_name;
  OBJECT_ATTRIBUTES attributes{};
  attributes.Length = sizeof attributes;
  attributes.ObjectName = &name;
  IO_STATUS_BLOCK result{};
  status_ = ::NtCreateFile(&handle_, SYNCHRONIZE, &attributes, &result, nullptr, 0, FILE_SHARE_READ | FILE_SHARE_WRITE,
                           FILE_OPEN, 0, nullptr, 0);
  if (status_ < 0) handle_ = nullptr;
}

afd_device::~afd_device() {
  if (handle_ != nullptr) ::CloseHandle(handle_);
}

NTSTATUS afd_device::start(afd_request& request, SOCKET socket, ULONG events) noexcept {
  request.asked_ = events;
  request.status_ = {};
  request.status_.Status = pending;
  auto& poll = request.poll_;
  poll.timeout.QuadPart = std::numeric_limits<std::int64_t>::max();
  poll.handle_count = 1;
  poll.exclusive = FALSE;
  poll.handles[0] = {reinterpret_cast<HANDLE>(socket), events, 0};
  return ::NtDeviceIoControlFile(handle_, nullptr, nullptr, &request, &request.status_, poll_control_code, &poll,
                                 sizeof poll, &poll, sizeof poll);
}

void afd_device::cancel(afd_request& request) noexcept {
  // Too late is no error: the completion is on its way then.
  ::CancelIoEx(handle_, reinterpret_cast<OVERLAPPED*>(&request.status_));
}

SOCKET base_socket(SOCKET socket) noexcept {
  SOCKET base = INVALID_SOCKET;
  DWORD size = 0;
  if (::WSAIoctl(socket, SIO_BASE_HANDLE, nullptr, 0, &base, sizeof base, &size, nullptr, nullptr) == 0) return base;
  // Some layered providers hide it but return it when asked for the handle that they poll.
  return ::WSAIoctl(socket, SIO_BSP_HANDLE_POLL, nullptr, 0, &base, sizeof base, &size, nullptr, nullptr) == 0
             ? base
             : INVALID_SOCKET;
}

}  // namespace switchboard::notify
