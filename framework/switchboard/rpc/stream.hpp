#pragma once

/// The handles of streams: what a service writes replies to and reads requests from, and the same between two actors of
/// one process.
///
/// Why        credit couples the ends. A writer without credit is refused and notified when to go on; a reader grants as it
///            handles messages. What waits in between is bounded.
/// Threads    a handle belongs to one actor at a time and may be moved to another in a message (rpc::passed).
/// Handlers   what a handle is given to call runs in the actor that gave it: the one whose handler is running, or
///            `self`. That actor has stream_turns() in its behavior (services have).
/// Errors     a stream's end carries a status. A call's outbound end that is destroyed before finish() ends the call with
///            INTERNAL, as any call does; a pipe's too.

#include <algorithm>
#include <concepts>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include <switchboard/rpc/call.hpp>
#include <switchboard/rpc/inbound_bytes.hpp>
#include <switchboard/rpc/inheritance.hpp>
#include <switchboard/rpc/outbound_bytes.hpp>
#include <switchboard/rpc/stream_end.hpp>
#include <switchboard/rpc/stream_queue.hpp>

namespace switchboard::rpc {

namespace detail {

/// Serves one message at a time from `produce` until it says false.
template <class Message>
class generator final : public source {
public:
  explicit generator(std::function<bool(Message&)> produce) : produce_(std::move(produce)) {}
  outcome next(payload& out) override {
    if (ended()) return outcome::end;
    message_.SerializeToString(&bytes_);
    produced_ = false;
    out = {bytes_, {}};
    return outcome::message;
  }
  bool ended() override {
    if (!produced_ && !ended_) {
      message_.Clear();
      produced_ = produce_(message_);
      ended_ = !produced_;
    }
    return ended_;
  }

private:
  std::function<bool(Message&)> produce_;
  Message message_;
  std::string bytes_;
  bool produced_ = false;  // message_ waits for its credit
  bool ended_ = false;
};

}  // namespace detail

/// Writes the messages of a stream.
///
/// Two forms: send() one message at a time, refused without credit, or follow() a source, which is drawn as credit
/// allows.
template <class Message>
class outbound : public outbound_bytes {
public:
  using outbound_bytes::outbound_bytes;

  /// Hands over one message. False: not taken, because the reader has granted no more, or enough waits already, or the
  /// stream has ended(); the function given to on_ready() is called when to try again.
  bool send(const Message& message) {
    if (!ask_room()) return false;
    message.SerializeToString(&bytes_);
    return push(bytes_);
  }
  /// Asks `next` for one message at a time, on the connection's thread, as credit allows; false from it ends the
  /// stream.
  void generate(std::function<bool(Message&)> next) {
    follow(std::make_shared<detail::generator<Message>>(std::move(next)));
  }

private:
  std::string bytes_;
};

/// A stream that is being read.
class reading {
public:
  reading() = default;
  explicit reading(std::weak_ptr<stream_end> reader) noexcept : reader_(std::move(reader)) {}
  /// Reads no more: the handlers are destroyed without another call, and a pipe's writer finds its stream ended.
  void cancel() noexcept {
    if (const auto reader = reader_.lock()) reader->drop();
  }

private:
  std::weak_ptr<stream_end> reader_;
};

/// Reads the messages of a stream.
template <class Message>
class inbound {
public:
  /// Messages granted ahead of what is handled.
  static constexpr std::uint32_t default_window = 32;

  inbound() = default;
  /// A call's stream of requests.
  inbound(call_context call, std::shared_ptr<source> from) : bytes_(std::move(call), std::move(from)) {}
  /// A pipe's.
  explicit inbound(std::shared_ptr<source> from) : bytes_({}, std::move(from)) {}

  explicit operator bool() const noexcept { return static_cast<bool>(bytes_); }
  /// The call that this stream is part of. @pre of a call, not of a pipe
  const call_context& context() const noexcept { return bytes_.context(); }
  /// The stream as it is, to be passed on unparsed.
  inbound_bytes take_bytes() && { return std::move(bytes_); }

