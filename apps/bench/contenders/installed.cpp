#include "installed.hpp"

#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <stdexcept>

#include <switchboard/net/network.hpp>

namespace switchboard::bench {
namespace {

constexpr auto daemon_folders = ":/usr/local/sbin:/usr/sbin";

}  // namespace

std::string found_in_path(const std::string& program) {
  const char* const path = std::getenv("PATH");
  std::istringstream folders(std::string(path != nullptr ? path : "") + daemon_folders);
  for (std::string folder; std::getline(folders, folder, ':');)
    if (const auto candidate = std::filesystem::path(folder) / program; std::filesystem::exists(candidate))
      return candidate.string();
  return {};
}

std::string program_beside_this(const std::string& name) {
  return std::filesystem::read_symlink("/proc/self/exe").replace_filename(name).string();
}

net::endpoint free_endpoint() {
  auto listener = net::system_network().listen(net::endpoint::tcp("127.0.0.1", 0));
  if (!listener) throw std::runtime_error("no free port: " + listener.error().message());
  return (*listener)->local();
}

}  // namespace switchboard::bench
