// caf-echo-server THREADS: Echo/Say on CAF's own I/O: a broker that has all connections, on the thread of CAF's multiplexer.
// What switchboard-bench measures as `caf`.

#include "frame_echo.hpp"

#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <span>

#include <caf/all.hpp>
#include <caf/io/all.hpp>

using switchboard::bench::frame_echo;

namespace {

constexpr std::size_t chunk_bytes = 64 * 1024;

caf::behavior echo(caf::io::broker* self) {
  const auto connections = std::make_shared<std::map<caf::io::connection_handle, frame_echo>>();
  return {
      [=](const caf::io::new_connection_msg& came) {
        self->configure_read(came.handle, caf::io::receive_policy::at_most(chunk_bytes));
        connections->try_emplace(came.handle);
      },
      [=](const caf::io::new_data_msg& arrived) {
        auto& of = connections->at(arrived.handle);
        if (!of.take(std::as_bytes(std::span(arrived.buf)))) {
          self->close(arrived.handle);
          return;
        }
        const auto answers = of.unsent();
        self->write(arrived.handle, answers.size(), answers.data());
        self->flush(arrived.handle);
        of.sent(answers.size());
      },
      [=](const caf::io::connection_closed_msg& gone) { connections->erase(gone.handle); },
  };
}

}  // namespace

int main(int argc, char** argv) {
  caf::actor_system_config config;
  config.load<caf::io::middleman>();
  config.set("scheduler.max-threads", static_cast<std::size_t>(argc > 1 ? std::atoi(argv[1]) : 1));
  caf::actor_system system{config};
  std::uint16_t port = 0;
  const auto server = system.middleman().spawn_server(echo, port);
  if (!server) {
    std::fprintf(stderr, "caf-echo-server: %s\n", system.render(server.error()).c_str());
    return 1;
  }
  std::printf("listening on 127.0.0.1:%u\n", static_cast<unsigned>(port));
  std::fflush(stdout);
  caf::scoped_actor self{system};
  self->wait_for(*server);
}