  /// Has `on_message(Message&)` called for each message and then `on_end(const status&)`, once: OK where the writer
  /// finished, else why there is no more (CANCELLED, DEADLINE_EXCEEDED, INVALID_ARGUMENT for what does not parse).
  /// Grants `window` messages ahead. Both handlers are destroyed after the end.
  template <class OnMessage, class OnEnd>
  reading receive(caf::local_actor* self, OnMessage on_message, OnEnd on_end, std::uint32_t window = default_window) {
    using reader_type = reader<OnMessage, OnEnd>;
    auto made = std::make_shared<reader_type>(std::move(bytes_), std::move(on_message), std::move(on_end), window);
    made->start(detail::waker_of(self, made));
    return reading{made};
  }
  template <class OnMessage, class OnEnd>
  requires std::invocable<OnMessage&, Message&> reading receive(OnMessage on_message, OnEnd on_end,
                                                                std::uint32_t window = default_window) {
    return receive(detail::running_actor(), std::move(on_message), std::move(on_end), window);
  }

private:
  template <class OnMessage, class OnEnd>
  class reader final : public stream_end {
  public:
    reader(inbound_bytes from, OnMessage on_message, OnEnd on_end, std::uint32_t window)
        : from_(std::move(from)),
          handlers_(std::make_shared<handlers>(std::move(on_message), std::move(on_end))),
          window_(std::max<std::uint32_t>(window, 1)) {}

    void start(waker self) {
      self_ = self;
      from_.attach(std::move(self));
      from_.grant(window_, 0);
      // What came before the reader did is handled in a turn of its own.
      self_.wake(current_context());
    }

    void turn(caf::execution_unit* context) override {
      const call_scope on_behalf{from_.context()};
      std::size_t bytes = 0;
      payload arrived;
      // A handler may destroy the stream that it is called for.
      const auto running = handlers_;
      for (std::uint32_t taken = 0; handlers_ && taken < messages_per_turn; ++taken) {
        const auto outcome = from_.next(arrived);
        if (outcome == source::outcome::wait) return give_back(bytes);
        if (outcome == source::outcome::end) {
          give_back(bytes);
          const auto how = from_.result();
          return end(how);
        }
        ++handled_;
        bytes += arrived.bytes.size();
        message_.Clear();
        if (!message_.ParseFromArray(arrived.bytes.data(), static_cast<int>(arrived.bytes.size())))
          return refuse({code::invalid_argument, "a message of the stream is not a " + message_.GetTypeName()});
        running->on_message(message_);
      }
      if (!handlers_) return;
      give_back(bytes);
      self_.wake(context);
    }

    void drop() noexcept override { let_go(); }

  private:
    struct handlers {
      handlers(OnMessage message, OnEnd end) : on_message(std::move(message)), on_end(std::move(end)) {}
      OnMessage on_message;
      OnEnd on_end;
    };
    /// Handled before others get their turn.
    static constexpr std::uint32_t messages_per_turn = 256;

    /// Bytes at once, because they count against the connection; credit by half windows.
    void give_back(std::size_t bytes) {
      const auto messages = handled_ >= (window_ + 1) / 2 ? std::exchange(handled_, 0) : 0;
      from_.grant(messages, bytes);
    }
    void end(const status& how) {
      const auto last = std::move(handlers_);
      let_go();
      last->on_end(how);
    }
    void refuse(status why) {
      if (from_.of_call()) call_handle{from_.context()}.fail(why);
      end(why);
    }
    void let_go() noexcept {
      // Emptied before it is destroyed: what the handlers own may lead back here.
      const auto gone = std::move(handlers_);
      from_ = {};
      self_ = {};
    }

    inbound_bytes from_;
    std::shared_ptr<handlers> handlers_;
    const std::uint32_t window_;
    std::uint32_t handled_ = 0;  // not granted again yet
    Message message_;
    waker self_;
  };

  inbound_bytes bytes_;
};

/// Both ends of a stream between two actors of this process.
template <class Message>
struct stream_pipe {
  outbound<Message> out;
  inbound<Message> in;
};
template <class Message>
stream_pipe<Message> make_pipe() {
  auto queue = std::make_shared<stream_queue>(0);
  return {outbound<Message>{queue}, inbound<Message>{queue}};
}

}  // namespace switchboard::rpc
