#include <utility>

#include <switchboard/client/call_table.hpp>
#include <switchboard/client/reply_inbox.hpp>

namespace switchboard::client {

std::optional<std::string> reply_inbox::take() {
  if (messages_.empty()) return std::nullopt;
  auto message = std::move(messages_.front());
  messages_.pop_front();
  backlog_ -= message.size();
  return message;
}

void reply_inbox::clear() noexcept {
  messages_.clear();
  backlog_ = 0;
}

void reply_inbox::fail(rpc::status how) {
  clear();
  end_ = std::move(how);
}

void reply_inbox::on_arrival(std::function<void()> what) {
  arrival_ = what ? std::make_shared<const std::function<void()>>(std::move(what)) : nullptr;
}

void reply_inbox::notify() const {
  // Shared: what is called may replace it, or drop the call.
  if (const auto arrival = arrival_) (*arrival)();
}

rpc::status reply_inbox::on_reply(std::string_view message) {
  if (backlog_ + message.size() > reply_backlog_max) {
    clear();
    return {rpc::code::resource_exhausted, "more came than this stream may keep"};
  }
  messages_.emplace_back(message);
  backlog_ += message.size();
  notify();
  return {};
}

void reply_inbox::on_end(const rpc::status& how) {
  if (!end_) end_ = how;
  notify();
}

}  // namespace switchboard::client
