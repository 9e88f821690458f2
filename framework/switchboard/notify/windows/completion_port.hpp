#pragma once

/// A Windows completion port: a queue in the kernel of what was completed and what was posted.
/// Threads    any.
/// Owns       the handle.
/// Errors     get() is null where none could be made; GetLastError() says why.

#include <chrono>
#include <span>
#include <utility>

#include <windows.h>

#include <switchboard/net/socket_headers.hpp>

namespace switchboard::notify {

class completion_port {
public:
  completion_port() noexcept : handle_(::CreateIoCompletionPort(INVALID_HANDLE_VALUE, nullptr, 0, 0)) {}
  completion_port(completion_port&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  ~completion_port() {
    if (handle_ != nullptr) ::CloseHandle(handle_);
  }

  HANDLE get() const noexcept { return handle_; }
  /// Completions of operations on `file` come here, with `key`. False where it has a port already.
  bool associate(HANDLE file, ULONG_PTR key) noexcept {
    return ::CreateIoCompletionPort(file, handle_, key, 0) != nullptr;
  }
  /// The same for a file that has another port.
  bool take_over(HANDLE file, ULONG_PTR key) noexcept;
  void post(ULONG_PTR key) noexcept;
  /// Waits for packets, in whole milliseconds rounded up; how many came.
  std::size_t wait(std::span<OVERLAPPED_ENTRY> into, std::chrono::steady_clock::duration timeout) noexcept;

private:
  HANDLE handle_;
};

}  // namespace switchboard::notify
