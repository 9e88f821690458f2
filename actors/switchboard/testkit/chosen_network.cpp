#include <cstdlib>
#include <string_view>

#include <switchboard/error/invariant.hpp>
#include <switchboard/testkit/chosen_network.hpp>
#include <switchboard/testkit/rough_transport.hpp>

namespace switchboard::testkit {
namespace {

error_or<std::unique_ptr<net::transport>> rough(error_or<std::unique_ptr<net::transport>> below,
                                                rough_transport::side which) {
  if (!below || !*below) return below;
  return std::unique_ptr<net::transport>(new rough_transport(std::move(*below), which));
}

class rough_listener final : public net::listener {
public:
  explicit rough_listener(std::unique_ptr<net::listener> below) noexcept : below_(std::move(below)) {}

  net::socket_handle handle() const noexcept override { return below_->handle(); }
  const net::endpoint& local() const noexcept override { return below_->local(); }
  error_or<std::unique_ptr<net::transport>> accept() noexcept override {
    return rough(below_->accept(), rough_transport::side::server);
  }
  /// Without a word: one would take the handshake first.
  bool refuse(void (*)(net::transport&)) noexcept override { return below_->refuse(nullptr); }

private:
  const std::unique_ptr<net::listener> below_;
};

class rough_network final : public net::network {
public:
  error_or<std::unique_ptr<net::listener>> listen(const net::endpoint& at) override {
    auto below = net::system_network().listen(at);
    if (!below) return below;
    return std::unique_ptr<net::listener>(new rough_listener(std::move(*below)));
  }
  error_or<std::unique_ptr<net::transport>> connect(const net::endpoint& to) override {
    return rough(net::system_network().connect(to), rough_transport::side::client);
  }
  error_or<std::unique_ptr<net::transport>> adopt(net::socket_handle accepted) override {
    return rough(net::system_network().adopt(accepted), rough_transport::side::server);
  }
  error_or<std::unique_ptr<net::datagram_socket>> open_datagrams(const net::endpoint& like) override {
    return net::system_network().open_datagrams(like);
  }
};

}  // namespace

net::network& chosen_network() {
  static rough_network awkward;
  const char* const name = std::getenv("SWITCHBOARD_TEST_TRANSPORT");
  if (name == nullptr) return net::system_network();
  SWITCHBOARD_INVARIANT(std::string_view(name) == "rough", "SWITCHBOARD_TEST_TRANSPORT names no transport");
  return awkward;
}

}  // namespace switchboard::testkit
