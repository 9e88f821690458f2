#include "side.hpp"

#include <ctime>
#include <utility>

namespace switchboard::bench {

side::side(std::string name, server_process server, std::unique_ptr<load> on_it)
    : name_(std::move(name)), server_(std::move(server)), load_(std::move(on_it)) {}

side::side(std::string name, std::unique_ptr<load> here) : name_(std::move(name)), load_(std::move(here)) {}

std::optional<std::chrono::nanoseconds> side::cpu_time() const {
  if (server_) return server_->cpu_time();
  timespec used{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

bool side::stop() {
  load_.reset();
  return !server_ || server_->stop();
}

}  // namespace switchboard::bench
