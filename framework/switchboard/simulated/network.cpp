#include <array>
#include <cstring>
#include <utility>

#include <switchboard/error/errc.hpp>
#include <switchboard/simulated/fabric.hpp>
#include <switchboard/simulated/network.hpp>
#include <switchboard/simulated/world.hpp>

namespace switchboard::simulated {
namespace {

/// Input of a refused client that is read before closing: a close with unread input would reset the connection, and the
/// goodbye status with it.
constexpr std::size_t refused_input_limit_bytes = 16 * 1024;

/// Closes its socket at the end.
class owned_socket {
public:
  owned_socket(std::shared_ptr<fabric> in, net::socket_handle handle) noexcept
      : fabric_(std::move(in)), handle_(handle) {}
  owned_socket(owned_socket&& other) noexcept
      : fabric_(std::move(other.fabric_)), handle_(std::exchange(other.handle_, net::socket_handle::invalid)) {}
  owned_socket& operator=(owned_socket&&) = delete;
  ~owned_socket() {
    if (handle_ == net::socket_handle::invalid) return;
    const std::scoped_lock hold(fabric_->mutex());
    if (auto* const mine = fabric_->sockets().find(handle_)) fabric_->close(*mine);
  }

  net::socket_handle handle() const noexcept { return handle_; }
  net::socket_handle release() noexcept { return std::exchange(handle_, net::socket_handle::invalid); }

  /// @return the result of `use`, called with the socket and its world.
  template <class Use>
  auto with(Use&& use) const {
    const std::scoped_lock hold(fabric_->mutex());
    auto* const mine = fabric_->sockets().find(handle_);
    SWITCHBOARD_INVARIANT(mine != nullptr, "a simulated socket was closed under its owner");
    return use(*fabric_, *mine);
  }

private:
  std::shared_ptr<fabric> fabric_;
  net::socket_handle handle_;
};

class simulated_transport final : public net::transport {
public:
  simulated_transport(owned_socket socket, net::endpoint peer) noexcept
      : socket_(std::move(socket)), peer_(std::move(peer)) {}

  net::socket_handle handle() const noexcept override { return socket_.handle(); }
  const net::endpoint& peer() const noexcept override { return peer_; }
  net::io_result handshake() noexcept override {
    return socket_.with([](fabric& in, socket& mine) { return in.streams().handshake(mine); });
  }
  net::io_result read(std::span<std::byte> into) noexcept override {
    return socket_.with([&](fabric& in, socket& mine) { return in.streams().read(mine, into); });
  }
  net::io_result write(std::span<const net::const_buffer> pieces) noexcept override {
    return socket_.with([&](fabric& in, socket& mine) { return in.streams().write(mine, pieces); });
  }
  std::error_code shutdown_write() noexcept override {
    return socket_.with([](fabric& in, socket& mine) { return in.streams().shut_down(mine); });
  }
  std::error_code pending_error() noexcept override {
    return socket_.with([](fabric& in, socket& mine) { return in.take_error(mine); });
  }

  net::socket_handle release() noexcept { return socket_.release(); }

private:
  owned_socket socket_;
  const net::endpoint peer_;
};

class simulated_listener final : public net::listener {
public:
  simulated_listener(std::shared_ptr<fabric> in, net::socket_handle handle, net::endpoint local) noexcept
      : fabric_(in), socket_(std::move(in), handle), local_(std::move(local)) {}

  net::socket_handle handle() const noexcept override { return socket_.handle(); }
  const net::endpoint& local() const noexcept override { return local_; }
  error_or<std::unique_ptr<net::transport>> accept() noexcept override {
    return socket_.with([&](fabric& in, socket& mine) -> error_or<std::unique_ptr<net::transport>> {
      if (!mine.backlog.empty() && in.faults().fails(attempt::accept)) return errc::out_of_descriptors;
      return take(in, mine);
    });
  }
  bool refuse(void (*say_goodbye)(net::transport&)) noexcept override {
    const auto refused = socket_.with([&](fabric& in, socket& mine) { return take(in, mine); });
    if (!refused) return false;
    if (say_goodbye != nullptr) say_goodbye(*refused);
    static_cast<void>(refused->shutdown_write());
    std::array<std::byte, refused_input_limit_bytes> ignored;
    static_cast<void>(refused->read(ignored));
    return true;
  }

private:
  std::unique_ptr<net::transport> take(fabric& in, socket& mine) {
    const auto* const taken = in.streams().accept(mine);
    if (taken == nullptr) return nullptr;
    return std::make_unique<simulated_transport>(owned_socket(fabric_, taken->name.handle), taken->peer);
  }

