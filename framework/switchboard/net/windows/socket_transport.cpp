#include "socket_transport.hpp"

#include <algorithm>
#include <array>
#include <climits>
#include <limits>

#include <mstcpip.h>

#include <switchboard/error/errc.hpp>
#include <switchboard/net/system_sockets.hpp>

namespace switchboard::net {
namespace {

constexpr ULONG keepalive_idle_ms = 30'000;
constexpr ULONG keepalive_interval_ms = 10'000;
constexpr DWORD retransmission_limit_s = 60;
/// TCP_MAXRT, which mingw's headers lack.
constexpr int tcp_retransmission_limit = 5;

io_result after_failure(int error, readiness waits_for) noexcept {
  if (is_would_block(error)) return {.outcome = io_outcome::would_block, .waits_for = waits_for};
  return {io_outcome::failed, 0, system_error_code(error)};
}

template <class Value>
bool set_option(SOCKET socket, int level, int name, Value value) noexcept {
  return setsockopt(socket, level, name, reinterpret_cast<const char*>(&value), sizeof value) == 0;
}

}  // namespace

socket_transport::socket_transport(descriptor socket, endpoint peer, bool connected) noexcept
    : socket_(std::move(socket)), peer_(std::move(peer)), connected_(connected) {}

io_result socket_transport::handshake() noexcept {
  if (connected_) return {io_outcome::done};
  if (const auto failure = pending_error()) return {io_outcome::failed, 0, failure};
  if (!is_connected(socket_.get())) return {.outcome = io_outcome::would_block, .waits_for = readiness::writable};
  connected_ = true;
  return {io_outcome::done};
}

io_result socket_transport::read(std::span<std::byte> into) noexcept {
  // recv() with no room returns 0, which would look like the end of the stream.
  if (into.empty()) return {io_outcome::failed, 0, errc::invalid_request};
  const auto room = static_cast<int>(std::min<std::size_t>(into.size(), INT_MAX));
  const int got = ::recv(socket_.get(), reinterpret_cast<char*>(into.data()), room, 0);
  if (got < 0) return after_failure(last_error(), readiness::readable);
  if (got == 0) return {io_outcome::end_of_stream};
  return {io_outcome::done, static_cast<std::size_t>(got)};
}

io_result socket_transport::write(std::span<const const_buffer> pieces) noexcept {
  std::array<WSABUF, gather_limit> gathered;
  const auto count = std::min(pieces.size(), gather_limit);
  std::size_t size = 0;
  std::size_t used = 0;
  for (; used < count && size < INT_MAX; ++used) {
    const auto length = std::min<std::size_t>(pieces[used].size, INT_MAX - size);
    gathered[used] = {static_cast<ULONG>(length), static_cast<char*>(const_cast<void*>(pieces[used].data))};
    size += length;
  }
  if (size == 0) return {io_outcome::failed, 0, errc::invalid_request};
  DWORD sent = 0;
  if (::WSASend(socket_.get(), gathered.data(), static_cast<DWORD>(used), &sent, 0, nullptr, nullptr) != 0)
    return after_failure(last_error(), readiness::writable);
  // Less than it was offered is taken only where there is no more room.
  return {io_outcome::done, sent, {}, sent < size ? readiness::writable : readiness::none};
}

std::error_code socket_transport::shutdown_write() noexcept {
  return ::shutdown(socket_.get(), SD_SEND) == 0 ? std::error_code{} : system_error_code(last_error());
}

std::error_code socket_transport::pending_error() noexcept {
  int pending = 0;
  int size = sizeof pending;
  if (getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, reinterpret_cast<char*>(&pending), &size) != 0)
    pending = last_error();
  // SO_ERROR holds only an error of connecting; a later reset is reported by receiving alone.
  char unread = 0;
  if (pending == 0 && !was_reset_told_ && ::recv(socket_.get(), &unread, 1, MSG_PEEK) < 0) {
    const int error = last_error();
    if (error == WSAECONNRESET || error == WSAECONNABORTED || error == WSAENETRESET || error == WSAETIMEDOUT)
      pending = error;
  }
  if (pending == 0) return {};
  was_reset_told_ = true;
  return system_error_code(pending);
}

std::unique_ptr<transport> make_transport(descriptor socket, endpoint peer, bool connected) {
  return std::make_unique<socket_transport>(std::move(socket), std::move(peer), connected);
}

std::error_code set_tcp_options(SOCKET socket) noexcept {
  if (!set_option(socket, IPPROTO_TCP, TCP_NODELAY, BOOL{TRUE})) return system_error_code(last_error());
  tcp_keepalive keepalive{.onoff = 1, .keepalivetime = keepalive_idle_ms, .keepaliveinterval = keepalive_interval_ms};
  DWORD returned = 0;
  if (::WSAIoctl(socket, SIO_KEEPALIVE_VALS, &keepalive, sizeof keepalive, nullptr, 0, &returned, nullptr, nullptr) !=
      0)
    return system_error_code(last_error());
  // Not known to every version; the connection works without.
  static_cast<void>(set_option(socket, IPPROTO_TCP, tcp_retransmission_limit, retransmission_limit_s));
  return {};
}

std::error_code set_accepted_options(SOCKET socket) noexcept {
  return set_tcp_options(socket);
}

std::error_code set_connecting_options(SOCKET) noexcept {
  return {};
}

}  // namespace switchboard::net
