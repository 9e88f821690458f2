#include <utility>

#include <switchboard/simulated/datagram_socket.hpp>
#include <switchboard/simulated/fabric.hpp>

namespace switchboard::simulated {

datagram_socket::datagram_socket(std::shared_ptr<fabric> in, net::socket_handle handle) noexcept
    : fabric_(std::move(in)), handle_(handle) {}

datagram_socket::datagram_socket(datagram_socket&& other) noexcept
    : fabric_(std::move(other.fabric_)), handle_(std::exchange(other.handle_, net::socket_handle::invalid)) {}

datagram_socket::~datagram_socket() {
  if (handle_ == net::socket_handle::invalid) return;
  const std::scoped_lock hold(fabric_->mutex());
  if (auto* const mine = fabric_->find(handle_)) fabric_->close(*mine);
}

void datagram_socket::send(std::string_view datagram) {
  const std::scoped_lock hold(fabric_->mutex());
  auto* const to = fabric_->find(fabric_->find(handle_)->other);
  // As with any network, nobody says that it did not arrive.
  if (to == nullptr || (datagram.empty() && fabric_->broken(fault::empty_datagram_is_dropped))) return;
  to->datagrams.emplace_back(datagram);
  fabric_->changed(*to);
}

std::optional<std::string> datagram_socket::receive() {
  const std::scoped_lock hold(fabric_->mutex());
  auto& mine = *fabric_->find(handle_);
  if (mine.datagrams.empty()) return std::nullopt;
  auto taken = std::move(mine.datagrams.front());
  mine.datagrams.pop_front();
  fabric_->changed(mine);
  return taken;
}

void datagram_socket::shutdown() {
  const std::scoped_lock hold(fabric_->mutex());
  auto& mine = *fabric_->find(handle_);
  mine.write_shut = mine.end_arrived = true;
  fabric_->changed(mine);
}

}  // namespace switchboard::simulated
