#include <google/protobuf/message_lite.h>

#include <switchboard/client/reply_inbox.hpp>
#include <switchboard/client/stream.hpp>
#include <switchboard/client/thread_driver.hpp>

namespace switchboard::client {
namespace {

/// What is there of a call, without a look at its connection.
stream_step take(thread_driver& driver, reply_inbox& inbox, std::uint64_t call, google::protobuf::MessageLite& into) {
  if (const auto message = inbox.take()) {
    if (into.ParseFromString(*message)) return {stream_step::kind::message};
    inbox.fail({rpc::code::internal, "a message of the server is not a " + into.GetTypeName()});
    driver.calls().cancel(call, *inbox.end());
    driver.push();
  }
  if (inbox.end()) return {stream_step::kind::ended, *inbox.end()};
  return {stream_step::kind::timed_out};
}

/// Gives a stream's messages to its handlers.
struct receiver {
  // The caller of run() holds them.
  thread_driver& driver;
  reply_inbox& inbox;
  std::uint64_t call;
  std::shared_ptr<google::protobuf::MessageLite> into;
  credit_window window;
  std::function<void()> on_message;
  std::function<void(const rpc::status&)> on_end;
  bool running = false;  // a handler of it: one that cancels the call leads back here

  void run() {
    if (std::exchange(running, true)) return;
    while (inbox.attended()) {
      const auto step = take(driver, inbox, call, *into);
      if (step.timed_out()) break;
      // The last that is called, and what it owns may lead back here: `running` stays.
      if (step.ended()) return on_end(step.status);
      driver.calls().grant(call, window.take());
      on_message();
    }
    running = false;
  }
};

}  // namespace

stream::stream(std::shared_ptr<thread_driver> driver, std::shared_ptr<reply_inbox> inbox, std::uint64_t call) noexcept
    : driver_(std::move(driver)), inbox_(std::move(inbox)), call_(call) {}

stream& stream::operator=(stream&& other) noexcept {
  if (this != &other) {
    release();
    driver_ = std::move(other.driver_);
    inbox_ = std::move(other.inbox_);
    call_ = other.call_;
  }
  return *this;
}

stream::~stream() {
  release();
}

void stream::release() {
  if (!driver_) return;
  inbox_->on_arrival(nullptr);
  cancel();
  driver_.reset();
  inbox_.reset();
}

stream_step stream::next(google::protobuf::MessageLite& into, deadline until) {
  auto step = take(*driver_, *inbox_, call_, into);
  // Not for longer, however much comes for other calls.
  for (bool late = false; step.timed_out() && !late; step = take(*driver_, *inbox_, call_, into))
    late = !driver_->advance(until) || clock::now() >= until;
  return step;
}

bool stream::ready() const noexcept {
  return inbox_->ready();
}

void stream::receive(std::shared_ptr<google::protobuf::MessageLite> into, credit_window window,
                     std::function<void()> on_message, std::function<void(const rpc::status&)> on_end) {
  auto made = std::make_shared<receiver>(
      receiver{*driver_, *inbox_, call_, std::move(into), window, std::move(on_message), std::move(on_end)});
  inbox_->on_arrival([made] { made->run(); });
  if (!inbox_->ready()) return;
  // Not from here: the caller may not have stored this stream yet.
  driver_->at(deadline::min(), [weak = std::weak_ptr{inbox_}] {
    if (const auto inbox = weak.lock()) inbox->notify();
  });
}

void stream::grant(std::uint32_t messages) {
  driver_->calls().grant(call_, messages);
  driver_->push();
}

rpc::status stream::send(const google::protobuf::MessageLite& message, deadline until) {
  const auto bytes = message.SerializeAsString();
  for (bool late = false;;) {
    const bool crowded = driver_->above_output_limit();
    if (!crowded && driver_->calls().send(call_, bytes) == rpc::call_effect::taken) break;
    if (const auto& end = inbox_->end())
      return end->ok() ? rpc::status{rpc::code::cancelled, "the server has answered and takes no more"} : *end;
    if (late)
      return {rpc::code::deadline_exceeded,
              crowded ? "the server did not read in time" : "the server granted no credit in time"};
    late = !driver_->advance(until) || clock::now() >= until;
  }
  driver_->push();
  return {};
}

bool stream::try_send(const google::protobuf::MessageLite& message) {
  if (driver_->above_output_limit()) return false;
  if (driver_->calls().send(call_, message.SerializeAsString()) != rpc::call_effect::taken) return false;
  driver_->push();
  return true;
}

void stream::finish() {
  driver_->calls().finish(call_);
  driver_->push();
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
  return inbox_->end().value_or(rpc::status{});
}

const rpc::metadata& stream::trailing() const noexcept {
  const auto& end = inbox_->end();
  return end ? end->trailing : rpc::no_metadata();
}

void stream::cancel() {
  if (inbox_->end()) return;
  inbox_->clear();
  driver_->calls().cancel(call_, {rpc::code::cancelled, "cancelled by the client"});
  driver_->push();
}

}  // namespace switchboard::client
