#include "windows_sockets.hpp"

#include <switchboard/error/errc.hpp>
#include <switchboard/net/system_sockets.hpp>

namespace switchboard::net {
namespace {

std::errc generic_name(int number) noexcept {
  switch (number) {
    case WSAEACCES:
      return std::errc::permission_denied;
    case WSAEADDRNOTAVAIL:
      return std::errc::address_not_available;
    case WSAEAFNOSUPPORT:
      return std::errc::address_family_not_supported;
    case WSAECONNABORTED:
      return std::errc::connection_aborted;
    case WSAECONNREFUSED:
      return std::errc::connection_refused;
    case WSAECONNRESET:
    case WSAENETRESET:
      return std::errc::connection_reset;
    case WSAEHOSTUNREACH:
      return std::errc::host_unreachable;
    case WSAEINVAL:
      return std::errc::invalid_argument;
    case WSAEMSGSIZE:
      return std::errc::message_size;
    case WSAENETDOWN:
      return std::errc::network_down;
    case WSAENETUNREACH:
      return std::errc::network_unreachable;
    case WSAENOBUFS:
      return std::errc::no_buffer_space;
    case WSAENOTCONN:
      return std::errc::not_connected;
    case WSAENOTSOCK:
      return std::errc::not_a_socket;
    case WSAEOPNOTSUPP:
      return std::errc::operation_not_supported;
    // Writing after the connection has ended, which POSIX calls a broken pipe.
    case WSAESHUTDOWN:
      return std::errc::broken_pipe;
    case WSAETIMEDOUT:
      return std::errc::timed_out;
    case WSA_NOT_ENOUGH_MEMORY:
      return std::errc::not_enough_memory;
    case WSA_OPERATION_ABORTED:
      return std::errc::operation_canceled;
    default:
      return std::errc{};
  }
}

}  // namespace

const int receive_whole = 0;

void descriptor::reset(SOCKET number) noexcept {
  if (number_ != INVALID_SOCKET) ::closesocket(number_);
  number_ = number;
}

std::error_code system_error_code(int number) noexcept {
  switch (number) {
    case WSAEMFILE:
      return errc::out_of_descriptors;
    case WSAEADDRINUSE:
      return errc::address_in_use;
    default:
      break;
  }
  if (const auto name = generic_name(number); name != std::errc{}) return std::make_error_code(name);
  return {number, std::system_category()};
}

std::error_code start_sockets() noexcept {
  static const int failure = [] {
    WSADATA data;
    return ::WSAStartup(MAKEWORD(2, 2), &data);
  }();
  return failure == 0 ? std::error_code{} : system_error_code(failure);
}

int last_error() noexcept {
  return ::WSAGetLastError();
}

bool is_would_block(int number) noexcept {
  return number == WSAEWOULDBLOCK;
}

bool is_connecting(int number) noexcept {
  return number == WSAEWOULDBLOCK;
}

bool make_ours(SOCKET socket) noexcept {
  u_long on = 1;
  return ::ioctlsocket(socket, FIONBIO, &on) == 0 &&
         ::SetHandleInformation(reinterpret_cast<HANDLE>(socket), HANDLE_FLAG_INHERIT, 0);
}

descriptor open_socket(int family, int type) noexcept {
  descriptor made(::WSASocketW(family, type, 0, nullptr, 0, WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT));
  if (made && !make_ours(made.get())) made.reset();
  return made;
}

}  // namespace switchboard::net
