#include <random>

#include <switchboard/rooms/log.hpp>

namespace switchboard::rooms {

std::string new_log_id() {
  static constexpr char digits[] = "0123456789abcdef";
  std::random_device entropy;
  std::string id;
  for (int word = 0; word < 4; ++word) {
    auto bits = static_cast<std::uint32_t>(entropy());
    for (int digit = 0; digit < 8; ++digit, bits >>= 4) id += digits[bits & 0xf];
  }
  return id;
}

void growth_watch::set(growth_callback grown) {
  const std::lock_guard lock{mutex_};
  grown_.swap(grown);
}

void growth_watch::tell() const {
  std::shared_ptr<const std::function<void()>> told;
  {
    const std::lock_guard lock{mutex_};
    told = grown_.lock();
  }
  if (told) (*told)();
}

}  // namespace switchboard::rooms
