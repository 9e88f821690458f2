#include "scripted_server.hpp"

#include <cerrno>
#include <map>
#include <stdexcept>
#include <vector>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <switchboard/net/network.hpp>
#include <switchboard/net/transport.hpp>

namespace switchboard::bench {
namespace {

struct connection {
  std::unique_ptr<net::transport> transport;  // nullptr once it has ended: others keep their numbers
  std::string output;

  int descriptor() const { return transport ? static_cast<int>(transport->handle()) : -1; }
};

}  // namespace

scripted_server::scripted_server(script says) : says_(std::move(says)) {
  auto listener = net::system_network().listen(net::endpoint::tcp("127.0.0.1", 0));
  if (!listener || ::pipe(wake_) != 0) throw std::runtime_error("no scripted server");
  listener_ = std::move(*listener);
  thread_ = std::jthread([this](std::stop_token stop) { serve(stop); });
}

scripted_server::~scripted_server() {
  thread_.request_stop();
  [[maybe_unused]] const auto written = ::write(wake_[1], "", 1);
  thread_.join();
  ::close(wake_[0]);
  ::close(wake_[1]);
}

std::set<std::string> scripted_server::clients() const {
  const std::lock_guard lock(mutex_);
  return clients_;
}

void scripted_server::serve(std::stop_token stop) {
  std::vector<connection> connections;
  while (!stop.stop_requested()) {
    std::vector<pollfd> waits{{wake_[0], POLLIN, 0}, {static_cast<int>(listener_->handle()), POLLIN, 0}};
    for (const auto& each : connections)
      waits.push_back({each.descriptor(), static_cast<short>(each.output.empty() ? POLLIN : POLLIN | POLLOUT), 0});
    ::poll(waits.data(), waits.size(), -1);
    for (std::size_t each = 0; each < connections.size(); ++each) {
      if ((waits[each + 2].revents & ~POLLOUT) == 0) continue;
      char chunk[64 * 1024];
      const auto got = ::read(connections[each].descriptor(), chunk, sizeof chunk);
      if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
      if (got <= 0) {
        connections[each] = {};
        continue;
      }
      says_(each, {chunk, static_cast<std::size_t>(got)},
            [&](std::size_t to) -> std::string& { return connections[to].output; });
    }
    for (auto& each : connections) {
      if (!each.transport || each.output.empty()) continue;
      const auto written = ::send(each.descriptor(), each.output.data(), each.output.size(), MSG_NOSIGNAL);
      if (written > 0) each.output.erase(0, static_cast<std::size_t>(written));
    }
    while (auto accepted = listener_->accept()) {
      if (*accepted == nullptr) break;
      const std::lock_guard lock(mutex_);
      clients_.insert((*accepted)->peer().host());
      connections.push_back({std::move(*accepted), {}});
    }
  }
}

scripted_server::script frames(std::function<void(const wire::frame_view&, std::size_t, std::string&)> answer) {
  const auto decoders = std::make_shared<std::map<std::size_t, wire::frame_decoder>>();
  const auto number = std::make_shared<std::size_t>(0);
  return [=](std::size_t connection, std::string_view arrived, const scripted_server::outputs& out) {
    auto& decoder = (*decoders)[connection];
    decoder.feed(std::as_bytes(std::span(arrived)));
    for (wire::frame_view frame; decoder.next(frame) == wire::frame_decoder::outcome::frame;)
      answer(frame, (*number)++, out(connection));
  };
}

}  // namespace switchboard::bench
