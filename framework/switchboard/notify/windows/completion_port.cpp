#include "completion_port.hpp"

#include <algorithm>

#include <winternl.h>

#include <switchboard/error/invariant.hpp>

extern "C" NTSTATUS NTAPI NtSetInformationFile(HANDLE, PIO_STATUS_BLOCK, PVOID, ULONG, FILE_INFORMATION_CLASS);

namespace switchboard::notify {

bool completion_port::take_over(HANDLE file, ULONG_PTR key) noexcept {
  constexpr auto replace_completion = static_cast<FILE_INFORMATION_CLASS>(61);
  struct {
    HANDLE port;
    PVOID key;
  } wanted{handle_, reinterpret_cast<PVOID>(key)};
  IO_STATUS_BLOCK status{};
  return NtSetInformationFile(file, &status, &wanted, sizeof wanted, replace_completion) >= 0;
}

void completion_port::post(ULONG_PTR key) noexcept {
  // A lost wake would leave packets, perhaps an exit key, in the queue for ever (N44).
  SWITCHBOARD_INVARIANT(::PostQueuedCompletionStatus(handle_, 0, key, nullptr), "the completion port takes no packet");
}

std::size_t completion_port::wait(std::span<OVERLAPPED_ENTRY> into,
                                  std::chrono::steady_clock::duration timeout) noexcept {
  using std::chrono::milliseconds;
  const bool is_infinite = timeout == std::chrono::steady_clock::duration::max();
  const auto patience =
      std::chrono::ceil<milliseconds>(std::min<std::chrono::steady_clock::duration>(timeout, std::chrono::hours(24)));
  ULONG count = 0;
  const bool came = ::GetQueuedCompletionStatusEx(handle_, into.data(), static_cast<ULONG>(into.size()), &count,
                                                  is_infinite ? INFINITE : static_cast<DWORD>(patience.count()), FALSE);
  SWITCHBOARD_INVARIANT(came || ::GetLastError() == WAIT_TIMEOUT, "the completion port is gone");
  return came ? count : 0;
}

}  // namespace switchboard::notify
