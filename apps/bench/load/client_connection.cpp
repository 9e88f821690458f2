#include "client_connection.hpp"

#include <cerrno>
#include <cstring>
#include <stdexcept>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <switchboard/net/network.hpp>

namespace switchboard::bench {
namespace {

/// Sent bytes in front of unsent ones, above which the latter are moved.
constexpr std::size_t sent_bytes_kept = 1024 * 1024;

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error(what);
}

error_or<std::unique_ptr<net::transport>> connect_from(std::size_t source, const net::endpoint& server) {
  sockaddr_in from{}, to{};
  from.sin_family = to.sin_family = AF_INET;
  from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + static_cast<std::uint32_t>(source));
  to.sin_port = htons(server.port());
  if (server.kind() != net::endpoint::family::tcp || ::inet_pton(AF_INET, server.host().c_str(), &to.sin_addr) != 1)
    return std::make_error_code(std::errc::address_family_not_supported);
  const int made = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (made < 0) return std::error_code(errno, std::system_category());
  // Or bind() would take a port that no other connection of this address could have, whatever its destination.
  const int on = 1;
  ::setsockopt(made, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  if (::bind(made, reinterpret_cast<const sockaddr*>(&from), sizeof from) != 0 ||
      (::connect(made, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0 && errno != EINPROGRESS)) {
    const std::error_code failure(errno, std::system_category());
    ::close(made);
    return failure;
  }
  return net::system_network().adopt(static_cast<net::socket_handle>(made));
}

}  // namespace

void client_connection::open(const net::endpoint& server, const epoll_set& in, void* owner, std::size_t source) {
  auto connecting = source == 0 ? net::system_network().connect(server) : connect_from(source, server);
  if (!connecting) fail("cannot connect to " + server.to_string() + ": " + connecting.error().message());
  transport_ = std::move(*connecting);
  descriptor_ = static_cast<int>(transport_->handle());
  pollfd writable{descriptor_, POLLOUT, 0};
  if (::poll(&writable, 1, static_cast<int>(std::chrono::milliseconds(connect_timeout).count())) <= 0)
    fail("no connection to " + server.to_string());
  if (const auto error = transport_->pending_error())
    fail("cannot connect to " + server.to_string() + ": " + error.message());
  epoll_ = in.descriptor();
  owner_ = owner;
  watch(EPOLL_CTL_ADD, EPOLLIN);
}

void client_connection::watch(int operation, std::uint32_t interest) {
  epoll_event wanted{};
  wanted.events = interest;
  wanted.data.ptr = owner_;
  if (::epoll_ctl(epoll_, operation, descriptor_, &wanted) != 0)
    fail(std::string("epoll_ctl: ") + std::strerror(errno));
}

void client_connection::reset_when_closed() {
  const linger at_once{1, 0};
  ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

void client_connection::stop_reading() {
  watch(EPOLL_CTL_DEL, 0);
}

std::span<const std::byte> client_connection::read(std::span<std::byte> scratch) {
  const auto got = ::read(descriptor_, scratch.data(), scratch.size());
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return {};
  if (got < 0) fail(std::string("read: ") + std::strerror(errno));
  if (got == 0) fail("the server ended a connection");
  return scratch.first(static_cast<std::size_t>(got));
}

void client_connection::flush() {
  if (sent_ < output_.size()) {
    const auto written = ::write(descriptor_, output_.data() + sent_, output_.size() - sent_);
    if (written < 0 && errno != EAGAIN && errno != EINTR) fail(std::string("write: ") + std::strerror(errno));
    if (written > 0) sent_ += static_cast<std::size_t>(written);
  }
  const bool all_sent = sent_ == output_.size();
  if (all_sent || sent_ >= sent_bytes_kept) {
    output_.erase(0, sent_);
    sent_ = 0;
  }
  if (waits_for_room_ == all_sent) {
    waits_for_room_ = !all_sent;
    watch(EPOLL_CTL_MOD, waits_for_room_ ? EPOLLIN | EPOLLOUT : EPOLLIN);
  }
}

}  // namespace switchboard::bench
