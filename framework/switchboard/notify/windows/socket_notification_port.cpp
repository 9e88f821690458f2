#include "iocp_port.hpp"

#include <mutex>
#include <new>

#include <switchboard/net/system_sockets.hpp>

namespace switchboard::notify {
namespace {

/// SOCK_NOTIFY_REGISTRATION, which mingw's headers lack. Filters, operations and triggers have the values of our own.
struct notify_registration {
  SOCKET socket;
  PVOID completion_key;
  std::uint16_t event_filter;
  std::uint8_t operation;
  std::uint8_t trigger_flags;
  DWORD registration_result;
};

using process_socket_notifications = DWORD(WSAAPI*)(HANDLE port, UINT32 registration_count,
                                                    notify_registration* registrations, UINT32 timeout_ms,
                                                    ULONG capacity, OVERLAPPED_ENTRY* entries, UINT32* received);

/// Looked up rather than imported: a program that imports it does not start on older systems.
process_socket_notifications find_function() noexcept {
  static const auto found = [] {
    const auto library = ::GetModuleHandleW(L"ws2_32.dll");
    return library == nullptr ? nullptr
                              : reinterpret_cast<process_socket_notifications>(reinterpret_cast<void (*)()>(
                                    ::GetProcAddress(library, "ProcessSocketNotifications")));
  }();
  return found;
}

/// A registration as the kernel has it. Its key there is the socket and the serial, so that packets of an earlier
/// registration under the same number are recognised.
struct kernel_registration final : attachment {
  void abandon() noexcept override { delete this; }

  std::uint32_t serial = 0;
  packet_list removal;  ///< asked for; until the kernel's own REMOVE comes
};

constexpr ULONG_PTR token(net::socket_handle socket, std::uint32_t serial) noexcept {
  return ULONG_PTR{serial} << 32 | static_cast<std::uint32_t>(static_cast<std::intptr_t>(socket));
}

kernel_registration& kernel_side_of(const registration& entry) noexcept {
  return static_cast<kernel_registration&>(*entry.attached);
}

class socket_notification_port final : public iocp_port {
public:
  explicit socket_notification_port(completion_port port) noexcept : iocp_port(std::move(port)) {}
  ~socket_notification_port() override { end_and_drain(); }

private:
  std::error_code arm(registration& entry, const request& wanted, std::uint32_t serial) noexcept override;
  std::error_code disarm(registration& entry, net::socket_handle socket) noexcept override;
  std::error_code forget(registration& entry, net::socket_handle socket) noexcept override;
  void cancel_accepts(net::socket_handle listener, packet_list& removal, taker who) noexcept override;
  bool translate(const OVERLAPPED_ENTRY& from, packet& into) noexcept override;
  bool is_idle() const noexcept override { return true; }

  std::error_code send_request(const registration& entry, const request& wanted) noexcept;
};

/// One registration request, with nothing dequeued. Whether the call fails or the request makes no difference: either way
/// nothing changed (N12).
std::error_code socket_notification_port::send_request(const registration& entry, const request& wanted) noexcept {
  auto how = wanted.how;
  if (!has(how, trigger::oneshot)) how |= trigger::persistent;
  notify_registration one{
      .socket = static_cast<SOCKET>(wanted.socket),
      .completion_key = reinterpret_cast<PVOID>(token(wanted.socket, kernel_side_of(entry).serial)),
      .event_filter = static_cast<std::uint16_t>(wanted.filter),
      .operation = static_cast<std::uint8_t>(wanted.op),
      .trigger_flags = static_cast<std::uint8_t>(wanted.op == operation::enable ? how : trigger::none),
      .registration_result = ERROR_SUCCESS};
  auto result = find_function()(port().get(), 1, &one, 0, 0, nullptr, nullptr);
  if (result == ERROR_SUCCESS || result == WAIT_TIMEOUT) result = one.registration_result;
  if (result == ERROR_SUCCESS) return {};
  // The kernel has another view than the table: the number is another socket's by now (N51).
  if (result == ERROR_NOT_FOUND || result == ERROR_INVALID_HANDLE || result == WSAENOTSOCK) return errc::not_registered;
  return net::system_error_code(static_cast<int>(result));
}

std::error_code socket_notification_port::arm(registration& entry, const request& wanted,
                                              std::uint32_t serial) noexcept {
  if (entry.attached != nullptr) return send_request(entry, wanted);
  auto* const made = new (std::nothrow) kernel_registration;
  if (made == nullptr) return std::make_error_code(std::errc::not_enough_memory);
  // Never 0, which is the half of the keys that are no registration's.
  made->serial = serial == 0 ? 1 : serial;
  entry.attached = made;
  const auto failure = send_request(entry, wanted);
  if (failure) entry.detach();
  return failure;
}

std::error_code socket_notification_port::disarm(registration& entry, net::socket_handle socket) noexcept {
  return send_request(entry, {.socket = socket, .op = operation::disable});
}

std::error_code socket_notification_port::forget(registration& entry, net::socket_handle socket) noexcept {
  if (entry.attached == nullptr) return {};
  return send_request(entry, {.socket = socket, .op = operation::remove});
}

/// The event waits for the kernel's, after which nothing comes any more.
void socket_notification_port::cancel_accepts(net::socket_handle listener, packet_list& removal, taker) noexcept {
  accepts().cancel(listener);
  auto& registered = *registration_table::of_process().find(static_cast<std::intptr_t>(listener));
  kernel_side_of(registered).removal = std::move(removal);
}

bool socket_notification_port::translate(const OVERLAPPED_ENTRY& from, packet& into) noexcept {
  const auto socket = static_cast<net::socket_handle>(static_cast<std::uint32_t>(from.lpCompletionKey));
  auto* const found = registration_table::of_process().find(static_cast<std::intptr_t>(socket));
  if (found == nullptr) return false;
  auto events = static_cast<event>(from.dwNumberOfBytesTransferred);
  packet_list removal;
  {
    auto& entry = *found;
    const std::scoped_lock hold(entry.lock);
    if (entry.port != this || entry.attached == nullptr ||
        token(socket, kernel_side_of(entry).serial) != from.lpCompletionKey)
      return false;
    if (has(events, event::remove)) {
      removal = std::move(kernel_side_of(entry).removal);
      entry.detach();
    } else if (entry.state == registration_state::armed) {
      events = events & (static_cast<event>(entry.filter) | event::err);
      if (events == event::none) return false;
      into = {entry.key, static_cast<std::uint64_t>(events)};
      if (has(entry.how, trigger::oneshot)) entry.state = registration_state::fired;
      return true;
    }
  }
  if (!removal.empty()) accepts().hold(socket, removal);
  if (!removal.empty()) epochs().withhold(std::move(removal), taker::caller_too);
  return false;
}

}  // namespace

bool has_socket_notifications() noexcept {
  return find_function() != nullptr;
}

std::unique_ptr<notification_port> make_socket_notification_port(completion_port port) {
  return std::make_unique<socket_notification_port>(std::move(port));
}

}  // namespace switchboard::notify
