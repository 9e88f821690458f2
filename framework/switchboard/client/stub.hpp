#pragma once

/// Typed calls on a channel, one form for each kind of method: what generated stubs are made of.
///
///     Echo::stub echo{channel};
///     const auto reply = echo.say(request, client::within(1s)).get();    // rpc::result<SayReply>
///     auto replies = echo.repeat(request);
///     for (const auto& each : replies.within(5s)) …                       // then replies.status()
///
/// Why        a method's tag names its types, so what is sent and what comes back is checked by the compiler; credit is
///            granted by the reader itself.
/// Blocking   opening a call does not wait. What comes of it is either waited for (get(), next(), a range: they drive the
///            channel), or given to handlers (then(), receive()) while the thread drives the channel. A handler may open
///            calls and drop its own; it must not wait.
/// Threads    as the channel: one at a time, the channel and everything opened on it together.
/// Owns       each object its call, which is cancelled if the object is destroyed before the end, its handlers with it.
/// Errors     statuses. A wait that is too long says DEADLINE_EXCEEDED and leaves a stream as it is: it may be waited
///            for again. The call's own deadline, call_options::until, ends it.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <utility>

#include <switchboard/client/channel.hpp>
#include <switchboard/client/credit_window.hpp>
#include <switchboard/rpc/method.hpp>
#include <switchboard/rpc/result.hpp>

namespace switchboard::client {

struct call_options {
  std::uint32_t window = 64;         ///< replies the server may send ahead of what is taken, at least 1
  deadline until = deadline::max();  ///< of the whole call; the server keeps it too
  rpc::metadata metadata{};          ///< goes with the request
};

/// One request, one reply that is to come.
template <class Reply>
class pending_reply {
public:
  pending_reply() = default;
  explicit pending_reply(stream of) : stream_(std::move(of)) {}

  explicit operator bool() const noexcept { return static_cast<bool>(stream_); }
  bool ready() const noexcept { return stream_.ready(); }
  /// Waits for the reply, no longer than the call's deadline.
  rpc::result<Reply> get() { return get(deadline::max()); }
  /// No longer than until then: DEADLINE_EXCEEDED, and the call goes on.
  rpc::result<Reply> get(deadline until) {
    Reply reply;
    if (auto how = stream_.answer(reply, until); !how.ok()) return how;
    return reply;
  }
  /// The metadata that came with the reply, or with the failure.
  const rpc::metadata& trailing() const noexcept { return stream_.trailing(); }
  /// Has `handler` called with the reply, or with why there is none, once.
  void then(std::function<void(rpc::result<Reply>)> handler) {
    auto reply = std::make_shared<Reply>();
    auto came = std::make_shared<bool>(false);
    stream_.receive(
        reply, credit_window{1}, [came] { *came = true; },
        [=, handler = std::move(handler)](const rpc::status& how) {
          if (!how.ok()) return handler(how);
          if (!*came) return handler(rpc::status{rpc::code::internal, "the server answered OK without a message"});
          handler(std::move(*reply));
        });
  }

private:
  stream stream_;
};

/// Reads the replies of a stream.
template <class Reply>
class reader {
public:
  reader() = default;
  /// @pre `from` was opened with a window of credit
  reader(stream from, credit_window window) : stream_(std::move(from)), window_(window) {}

  explicit operator bool() const noexcept { return static_cast<bool>(stream_); }
  /// Whether next() has something to return at once.
  bool ready() const noexcept { return stream_.ready(); }

  /// The next reply into `into`, or how the stream ended, or that nothing came.
  stream_step next(Reply& into, deadline until) {
    auto step = stream_.next(into, until);
    if (step.has_message()) stream_.grant(window_.take());
    if (step.ended())
      status_ = step.status;
    else if (step.timed_out())
      status_ = {rpc::code::deadline_exceeded, "nothing came in time"};
    return step;
  }

  /// What comes until `when`, or until the stream's end: for a range-based for. A reply is good until the next.
  class range {
  public:
    class iterator {
    public:
      using iterator_category = std::input_iterator_tag;
      using value_type = Reply;
      using difference_type = std::ptrdiff_t;

