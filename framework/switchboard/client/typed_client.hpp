#pragma once

/// Typed calls on a blocking client, one form for each kind of method: what generated clients are made of.
///
///     Echo::client echo{connection};
///     const auto reply = echo.say(request, client::within(1s));          // rpc::result<SayReply>
///     auto replies = echo.repeat(request);
///     for (const auto& each : replies.within(5s)) …                       // then replies.status()
///
/// Why        a method's tag names its types, so what is sent and what comes back is checked by the compiler; credit is
///            granted by the reader itself.
/// Threads    as blocking_client: one at a time, the connection and everything opened on it together.
/// Owns       each stream its call, which is cancelled where it is let go before its end.
/// Errors     statuses. A wait that is too long says DEADLINE_EXCEEDED and leaves the stream as it is: it may be waited
///            for again. The call's own deadline, stream_options::until, ends it.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <utility>

#include <switchboard/client/blocking_client.hpp>
#include <switchboard/rpc/method.hpp>
#include <switchboard/rpc/result.hpp>

namespace switchboard::client {

struct call_options {
  rpc::metadata metadata{};           ///< goes with the request
  rpc::metadata* trailing = nullptr;  ///< gets the answer's metadata, where it is asked for
};

struct stream_options {
  std::uint32_t window = 64;         ///< messages the server may send ahead of what is taken; at least 1
  deadline until = deadline::max();  ///< of the whole call; the server keeps it
  rpc::metadata metadata{};          ///< goes with the request
};

/// Reads the replies of a stream.
template <class Reply>
class reader {
public:
  /// @pre `from` was opened with `window` messages of credit
  reader(stream from, std::uint32_t window) : stream_(std::move(from)), window_(window) {}

  /// The next reply into `into`, or how the stream ended, or that nothing came.
  stream_step next(Reply& into, deadline until) {
    auto step = stream_.next(into, until);
    // By half windows, so that credit costs one frame for many messages.
    if (step.has_message() && ++taken_ >= window_ - window_ / 2) stream_.grant(std::exchange(taken_, 0));
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
  /// until() so long from now.
  range within(clock::duration span) { return until(client::within(span)); }

  /// How the stream ended, with the metadata that came with the end, or DEADLINE_EXCEEDED where the last wait was too
  /// long; OK while neither has happened.
  const rpc::status& status() const noexcept { return status_; }
  void cancel() { stream_.cancel(); }

protected:
  stream stream_;

private:
  std::uint32_t window_;
  std::uint32_t taken_ = 0;  // not granted again yet
  rpc::status status_;
};

/// Writes the requests of a stream, and gets the one reply to them.
template <class Request, class Reply>
class writer {
public:
  explicit writer(stream to) : stream_(std::move(to)) {}

  /// Waits for the server's credit, and sends. What it says is stream::send()'s; where the server has answered already,
  /// finish() has the reply.
  rpc::status send(const Request& message, deadline until) { return stream_.send(message, until); }
  /// Sends no more, and waits for the reply; `trailing` gets the metadata that comes with it.
  rpc::result<Reply> finish(deadline until, rpc::metadata* trailing = nullptr) {
    Reply reply;
    auto how = stream_.answer(reply, until);
    if (trailing) *trailing = how.trailing;
    if (!how.ok()) return how;
    return reply;
  }
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

/// One request, one reply.
template <class Tag>
rpc::result<typename Tag::reply_type> call(blocking_client& on, const typename Tag::request_type& request,
                                           deadline until, call_options options = {}) {
  typename Tag::reply_type reply;
  auto how = on.call(Tag::name, request, reply, until, std::move(options.metadata));
  if (options.trailing) *options.trailing = how.trailing;
  if (!how.ok()) return how;
  return reply;
}

/// One request, a stream of replies.
template <class Tag>
reader<typename Tag::reply_type> read(blocking_client& on, const typename Tag::request_type& request,
                                      stream_options options = {}) {
  const auto window = std::max<std::uint32_t>(options.window, 1);
  return {on.open(Tag::name, request,
                  {.credit = window,
                   .timeout_ms = timeout_ms(options.until),
                   .end = true,
                   .metadata = std::move(options.metadata)}),
          window};
}

/// A stream of requests, one reply.
template <class Tag>
writer<typename Tag::request_type, typename Tag::reply_type> write(blocking_client& on, stream_options options = {}) {
  return writer<typename Tag::request_type, typename Tag::reply_type>{
      on.open(Tag::name, {.timeout_ms = timeout_ms(options.until), .metadata = std::move(options.metadata)})};
}

/// A stream of requests, a stream of replies.
template <class Tag>
exchange<typename Tag::request_type, typename Tag::reply_type> exchange_of(blocking_client& on,
                                                                           stream_options options = {}) {
  const auto window = std::max<std::uint32_t>(options.window, 1);
  return {on.open(Tag::name,
                  {.credit = window, .timeout_ms = timeout_ms(options.until), .metadata = std::move(options.metadata)}),
          window};
}

}  // namespace switchboard::client
