#include <switchboard/error/errc.hpp>
#include <switchboard/net/socket_address.hpp>
#include <switchboard/net/system_datagram_socket.hpp>
#include <switchboard/net/system_sockets.hpp>

namespace switchboard::net {
namespace {

io_result outcome_of(std::ptrdiff_t moved, readiness waits_for) noexcept {
  if (moved >= 0) return {io_outcome::done, static_cast<std::size_t>(moved)};
  if (is_would_block(last_error())) return {.outcome = io_outcome::would_block, .waits_for = waits_for};
  return {io_outcome::failed, 0, system_error_code(last_error())};
}

}  // namespace

error_or<std::unique_ptr<datagram_socket>> system_datagram_socket::open(const endpoint& like) {
  const auto addresses = resolve(like, resolve_for::datagrams);
  if (!addresses) return addresses.error();
  auto socket = open_socket(addresses->front().storage.ss_family, SOCK_DGRAM);
  if (!socket) return system_error_code(last_error());
  return std::unique_ptr<datagram_socket>(new system_datagram_socket(std::move(socket)));
}

std::error_code system_datagram_socket::bind(const endpoint& at) {
  const auto addresses = resolve(at, resolve_for::datagrams);
  if (!addresses) return addresses.error();
  const auto& address = addresses->front();
  return ::bind(socket_.get(), address.data(), address.size) == 0 ? std::error_code{} : system_error_code(last_error());
}

error_or<endpoint> system_datagram_socket::local() const {
  socket_address address;
  if (::getsockname(socket_.get(), address.data(), &address.size) != 0) return system_error_code(last_error());
  return to_endpoint(address);
}

io_result system_datagram_socket::send(std::span<const std::byte> datagram, const endpoint& to) {
  const auto addresses = resolve(to, resolve_for::datagrams);
  if (!addresses) return {io_outcome::failed, 0, addresses.error()};
  const auto& address = addresses->front();
  return outcome_of(::sendto(socket_.get(), reinterpret_cast<const char*>(datagram.data()),
                             static_cast<int>(datagram.size()), 0, address.data(), address.size),
                    readiness::writable);
}

io_result system_datagram_socket::receive(std::span<std::byte> into, endpoint& from) {
  socket_address sender;
  const auto got = outcome_of(::recvfrom(socket_.get(), reinterpret_cast<char*>(into.data()),
                                         static_cast<int>(into.size()), receive_whole, sender.data(), &sender.size),
                              readiness::readable);
  if (got.outcome != io_outcome::done) return got;
  if (got.bytes > into.size()) return {io_outcome::failed, 0, std::make_error_code(std::errc::message_size)};
  from = to_endpoint(sender);
  return got;
}

}  // namespace switchboard::net
