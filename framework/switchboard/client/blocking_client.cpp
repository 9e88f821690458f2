#include <google/protobuf/message_lite.h>

#include <switchboard/client/blocking_client.hpp>
#include <switchboard/client/call_table.hpp>

namespace switchboard::client {
namespace {

bool parse(const std::string& bytes, google::protobuf::MessageLite& into) {
  return into.ParseFromString(bytes);
}

}  // namespace

stream::stream(std::shared_ptr<call_table> calls, std::uint64_t call) noexcept
    : calls_(std::move(calls)), call_(call) {}

stream& stream::operator=(stream&& other) noexcept {
  if (this != &other) {
    release();
    calls_ = std::move(other.calls_);
    call_ = other.call_;
  }
  return *this;
}

stream::~stream() {
  release();
}

void stream::release() {
  if (calls_) calls_->forget(call_);
  calls_.reset();
}

stream_step stream::next(google::protobuf::MessageLite& into, deadline until) {
  while (true) {
    auto* entry = calls_->find(call_);
    if (!entry->messages.empty()) {
      const std::string message = std::move(entry->messages.front());
      entry->messages.pop_front();
      entry->backlog -= message.size();
      if (parse(message, into)) return {stream_step::kind::message};
      calls_->cancel(call_, {rpc::code::internal, "a message of the server does not parse"});
      continue;
    }
    if (entry->end) return {stream_step::kind::ended, *entry->end};
    if (calls_->advance(until) == errc::timed_out) return {stream_step::kind::timed_out};
  }
}

bool stream::ready() const noexcept {
  const auto* entry = calls_->find(call_);
  return !entry->messages.empty() || entry->end;
}

void stream::grant(std::uint32_t messages) {
  calls_->grant(call_, messages);
}

rpc::status stream::send(const google::protobuf::MessageLite& message, deadline until) {
  while (true) {
    const auto* entry = calls_->find(call_);
    if (entry->end)
      return entry->end->ok() ? rpc::status{rpc::code::cancelled, "the server has answered and takes no more"}
                              : *entry->end;
    const bool crowded = calls_->channel().above_output_limit();
    if (entry->credit != 0 && !crowded) break;
    if ((crowded ? calls_->flush(until) : calls_->advance(until)) == errc::timed_out)
      return {rpc::code::deadline_exceeded,
              crowded ? "the server did not read in time" : "the server granted no credit in time"};
  }
  calls_->send(call_, message.SerializeAsString());
  return {};
}

void stream::finish() {
  calls_->finish(call_);
}

rpc::status stream::answer(google::protobuf::MessageLite& into, deadline until) {
  finish();
  const auto step = next(into, until);
  if (step.timed_out()) return {rpc::code::deadline_exceeded, "no answer in time"};
  if (step.ended()) {
    if (!step.status.ok()) return step.status;
    return {rpc::code::internal, "the server answered OK without a message"};
  }
  // A reply that a status follows is a failed call.
  const auto* entry = calls_->find(call_);
  return entry->end ? *entry->end : rpc::status{};
}

void stream::cancel() {
  calls_->cancel(call_, {rpc::code::cancelled, "cancelled by the client"});
}

error_or<blocking_client> blocking_client::connect(const net::endpoint& to, deadline until, channel_options options) {
  auto channel = frame_channel::connect(to, until, options);
  if (!channel) return channel.error();
  return blocking_client(std::move(*channel));
}

blocking_client::blocking_client(frame_channel channel) : calls_(std::make_shared<call_table>(std::move(channel))) {}

rpc::status blocking_client::call(std::string_view method, const google::protobuf::MessageLite& request,
                                  google::protobuf::MessageLite& reply, deadline until, rpc::metadata metadata) {
  return open(method, request, {.timeout_ms = timeout_ms(until), .end = true, .metadata = std::move(metadata)})
      .answer(reply, until);
}

stream blocking_client::open(std::string_view method, const google::protobuf::MessageLite& request,
                             open_options options) {
  return stream(calls_, calls_->open(method, request.SerializeAsString(), options));
}

stream blocking_client::open(std::string_view method, open_options options) {
  return stream(calls_, calls_->open(method, {}, options));
}

std::error_code blocking_client::flush(deadline until) {
  return calls_->flush(until);
}
std::error_code blocking_client::take_in() {
  const auto error = calls_->take_in();
  return error == errc::timed_out ? std::error_code{} : error;
}

std::error_code blocking_client::broken() const noexcept {
  return calls_->broken();
}
const std::optional<rpc::status>& blocking_client::connection_status() const noexcept {
  return calls_->connection_status();
}
std::size_t blocking_client::open_calls() const noexcept {
  return calls_->size();
}
frame_channel& blocking_client::channel() noexcept {
  return calls_->channel();
}

}  // namespace switchboard::client