      explicit iterator(range& in) : in_(&in) { ++*this; }
      Reply& operator*() const { return in_->current_; }
      Reply* operator->() const { return &in_->current_; }
      iterator& operator++() {
        if (!in_->from_.next(in_->current_, in_->until_).has_message()) in_ = nullptr;
        return *this;
      }
      void operator++(int) { ++*this; }
      friend bool operator==(const iterator& at, std::default_sentinel_t) { return at.in_ == nullptr; }

    private:
      range* in_;
    };

    range(reader& from, deadline until) : from_(from), until_(until) {}
    iterator begin() { return iterator{*this}; }
    std::default_sentinel_t end() const { return {}; }

  private:
    reader& from_;
    const deadline until_;
    Reply current_;
  };
  range until(deadline when) { return {*this, when}; }
  /// until() with the moment that is `span` from now.
  range within(clock::duration span) { return until(client::within(span)); }

  /// Has `on_message` called with each reply as it comes, and then `on_end`, once. Instead of next().
  void receive(std::function<void(Reply&)> on_message, std::function<void(const rpc::status&)> on_end) {
    auto reply = std::make_shared<Reply>();
    stream_.receive(
        reply, window_, [reply, on_message = std::move(on_message)] { on_message(*reply); }, std::move(on_end));
  }

  /// How the stream ended, with the metadata that came with the end, or DEADLINE_EXCEEDED where the last wait was too
  /// long; OK while neither has happened.
  const rpc::status& status() const noexcept { return status_; }
  void cancel() { stream_.cancel(); }

protected:
  stream stream_;

private:
  credit_window window_{1};
  rpc::status status_;
};

/// Writes the requests of a stream, and gets the one reply to them.
template <class Request, class Reply>
class writer {
public:
  writer() = default;
  explicit writer(stream to) : stream_(std::move(to)) {}

  /// Waits for the server's credit, and sends. What it says is stream::send()'s; where the server has answered already,
  /// finish() has the reply.
  rpc::status send(const Request& message, deadline until) { return stream_.send(message, until); }
  /// Sends no more, and waits for the reply.
  rpc::result<Reply> finish(deadline until) {
    Reply reply;
    if (auto how = stream_.answer(reply, until); !how.ok()) return how;
    return reply;
  }
  /// The metadata that came with the reply, or with the failure.
  const rpc::metadata& trailing() const noexcept { return stream_.trailing(); }
  void cancel() { stream_.cancel(); }

private:
  stream stream_;
};

/// Streams both ways: a reader that also sends.
template <class Request, class Reply>
class exchange : public reader<Reply> {
public:
  using reader<Reply>::reader;

  /// As writer::send(); what the server sends meanwhile is kept for next().
  rpc::status send(const Request& message, deadline until) { return this->stream_.send(message, until); }
  /// Sends no more; replies may go on.
  void finish() { this->stream_.finish(); }
};

/// The method as its tag names it.
template <class Tag>
constexpr method_name method_of() noexcept {
  return {Tag::name, Tag::kind};
}

/// One request, one reply.
template <class Tag>
pending_reply<typename Tag::reply_type> call(channel& on, const typename Tag::request_type& request, deadline until,
                                             rpc::metadata metadata = {}) {
  return pending_reply<typename Tag::reply_type>{
      on.open(method_of<Tag>(), request, {.until = until, .metadata = std::move(metadata)})};
}

/// One request, a stream of replies.
template <class Tag>
reader<typename Tag::reply_type> read(channel& on, const typename Tag::request_type& request,
                                      call_options options = {}) {
  const credit_window window{options.window};
  return {on.open(method_of<Tag>(), request,
                  {.credit = window.messages(), .until = options.until, .metadata = std::move(options.metadata)}),
          window};
}

/// A stream of requests, one reply.
template <class Tag>
writer<typename Tag::request_type, typename Tag::reply_type> write(channel& on, call_options options = {}) {
  return writer<typename Tag::request_type, typename Tag::reply_type>{
      on.open(method_of<Tag>(), {.until = options.until, .metadata = std::move(options.metadata)})};
}

/// A stream of requests, a stream of replies.
template <class Tag>
exchange<typename Tag::request_type, typename Tag::reply_type> exchange_of(channel& on, call_options options = {}) {
  const credit_window window{options.window};
  return {on.open(method_of<Tag>(),
                  {.credit = window.messages(), .until = options.until, .metadata = std::move(options.metadata)}),
          window};
}

}  // namespace switchboard::client
