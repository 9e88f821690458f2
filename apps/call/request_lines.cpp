#include "request_lines.hpp"

#include <array>
#include <cerrno>

#include <unistd.h>

namespace switchboard::call {

void request_lines::read_some() {
  std::array<char, 64 * 1024> chunk;
  const auto size = ::read(descriptor_, chunk.data(), chunk.size());
  if (size > 0)
    buffer_.append(chunk.data(), static_cast<std::size_t>(size));
  else if (size == 0 || errno != EINTR)
    input_ended_ = true;
}

std::optional<std::string> request_lines::next() {
  while (true) {
    const auto end = buffer_.find('\n');
    if (end == std::string::npos && (!input_ended_ || buffer_.empty())) return std::nullopt;
    auto line = buffer_.substr(0, end);
    buffer_.erase(0, end == std::string::npos ? end : end + 1);
    if (line.find_first_not_of(" \t\r") != std::string::npos) return line;
  }
}

}  // namespace switchboard::call
