#include <fstream>

#include <unistd.h>

#include <switchboard/server/anonymous_memory.hpp>

namespace switchboard {

std::size_t anonymous_bytes() {
  std::ifstream pages{"/proc/self/statm"};
  std::size_t size = 0;
  std::size_t resident = 0;
  std::size_t of_files = 0;
  if (!(pages >> size >> resident >> of_files)) return 0;
  return (resident - of_files) * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace switchboard