  const std::shared_ptr<fabric> fabric_;
  owned_socket socket_;
  const net::endpoint local_;
};

class simulated_datagram_socket final : public net::datagram_socket {
public:
  explicit simulated_datagram_socket(owned_socket socket) noexcept : socket_(std::move(socket)) {}

  net::socket_handle handle() const noexcept override { return socket_.handle(); }
  std::error_code bind(const net::endpoint& at) override {
    return socket_.with([&](fabric& in, socket& mine) { return in.addresses().bind(mine, at); });
  }
  error_or<net::endpoint> local() const override {
    return socket_.with([](fabric&, socket& mine) { return mine.local; });
  }
  net::io_result send(std::span<const std::byte> datagram, const net::endpoint& to) override {
    socket_.with([&](fabric& in, socket& mine) { in.send_datagram(mine, datagram, to); });
    return {net::io_outcome::done, datagram.size()};
  }
  net::io_result receive(std::span<std::byte> into, net::endpoint& from) override {
    return socket_.with([&](fabric& in, socket& mine) -> net::io_result {
      if (mine.datagrams.empty())
        return {.outcome = net::io_outcome::would_block, .waits_for = net::readiness::readable};
      const auto taken = std::move(mine.datagrams.front());
      mine.datagrams.pop_front();
      in.changed(mine);
      from = taken.from;
      if (taken.bytes.size() > into.size())
        return {net::io_outcome::failed, 0, std::make_error_code(std::errc::message_size)};
      std::memcpy(into.data(), taken.bytes.data(), taken.bytes.size());
      return {net::io_outcome::done, taken.bytes.size()};
    });
  }

private:
  owned_socket socket_;
};

class simulated_network final : public net::network {
public:
  explicit simulated_network(std::shared_ptr<fabric> in) noexcept : fabric_(std::move(in)) {}

  error_or<std::unique_ptr<net::listener>> listen(const net::endpoint& at) override {
    const std::scoped_lock hold(fabric_->mutex());
    auto& made = fabric_->open(socket_kind::listener);
    if (const auto failure = fabric_->addresses().bind(made, at)) {
      fabric_->close(made);
      return failure;
    }
    return std::unique_ptr<net::listener>(new simulated_listener(fabric_, made.name.handle, made.local));
  }

  error_or<std::unique_ptr<net::transport>> connect(const net::endpoint& to) override {
    const std::scoped_lock hold(fabric_->mutex());
    auto& made = fabric_->open(socket_kind::stream);
    fabric_->streams().connect(made, to);
    return std::unique_ptr<net::transport>(new simulated_transport(owned_socket(fabric_, made.name.handle), to));
  }

  error_or<std::unique_ptr<net::transport>> adopt(net::socket_handle accepted) override {
    const std::scoped_lock hold(fabric_->mutex());
    auto* const found = fabric_->sockets().find(accepted);
    if (found == nullptr) return errc::not_a_socket;
    if (found->is_dead) {
      fabric_->close(*found);
      return std::make_error_code(std::errc::not_connected);
    }
    return std::unique_ptr<net::transport>(new simulated_transport(owned_socket(fabric_, accepted), found->peer));
  }

  error_or<std::unique_ptr<net::datagram_socket>> open_datagrams(const net::endpoint&) override {
    const std::scoped_lock hold(fabric_->mutex());
    auto& made = fabric_->open(socket_kind::datagram);
    return std::unique_ptr<net::datagram_socket>(
        new simulated_datagram_socket(owned_socket(fabric_, made.name.handle)));
  }

private:
  const std::shared_ptr<fabric> fabric_;
};

}  // namespace

std::unique_ptr<net::network> make_network(std::shared_ptr<fabric> in) {
  return std::make_unique<simulated_network>(std::move(in));
}

net::socket_handle detach(std::unique_ptr<net::transport> from) noexcept {
  return static_cast<simulated_transport&>(*from).release();
}

}  // namespace switchboard::simulated
