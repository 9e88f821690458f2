#include <cstdio>
#include <cstdlib>
#include <future>

#include <fcntl.h>
#include <unistd.h>

#include <switchboard/logging/logging.hpp>
#include <switchboard/metrics/exposition.hpp>
#include <switchboard/server/descriptor_limit.hpp>
#include <switchboard/server/embedded_server.hpp>
#include <switchboard/server/heap_trimmer.hpp>
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

void server::add(rpc::service_definition service) {
  add([service = std::move(service)] { return rpc::result<rpc::service_definition>{service}; });
}

void server::add(std::function<rpc::result<rpc::service_definition>()> service) {
  services_.push_back(std::move(service));
}

int server::run(int argc, const char* const* argv) {
  if (const auto status = command_line_.parse(argc, argv)) return *status;
  logging::start(command_line_.options().log_level);
  const auto status = serve();
  // Only now: a second signal counts until all actors have ended.
  signals_.stop();
  logging::stop();
  return status;
}

/// Printed whatever the log's level: the user has to see why a program did not start.
int server::cannot_start(const std::string& why) const {
  std::fprintf(stderr, "%s: %s\n", program_.c_str(), why.c_str());
  return EXIT_FAILURE;
}

/// Every figure, on standard error, in one piece.
void server::report() const {
  const auto text = metrics::exposition(figures_->read());
  std::fputs(text.c_str(), stderr);
  std::fflush(stderr);
}

int server::serve() {
  const auto& options = command_line_.options();
  if (const auto raised = raise_descriptor_limit(); !raised)
    logging::warn("the descriptor limit stays as it is: {}", raised.error().message());
  memory_ = memory_within(options.limits.memory_max, figures_);
  embedded_options wanted{.listen = options.listen,
                          .limits = options.limits,
                          .threads = options.threads,
                          .port = options.port,
                          .figures = figures_,
                          .memory = memory_};
  for (const auto& service : services_) {
    auto described = service();
    if (!described) return cannot_start(described.status().message);
    wanted.services.push_back(std::move(*described));
  }
  // Only now: describing a service may have demanded them.
  wanted.interceptors = interceptors_;
  wanted.authenticate = authenticate_;
  auto started = embedded_server::start(wanted);
  if (!started) return cannot_start(started.status().message);
  wanted.services.clear();
  std::string listening;
  for (const auto& at : started->endpoints()) listening += "listening on " + at.to_string() + "\n";
  // All of them or none: a reader of the first line takes the server to be up.
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
      },
      [this] { report(); });
  heap_trimmer freed{*memory_};
  for (auto asked = asked_to_drain.get_future(); asked.wait_for(heap_trimmer::period) != std::future_status::ready;)
    freed.look();
  started->drain();
  if (options.log_level == logging::level::debug) report();
  return EXIT_SUCCESS;
}

}  // namespace switchboard
