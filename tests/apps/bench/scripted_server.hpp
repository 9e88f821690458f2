#pragma once

/// A server on a port of the loopback that answers as a test says, wrong answers included, and so shows what a load finds.
///
/// Threads    one of its own, which calls the script; it ends with the object.

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <thread>

#include <switchboard/net/endpoint.hpp>
#include <switchboard/net/listener.hpp>
#include <switchboard/wire/frame_decoder.hpp>

namespace switchboard::bench {

class scripted_server {
public:
  /// Takes what arrived on a connection of this number, from 0; appends to `out[connection]` what goes where.
  using outputs = std::function<std::string&(std::size_t connection)>;
  using script = std::function<void(std::size_t connection, std::string_view arrived, const outputs& out)>;

  explicit scripted_server(script says);
  ~scripted_server();

  const net::endpoint& address() const { return listener_->local(); }
  /// Hosts that connections came from.
  std::set<std::string> clients() const;

private:
  void serve(std::stop_token stop);

  script says_;
  std::unique_ptr<net::listener> listener_;
  int wake_[2];
  mutable std::mutex mutex_;
  std::set<std::string> clients_;
  std::jthread thread_;
};

/// A script for the protocol's frames: `answer` appends what answers the call of this number in the order of arrival, from 0.
scripted_server::script frames(
    std::function<void(const wire::frame_view&, std::size_t number, std::string& out)> answer);

}  // namespace switchboard::bench
