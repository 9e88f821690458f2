#include "iocp_accepts.hpp"

#include <new>

#include <mswsock.h>
#include <winternl.h>

#include <switchboard/net/system_sockets.hpp>

namespace switchboard::notify {
namespace {

/// AcceptEx wants 16 bytes more than the longest address, twice.
constexpr DWORD address_size = sizeof(sockaddr_storage) + 16;

/// AcceptEx of the provider of `socket`; null where it has none.
LPFN_ACCEPTEX accept_function(SOCKET socket) noexcept {
  GUID name = WSAID_ACCEPTEX;
  LPFN_ACCEPTEX found = nullptr;
  DWORD size = 0;
  const int failed = ::WSAIoctl(socket, SIO_GET_EXTENSION_FUNCTION_POINTER, &name, sizeof name, &found, sizeof found,
                                &size, nullptr, nullptr);
  return failed ? nullptr : found;
}

bool is_listening(SOCKET socket) noexcept {
  BOOL answer = FALSE;
  int size = sizeof answer;
  return getsockopt(socket, SOL_SOCKET, SO_ACCEPTCONN, reinterpret_cast<char*>(&answer), &size) == 0 && answer;
}

int family_of(SOCKET socket) noexcept {
  WSAPROTOCOL_INFOW info{};
  int size = sizeof info;
  return getsockopt(socket, SOL_SOCKET, SO_PROTOCOL_INFOW, reinterpret_cast<char*>(&info), &size) == 0
             ? info.iAddressFamily
             : AF_UNSPEC;
}

/// Whether what AcceptEx met is over with the connection that met it.
bool concerns_only_the_connection(int error) noexcept {
  return error == WSAECONNRESET || error == WSAECONNABORTED || error == ERROR_NETNAME_DELETED ||
         error == ERROR_CONNECTION_ABORTED;
}

}  // namespace

struct iocp_accepts::operation {
  OVERLAPPED overlapped{};
  net::socket_handle listener;
  std::uint64_t serial = 0;
  int family = AF_UNSPEC;
  LPFN_ACCEPTEX accept = nullptr;
  net::descriptor socket{};
  packet_list completion{};
  char addresses[2 * address_size]{};
};

std::error_code iocp_accepts::begin(net::socket_handle listener, std::uint64_t key) noexcept try {
  const auto number = static_cast<SOCKET>(listener);
  if (!is_listening(number)) return errc::invalid_request;
  auto made = std::make_unique<operation>();
  made->listener = listener;
  made->family = family_of(number);
  made->accept = accept_function(number);
  made->completion.push_back({.content = {key, 0}, .from = queued_packet::origin::accept});
  if (made->accept == nullptr) return std::make_error_code(std::errc::operation_not_supported);

  const std::scoped_lock hold(mutex_);
  auto& at = listeners_[listener];
  if (at.serial == 0) at.serial = ++last_serial_;
  if (at.pending >= notification_port::accept_limit) return std::make_error_code(std::errc::no_buffer_space);
  // Asked each time, as a number closed without REMOVE may be another listener's by now; one that has us as its port
  // refuses, and so does one whose former port is another.
  if (!port_->associate(reinterpret_cast<HANDLE>(number), completion_key_) && !at.is_associated &&
      !port_->take_over(reinterpret_cast<HANDLE>(number), completion_key_))
    return errc::registered_elsewhere;
  at.is_associated = true;
  made->serial = at.serial;
  if (const auto failure = start(*made)) return failure;
  ++at.pending;
  static_cast<void>(made.release());
  return {};
} catch (const std::bad_alloc&) {
  return std::make_error_code(std::errc::not_enough_memory);
}

std::error_code iocp_accepts::start(operation& accept) noexcept {
  accept.socket = net::open_socket(accept.family, SOCK_STREAM);
  if (!accept.socket) return net::system_error_code(net::last_error());
  accept.overlapped = {};
  DWORD received = 0;
  in_kernel_.fetch_add(1, std::memory_order_relaxed);
  if (accept.accept(static_cast<SOCKET>(accept.listener), accept.socket.get(), accept.addresses, 0, address_size,
                    address_size, &received, &accept.overlapped) ||
      net::last_error() == WSA_IO_PENDING)
    return {};
  in_kernel_.fetch_sub(1, std::memory_order_release);
  return net::system_error_code(net::last_error());
}

/// 0, or the error that it met.
int iocp_accepts::outcome_of(operation& done) noexcept {
  const auto status = static_cast<NTSTATUS>(done.overlapped.Internal);
  if (status < 0) return static_cast<int>(::RtlNtStatusToDosError(status));
  const auto listener = static_cast<SOCKET>(done.listener);
  const int failed = setsockopt(done.socket.get(), SOL_SOCKET, SO_UPDATE_ACCEPT_CONTEXT,
                                reinterpret_cast<const char*>(&listener), sizeof listener);
  return failed ? net::last_error() : 0;
}

packet_list iocp_accepts::complete(const OVERLAPPED_ENTRY& entry) noexcept {
  std::unique_ptr<operation> done(CONTAINING_RECORD(entry.lpOverlapped, operation, overlapped));
  in_kernel_.fetch_sub(1, std::memory_order_release);
  packet_list removal;
  const std::scoped_lock hold(mutex_);
  const auto found = listeners_.find(done->listener);
  if (found == listeners_.end() || found->second.serial != done->serial) return removal;
  auto& at = found->second;
  const int error = outcome_of(*done);
  // Skipped, as a listener's accept() does; the accept is started again.
  if (concerns_only_the_connection(error) && !at.is_removing && !start(*done)) {
    static_cast<void>(done.release());
    return removal;
  }
  --at.pending;
  // It was not cancelled: the listener was closed, and no packet follows (N51).
  if (error == ERROR_OPERATION_ABORTED && !at.is_removing) {
    if (at.pending == 0) listeners_.erase(found);
    return removal;
  }
  auto& completed = done->completion.front().content;
  const auto result = error == 0 ? static_cast<std::intptr_t>(done->socket.release())
                                 : -std::intptr_t{net::system_error_code(error).default_error_condition().value()};
  completed = packet_of_accept(completed.key, result);
  static_cast<void>(completions_->push_events(std::move(done->completion), packet_queue::taker::caller_too));
  if (at.pending == 0 && !at.removal.empty()) {
    removal = std::move(at.removal);
    listeners_.erase(found);
  }
  return removal;
}

void iocp_accepts::cancel(net::socket_handle listener) noexcept {
  const std::scoped_lock hold(mutex_);
  const auto found = listeners_.find(listener);
  if (found == listeners_.end()) return;
  found->second.is_removing = true;
  ::CancelIoEx(reinterpret_cast<HANDLE>(listener), nullptr);
}

void iocp_accepts::hold(net::socket_handle listener, packet_list& removal) noexcept {
  const std::scoped_lock hold(mutex_);
  const auto found = listeners_.find(listener);
  if (found == listeners_.end()) return;
  if (found->second.pending > 0) {
    found->second.removal = std::move(removal);
  } else {
    listeners_.erase(found);
  }
}

void iocp_accepts::drop(net::socket_handle listener) noexcept {
  const std::scoped_lock hold(mutex_);
  if (listeners_.erase(listener) > 0) ::CancelIoEx(reinterpret_cast<HANDLE>(listener), nullptr);
}

void iocp_accepts::drop_all() noexcept {
  const std::scoped_lock hold(mutex_);
  for (const auto& [listener, at] : listeners_)
    if (at.pending > 0) ::CancelIoEx(reinterpret_cast<HANDLE>(listener), nullptr);
  listeners_.clear();
}

}  // namespace switchboard::notify
