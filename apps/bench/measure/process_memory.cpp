#include "process_memory.hpp"

#include <fstream>
#include <string>

namespace switchboard::bench {
namespace {

/// A line of /proc/PID/status: its name, then a size in kB.
std::size_t status_field(std::optional<pid_t> process, const std::string& name) {
  if (!process) return 0;
  std::ifstream status("/proc/" + std::to_string(*process) + "/status");
  for (std::string word; status >> word;)
    if (std::size_t kilobytes = 0; word == name + ":" && status >> kilobytes) return kilobytes * 1024;
  return 0;
}

}  // namespace

std::size_t resident_bytes(std::optional<pid_t> process) {
  return status_field(process, "VmRSS");
}

std::size_t anonymous_bytes(std::optional<pid_t> process) {
  return status_field(process, "RssAnon");
}

}  // namespace switchboard::bench
