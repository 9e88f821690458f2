#include "event_loop.hpp"

namespace switchboard::chat_client {

bool event_loop::until_readable(int descriptor) {
  const int readable[] = {descriptor};
  return drive([] { return false; }, readable) == client::drive_outcome::readable;
}

bool event_loop::until(const std::function<bool()>& done) {
  return drive(done, {}) == client::drive_outcome::done && !stopped_;
}

client::drive_outcome event_loop::drive(const std::function<bool()>& done, std::span<const int> readable) {
  return session_.channel().drive_until([&] { return stopped_ || done(); }, until_, readable);
}

}  // namespace switchboard::chat_client
