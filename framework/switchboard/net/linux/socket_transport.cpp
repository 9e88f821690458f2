#include "socket_transport.hpp"

#include <algorithm>
#include <cerrno>
#include <cstddef>

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <switchboard/error/errc.hpp>
#include <switchboard/net/system_sockets.hpp>

namespace switchboard::net {
namespace {

constexpr int keepalive_idle_s = 30;
constexpr int keepalive_probes = 3;
constexpr int keepalive_interval_s = 10;
constexpr unsigned user_timeout_ms = 60'000;
/// Repetitions, or probes of a closed window, that one after another had no answer. One may have just been sent, and one may
/// have come to a peer that is alive within half a second of the one before it: Linux answers no more of them than that
/// (tcp_invalid_ratelimit).
constexpr int unanswered_min = 3;
/// Unsent bytes the kernel may hold before the socket stops being writable: what is urgent can still overtake the rest.
constexpr int not_sent_low_water_bytes = 16 * 1024;

static_assert(sizeof(const_buffer) == sizeof(iovec) && offsetof(const_buffer, data) == offsetof(iovec, iov_base) &&
              offsetof(const_buffer, size) == offsetof(iovec, iov_len));

io_result after_failure(readiness waits_for) noexcept {
  if (is_would_block(errno)) return {.outcome = io_outcome::would_block, .waits_for = waits_for};
  return {io_outcome::failed, 0, system_error_code(errno)};
}

/// The kernel takes less than it is offered only when it has no more room: another write would block.
io_result after_write(ssize_t sent, std::size_t offered) noexcept {
  if (sent < 0) return after_failure(readiness::writable);
  if (sent == 0) return {io_outcome::failed, 0, errc::invalid_request};
  const auto taken = static_cast<std::size_t>(sent);
  return {io_outcome::done, taken, {}, taken < offered ? readiness::writable : readiness::none};
}

std::size_t bytes_in(std::span<const const_buffer> pieces) noexcept {
  std::size_t all = 0;
  for (const auto& piece : pieces) all += piece.size;
  return all;
}

template <class Call>
ssize_t uninterrupted(Call call) noexcept {
  ssize_t result;
  do {
    result = call();
  } while (result < 0 && errno == EINTR);
  return result;
}

template <class Value>
bool set_option(int socket, int level, int name, Value value) noexcept {
  return setsockopt(socket, level, name, &value, sizeof value) == 0;
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
  const auto got = uninterrupted([&] { return ::recv(socket_.get(), into.data(), into.size(), 0); });
  if (got < 0) {
    auto failed = after_failure(readiness::readable);
    failed.drained = failed.outcome == io_outcome::would_block;
    return failed;
  }
  if (got == 0) return {io_outcome::end_of_stream};
  const auto bytes = static_cast<std::size_t>(got);
  // A local socket's read also stops after bytes that came with descriptors (unix(7)).
  const bool drained = bytes < into.size() && peer_.kind() == endpoint::family::tcp;
  return {.outcome = io_outcome::done, .bytes = bytes, .drained = drained};
}

io_result socket_transport::write(std::span<const const_buffer> pieces) noexcept {
  if (pieces.size() == 1) {
    // The common case; gathering would cost the kernel a copy of two more structures.
    const auto sent =
        uninterrupted([&] { return ::send(socket_.get(), pieces[0].data, pieces[0].size, MSG_NOSIGNAL); });
    return after_write(sent, pieces[0].size);
  }
  pieces = pieces.first(std::min(pieces.size(), gather_limit));
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(reinterpret_cast<const iovec*>(pieces.data()));
  message.msg_iovlen = pieces.size();
  return after_write(uninterrupted([&] { return ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL); }), bytes_in(pieces));
}

std::error_code socket_transport::shutdown_write() noexcept {
  return ::shutdown(socket_.get(), SHUT_WR) == 0 ? std::error_code{} : system_error_code(errno);
}

std::error_code socket_transport::pending_error() noexcept {
  int pending = 0;
  socklen_t size = sizeof pending;
  if (getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &pending, &size) != 0) return system_error_code(errno);
  return pending == 0 ? std::error_code{} : system_error_code(pending);
}

/// Linux counts what it has repeated, or probed, since the peer's last acknowledgement. A peer without room acknowledges
/// each probe (RFC 9293, 3.8.6.1).
std::optional<std::chrono::milliseconds> socket_transport::unanswered_for() const noexcept {
  tcp_info now{};
  socklen_t size = sizeof now;
  if (getsockopt(socket_.get(), IPPROTO_TCP, TCP_INFO, &now, &size) != 0) return std::nullopt;
  if (now.tcpi_unacked == 0 && now.tcpi_notsent_bytes == 0) return std::nullopt;
  const int unanswered = std::max(now.tcpi_retransmits, now.tcpi_probes);
  return std::chrono::milliseconds(unanswered < unanswered_min ? 0 : now.tcpi_last_ack_recv);
}

std::unique_ptr<transport> make_transport(descriptor socket, endpoint peer, bool connected) {
  return std::make_unique<socket_transport>(std::move(socket), std::move(peer), connected);
}

/// Set on a listening socket, Linux hands all of it on to accepted ones, which saves seven system calls each.
std::error_code set_tcp_options(int socket) noexcept {
  const bool all = set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1) && set_option(socket, SOL_SOCKET, SO_KEEPALIVE, 1) &&
                   set_option(socket, IPPROTO_TCP, TCP_KEEPIDLE, keepalive_idle_s) &&
                   set_option(socket, IPPROTO_TCP, TCP_KEEPCNT, keepalive_probes) &&
                   set_option(socket, IPPROTO_TCP, TCP_KEEPINTVL, keepalive_interval_s) &&
                   set_option(socket, IPPROTO_TCP, TCP_NOTSENT_LOWAT, not_sent_low_water_bytes);
  return all ? std::error_code{} : system_error_code(errno);
}

std::error_code set_connecting_options(int socket) noexcept {
  const bool set = set_option(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, user_timeout_ms);
  return set ? std::error_code{} : system_error_code(errno);
}

}  // namespace switchboard::net
