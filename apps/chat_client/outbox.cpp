#include "outbox.hpp"

#include "random_bytes.hpp"

#include <utility>

namespace switchboard::chat_client {

bool outbox::push(std::string text) {
  if (messages_.size() >= unacknowledged_limit) return false;
  messages_.push_back({std::move(text), random_id()});
  return true;
}

outgoing_message outbox::pop() {
  auto oldest = std::move(messages_.front());
  messages_.pop_front();
  return oldest;
}

std::deque<outgoing_message> outbox::clear() noexcept {
  return std::exchange(messages_, {});
}

}  // namespace switchboard::chat_client
