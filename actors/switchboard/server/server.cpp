#include <cstdio>
#include <cstdlib>
#include <future>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <fcntl.h>
#include <unistd.h>

#include <switchboard/logging/logging.hpp>
#include <switchboard/pump/scheduler.hpp>
#include <switchboard/server/descriptor_limit.hpp>
#include <switchboard/server/server.hpp>

namespace switchboard {

namespace {

/// Opens what is closed of standard input, output and error, so that no socket of ours takes its number and a line for
/// a person ends up there.
void hold_standard_descriptors() noexcept {
  int opened = 0;
  while (opened >= 0 && opened <= STDERR_FILENO) opened = ::open("/dev/null", O_RDWR);
  if (opened > STDERR_FILENO) ::close(opened);
}

}  // namespace

server::server(std::string program, std::string description, const std::string& default_listen)
    : program_((hold_standard_descriptors(), std::move(program))),
      command_line_(program_, std::move(description), default_listen) {}

server::~server() = default;

int server::run(int argc, const char* const* argv) {
  if (const auto status = command_line_.parse(argc, argv)) return *status;
  logging::start(command_line_.options().log_level);
  const auto status = serve();
  // Only now: a second signal counts until all actors have ended.
  signals_.stop();
  logging::stop();
  return status;
}

/// Whatever the log's level: why a program did not start is for whoever started it.
int server::cannot_start(const std::string& why) const {
  std::fprintf(stderr, "%s: %s\n", program_.c_str(), why.c_str());
  return EXIT_FAILURE;
}

int server::serve() {
  const auto& options = command_line_.options();
  if (const auto raised = raise_descriptor_limit(); !raised)
    logging::warn("the descriptor limit stays as it is: {}", raised.error().message());
  auto port = options.port->make();
  if (!port)
    return cannot_start("--port " + std::string(options.port->name) + ": " + port.error().message() + "; it needs " +
                        std::string(options.port->needs));
  const auto pump = notification_pump::create(std::move(*port));
  caf::actor_system_config config;
  config.set("scheduler.max-threads", options.threads);
  config.set("logger.verbosity", caf::atom("quiet"));
  use_pump_scheduler(config, pump);
  caf::actor_system system{config};
  broker serving{system, pump, options.limits};
  for (const auto& service : services_) {
    auto described = service();
    if (!described) return cannot_start(described.status().message);
    if (const auto wrong = serving.add(std::move(*described)); !wrong.empty()) return cannot_start(wrong);
  }
  for (const auto& each : interceptors_) serving.intercept(each);
  if (authenticate_) serving.demand_authentication(authenticate_);
  std::string listening;
  for (const auto& at : options.listen) {
    const auto local = serving.listen(at);
    if (!local) return cannot_start("cannot listen on " + at.to_string() + ": " + local.error().message());
    listening += "listening on " + local->to_string() + "\n";
  }
  // All of them or none: who reads the first line takes the server to be up.
  if (std::fputs(listening.c_str(), stdout) < 0 || std::fflush(stdout) != 0)
    logging::error("standard output takes no lines: nobody is told where this server listens");
  std::promise<void> asked_to_drain;
  signals_.watch(
      [&] {
        logging::info("stopping: calls in progress get {}", to_text(options.limits.drain_timeout));
        asked_to_drain.set_value();
      },
      [&] {
        logging::warn("stopping at once");
        logging::stop();
        // Actors may be anywhere; the operating system takes it all back, and the exit must not wait for them.
        std::_Exit(EXIT_FAILURE);
      });
  asked_to_drain.get_future().wait();
  serving.drain();
  return EXIT_SUCCESS;
}

}  // namespace switchboard
