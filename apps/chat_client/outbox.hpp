#pragma once

/// Messages that the server has not acknowledged yet, in the order in which they are to be published.
///
/// Why        a message is published again when it is not known whether the server stored it. It keeps its id for as long as
///            it is here, by which the server recognises the second copy; and it leaves only when it was acknowledged or
///            refused, so that the order holds whatever fails.
/// Threads    a value.
/// Owns       at most unacknowledged_limit messages.

#include <cstddef>
#include <deque>
#include <string>

namespace switchboard::chat_client {

/// Messages that may wait for their acknowledgement.
inline constexpr std::size_t unacknowledged_limit = 1000;

struct outgoing_message {
  std::string text;
  std::string id;  ///< client_message_id (chat.proto)
};

class outbox {
public:
  /// Adds a message under a new id; false when unacknowledged_limit wait already.
  [[nodiscard]] bool push(std::string text);
  /// The oldest message, the only one that may be published now. There must be one.
  const outgoing_message& first() const noexcept { return messages_.front(); }
  /// The oldest message was acknowledged or refused.
  outgoing_message pop();
  /// Gives up every message.
  std::deque<outgoing_message> clear() noexcept;

  bool empty() const noexcept { return messages_.empty(); }
  std::size_t size() const noexcept { return messages_.size(); }

private:
  std::deque<outgoing_message> messages_;
};

}  // namespace switchboard::chat_client
