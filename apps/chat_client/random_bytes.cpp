#include "random_bytes.hpp"

#include <algorithm>
#include <cstdint>
#include <random>

namespace switchboard::chat_client {

std::string random_bytes(std::size_t size) {
  std::random_device source;
  std::string bytes;
  while (bytes.size() < size) {
    const std::uint32_t four = source();
    bytes.append(reinterpret_cast<const char*>(&four), std::min(sizeof four, size - bytes.size()));
  }
  return bytes;
}

std::string random_id() {
  static constexpr char digits[] = "0123456789abcdef";
  std::string id;
  for (const unsigned char byte : random_bytes(16)) {
    id += digits[byte >> 4];
    id += digits[byte & 15];
  }
  return id;
}

}  // namespace switchboard::chat_client
