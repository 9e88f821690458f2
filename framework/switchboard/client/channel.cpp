#include <google/protobuf/message_lite.h>

#include <switchboard/client/channel.hpp>
#include <switchboard/client/reply_inbox.hpp>
#include <switchboard/client/thread_driver.hpp>

namespace switchboard::client {

channel::channel(net::endpoint to, channel_options options)
    : driver_(std::make_shared<thread_driver>(std::move(to), std::move(options))) {}

rpc::result<channel> channel::connect(const net::endpoint& to, deadline until, channel_options options) {
  channel made{to, std::move(options)};
  const auto outcome = made.drive_until([&] { return made.connected() || made.why_ended(); }, until);
  if (made.why_ended()) return *made.why_ended();
  if (outcome != drive_outcome::done)
    return rpc::status{rpc::code::deadline_exceeded, to.to_string() + ": no connection in time"};
  return made;
}

stream channel::open(const method_name& what, const google::protobuf::MessageLite& request, open_options options) {
  return start(what, request.SerializeAsString(), std::move(options));
}

stream channel::open(const method_name& what, open_options options) {
  return start(what, {}, std::move(options));
}

stream channel::start(const method_name& what, std::string request, open_options options) {
  auto inbox = std::make_shared<reply_inbox>();
  const auto number = driver_->calls().open({.method = what.name,
                                             .kind = what.kind,
                                             .request = std::move(request),
                                             .metadata = std::move(options.metadata),
                                             .credit = options.credit,
                                             .until = options.until,
                                             .handler = inbox},
                                            clock::now());
  driver_->push();
  return {driver_, std::move(inbox), number};
}

rpc::status channel::call(std::string_view unary, const google::protobuf::MessageLite& request,
                          google::protobuf::MessageLite& reply, deadline until, rpc::metadata metadata) {
  return open({unary}, request, {.until = until, .metadata = std::move(metadata)}).answer(reply, deadline::max());
}

drive_outcome channel::drive_until(const std::function<bool()>& done, deadline until, std::span<const int> readable) {
  return driver_->drive_until(done, until, readable);
}

bool channel::flush(deadline until) {
  const auto sent = [&] { return (connected() || why_ended()) && driver_->output_bytes() == 0; };
  return driver_->drive_until(sent, until, {}) == drive_outcome::done;
}

void channel::at(deadline when, std::function<void()> what) {
  driver_->at(when, std::move(what));
}
void channel::tell(connection_events whom) {
  driver_->tell(std::move(whom));
}

bool channel::connected() const noexcept {
  return driver_->core().connected();
}
const std::optional<rpc::status>& channel::why_ended() const noexcept {
  return driver_->core().why_ended();
}
std::size_t channel::open_calls() const noexcept {
  return driver_->calls().size();
}

}  // namespace switchboard::client
