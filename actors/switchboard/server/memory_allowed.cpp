#include <algorithm>
#include <fstream>
#include <limits>
#include <string>

#include <switchboard/server/memory_allowed.hpp>

namespace switchboard {
namespace {

namespace fs = std::filesystem;

constexpr auto unbounded = std::numeric_limits<std::size_t>::max();

/// A file's only number; "max", or no file, bounds nothing.
std::size_t number_in(const fs::path& file) {
  std::size_t number = 0;
  return std::ifstream{file} >> number ? number : unbounded;
}

/// The limit of a group and of those above it, up to the root of their hierarchy.
std::size_t least_limit(const fs::path& hierarchy, fs::path group, const char* file) {
  auto least = number_in(hierarchy / file);
  for (group = group.relative_path(); !group.empty(); group = group.parent_path())
    least = std::min(least, number_in(hierarchy / group / file));
  return least;
}

/// What the control groups of /proc/self/cgroup allow: lines `id:controllers:path`, without controllers for version 2.
std::size_t allowed_by_groups(const fs::path& root) {
  const auto hierarchies = root / "sys/fs/cgroup";
  auto least = unbounded;
  std::ifstream groups{root / "proc/self/cgroup"};
  for (std::string line; std::getline(groups, line);) {
    const auto first = line.find(':');
    const auto second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const auto controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const auto group = line.substr(second + 1);
    if (controllers == ",,")
      least = std::min(least, least_limit(hierarchies, group, "memory.max"));
    else if (controllers.find(",memory,") != std::string::npos)
      least = std::min(least, least_limit(hierarchies / "memory", group, "memory.limit_in_bytes"));
  }
  return least;
}

/// MemTotal of /proc/meminfo, which is in KiB.
std::size_t of_machine(const fs::path& root) {
  std::ifstream facts{root / "proc/meminfo"};
  for (std::string name, rest; facts >> name; std::getline(facts, rest)) {
    std::size_t kib = 0;
    if (name == "MemTotal:" && facts >> kib) return kib * 1024;
  }
  return unbounded;
}

}  // namespace

std::size_t memory_allowed(const fs::path& root) {
  return std::min(of_machine(root), allowed_by_groups(root));
}

}  // namespace switchboard
