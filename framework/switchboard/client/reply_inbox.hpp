#pragma once

/// The replies of one call that its reader has not taken yet.
///
/// Threads    the channel's.
/// Owns       the replies, within reply_backlog_max.

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <switchboard/client/call_handler.hpp>

namespace switchboard::client {

class reply_inbox final : public call_handler {
public:
  bool ready() const noexcept { return !messages_.empty() || end_; }
  const std::optional<rpc::status>& end() const noexcept { return end_; }
  /// The oldest reply; nothing where there is none.
  std::optional<std::string> take();
  /// Drops the replies.
  void clear() noexcept;
  /// The end is `how`, whatever the server says; what is not taken is dropped.
  void fail(rpc::status how);
  /// Calls `what` whenever there is something new. Null: no more.
  void on_arrival(std::function<void()> what);
  /// Whether on_arrival() has set a function.
  bool attended() const noexcept { return arrival_ != nullptr; }
  void notify() const;

  rpc::status on_reply(std::string_view message) override;
  void on_credit(std::uint32_t) override {}
  void on_end(const rpc::status& how) override;

private:
  std::deque<std::string> messages_;
  std::size_t backlog_ = 0;  // bytes of messages_
  std::optional<rpc::status> end_;
  std::shared_ptr<const std::function<void()>> arrival_;
};

}  // namespace switchboard::client
