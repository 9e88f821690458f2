#include <algorithm>
#include <array>

#include <caf/actor_system.hpp>
#include <caf/mailbox_element.hpp>

#include <switchboard/client/peer_frames.hpp>
#include <switchboard/client/remote_connection.hpp>
#include <switchboard/client/remote_handle.hpp>
#include <switchboard/rpc/actor_scope.hpp>
#include <switchboard/wire/frame_encoder.hpp>

namespace switchboard::client {
namespace {

using notify::event;
using notify::interest;
using rpc::code;

/// What an opening frame has besides method and message, at most.
constexpr std::size_t opening_overhead = 64;

/// A dialer: an actor with a thread of its own, for the look-up blocks. It has said all when it has started.
void look_up_and_connect(caf::event_based_actor*, const caf::strong_actor_ptr& for_whom, net::network* network,
                         const net::endpoint& to, std::uint64_t attempt) {
  for_whom->enqueue(
      caf::make_mailbox_element(nullptr, caf::make_message_id(), {}, dialed{attempt, network->connect(to)}), nullptr);
}

}  // namespace

remote_connection::remote_connection(caf::actor_config& config, std::shared_ptr<notification_pump> pump,
                                     net::endpoint to, remote_options options, methods of_service)
    : caf::event_based_actor(config),
      pump_(std::move(pump)),
      to_(std::move(to)),
      options_(std::move(options)),
      of_service_(std::move(of_service)),
      decoder_(options_.frame_bytes_max) {}

// state       next        when
// resting     dialing     the beginning, or the pause is over
// dialing     connecting  a connection is being made
// connecting  open        it is made
// any above   closing     it broke, it could not be made, it took too long, shut_down
// closing     resting     the socket is closed, and another attempt follows
// closing     closed      the socket is closed, and none does
void remote_connection::transition(state next) {
  const bool legal =
      (state_ == state::resting && next == state::dialing) || (state_ == state::dialing && next == state::connecting) ||
      (state_ == state::connecting && next == state::open) || (state_ < state::closing && next == state::closing) ||
      (state_ == state::closing && (next == state::resting || next == state::closed));
  SWITCHBOARD_INVARIANT(legal, "a remote connection made a transition that its table does not have");
  state_ = next;
}

caf::behavior remote_connection::make_behavior() {
  methods_ = of_service_(*this);
  // The methods, by far the most frequent, come first.
  return methods_.or_else(
      [this](inherited& call) {
        const rpc::deadline_scope until{call.until};
        const rpc::metadata_scope carrying{std::move(call.metadata)};
        (void)methods_(call.call);
      },
      [this](const socket_ready& ready) { on_ready(ready); },
      [this](const rpc::stream_ready& ready) {
        draw_requests(ready.call);
        settle();
      },
      [this](const replies_wanted& more) {
        on_wanted(more.call);
        settle();
      },
      [this](const flush_output&) {
        flush_queued_ = false;
        settle();
      },
      [this](const replies_unwanted& no_more) {
        cancel(no_more.call, {code::cancelled, "nobody reads the replies"});
        settle();
      },
      [this](const deadline_expired& expired) {
        on_deadline(expired);
        settle();
      },
      [this](dialed& result) {
        if (state_ == state::dialing && result.attempt == attempt_) on_dialed(result.connection.take());
      },
      [this](const registration_closed&) {
        if (state_ == state::closing) finish_close();
      },
      [this](const begin_connecting& begin) {
        handle_ = begin.handle;
        dial();
      },
      [this](const shut_down& end) { on_shut_down(end.why); },
      [this](const abandoned&) {
        abandoned_ = true;
        if (state_ == state::closed) quit();
      });
}

template <class Message>
void remote_connection::tell_self(Message message) {
  enqueue(caf::make_mailbox_element(nullptr, caf::make_message_id(), {}, std::move(message)), context());
}

// -- the connection -------------------------------------------------------------------------------------------------

void remote_connection::dial() {
  transition(state::dialing);
  ++attempt_;
  set_own_deadline(pump_->now() + options_.connect_timeout);
  auto& network = options_.network ? *options_.network : net::system_network();
  if (!to_.needs_lookup()) return on_dialed(network.connect(to_));
  system().spawn<caf::detached>(look_up_and_connect, self_ptr(), &network, to_, attempt_);
}

void remote_connection::on_dialed(error_or<std::unique_ptr<net::transport>> connection) {
  if (!connection) return lose({code::unavailable, to_.to_string() + ": " + connection.error().message()});
  transport_ = std::move(*connection);
  const auto opened = pump_->open(transport_->handle(), self_ptr(), interest::out);
  if (!opened) return lose({code::unavailable, "no registration for the connection: " + opened.error().message()});
  registration_ = *opened;
  armed_ = true;
  armed_for_ = interest::out;
  transition(state::connecting);
}

void remote_connection::on_connected() {
  transition(state::open);
  cancel_own_deadline();
  broken_ = false;
  std::vector<std::uint64_t> waiting;
  for (const auto& [number, call] : calls_) waiting.push_back(number);
  for (const auto number : waiting) {
    send_opening(calls_.at(number));
    draw_requests(number);
  }
}

/// The end of a connection, or of the attempt to make one.
void remote_connection::lose(rpc::status why) {
  transition(state::closing);
  cancel_own_deadline();
  broken_ = true;
  if (!ended_ && !options_.reconnect) end_for_good(why);
  const bool wait_for_next = !ended_ && options_.wait_for_connection;
  end_calls(why, [&](const open_call& call) { return call.sent || !wait_for_next; });
  output_.clear();
  decoder_ = wire::frame_decoder(options_.frame_bytes_max);
  write_blocked_ = false;
  stalled_ = false;
  armed_ = false;
  // After the pump's end there is no REMOVE event to wait for, nor anybody who could still hold a packet.
  if (registration_ == registration_id::none || pump_->remove(registration_)) finish_close();
}

void remote_connection::finish_close() {
  registration_ = registration_id::none;
  transport_ = nullptr;
  if (!ended_) {
    set_own_deadline(pump_->now() + options_.reconnect->next());
    if (own_deadline_ != deadline_id::none) return transition(state::resting);
    end_for_good({code::unavailable, "the pump has ended"});
    end_calls(*ended_, [](const open_call&) { return true; });
  }
  transition(state::closed);
  if (abandoned_) quit();
}

/// No connection will be made any more; who monitors the handle is told.
void remote_connection::end_for_good(rpc::status why) {
  ended_ = std::move(why);
  if (const auto handle = handle_.lock())
    static_cast<remote_handle*>(handle->get())->cleanup(rpc::to_error(*ended_), context());
}

void remote_connection::on_shut_down(const rpc::status& why) {
  if (ended_) return;
  ended_ = why;
  // What was sent without waiting for an answer still leaves, if it can at once.
  if (state_ == state::open) write();
  if (state_ < state::closing) return lose(why);
  end_calls(why, [](const open_call&) { return true; });
}

void remote_connection::set_own_deadline(notification_pump::clock::time_point at) {
  cancel_own_deadline();
  own_deadline_ = pump_->schedule(at, self_ptr(), own_deadline_tag_ += 2);
}

void remote_connection::cancel_own_deadline() {
  if (own_deadline_ == deadline_id::none) return;
  pump_->cancel(std::exchange(own_deadline_, deadline_id::none));
  own_deadline_tag_ += 2;
}

void remote_connection::on_exit() {
  // Only a fault of ours ends the actor before its registration: the slot then keeps it, and with it the socket, until
  // the REMOVE event (N50).
  if (state_ == state::closed) return;
  cancel_own_deadline();
  if (!ended_) end_for_good({code::unavailable, "the remote actor failed"});
  end_calls(*ended_, [](const open_call&) { return true; });
  if (registration_ != registration_id::none) (void)pump_->remove(registration_);
}

// -- input ----------------------------------------------------------------------------------------------------------

void remote_connection::on_ready(const socket_ready& ready) {
  const bool expected = state_ == state::connecting || state_ == state::open;
  if (!expected || !armed_ || ready.registration != registration_) return;
  armed_ = false;
  if (has(ready.events, event::err) || state_ == state::connecting)
    if (const auto error = transport_->pending_error())
      return lose({code::unavailable, to_.to_string() + ": " + error.message()});
  if (has(ready.events, event::out)) {
    write_blocked_ = false;
    if (state_ == state::connecting) on_connected();
  }
  if (state_ == state::open) read_chunk();
  settle();
}

void remote_connection::read_chunk() {
  alignas(64) static thread_local std::array<std::byte, chunk_bytes> chunk;
  const auto read = transport_->read(chunk);
  if (read.outcome == net::io_outcome::would_block) return;
  if (read.outcome == net::io_outcome::end_of_stream)
    return lose({code::unavailable, "the server closed the connection"});
  if (read.outcome == net::io_outcome::failed) return lose({code::unavailable, read.error.message()});
  const rpc::actor_scope scope{this};
  decoder_.feed(std::span{chunk}.first(read.bytes));
  wire::frame_view frame;
  while (state_ == state::open) {
    const auto outcome = decoder_.next(frame);
    if (outcome == wire::frame_decoder::outcome::need_more) return;
    if (outcome == wire::frame_decoder::outcome::frame) {
      on_frame(frame);
      continue;
    }
    const auto error = decoder_.error();
    if (const auto last_word = farewell_for(error)) {
      wire::append_status(output_.tail(), 0, static_cast<int>(last_word->code), last_word->message);
      (void)output_.write(*transport_);
    }
    return lose({code::unavailable, error.message()});
  }
}

void remote_connection::on_frame(const wire::frame_view& frame) {
  // A server that says something is there; one that accepts and closes again is not.
  if (options_.reconnect) options_.reconnect->reset();
  if (frame.call == 0) {
    if (frame.has_status) lose(ended_by_server(status_of(frame)));
    return;
  }
  if (!frame.method.empty() && frame.call % 2 == 0) return refuse_call(output_.tail(), frame);
  const auto found = calls_.find(frame.call);
  if (found == calls_.end() || !found->second.sent) return;
  auto& call = found->second;
  if (frame.has_message) {
    const auto taken = call.what.replies->take(frame.message, context());
    if (!taken.ok()) return cancel(frame.call, taken);
  }
  if (frame.has_status) return end_call(frame.call, status_of(frame));
  if (frame.end) {
    // The call ends when both sides have ended.
    if (!call.requests_ended) wire::append_end(output_.tail(), frame.call);
    return end_call(frame.call, {code::ok, {}, rpc::metadata{frame.metadata}});
  }
  if (frame.credit > 0 && call.what.requests) {
    call.credit = std::min<std::uint64_t>(call.credit + frame.credit, rpc::stream_queue::credit_max);
    call.what.requests.grant(frame.credit, 0);
    draw_requests(frame.call);
  }
}

void remote_connection::on_deadline(const deadline_expired& expired) {
  if (expired.tag % 2 != 0) {
    if (const auto found = calls_.find(expired.tag); found != calls_.end()) {
      found->second.deadline_at_pump = deadline_id::none;
      cancel(expired.tag, {code::deadline_exceeded, "the deadline passed"});
    }
    return;
  }
  if (expired.tag != own_deadline_tag_) return;
  own_deadline_ = deadline_id::none;
  if (state_ == state::resting)
    dial();
  else
    lose({code::unavailable, to_.to_string() + ": no connection in time"});
}

// -- calls ----------------------------------------------------------------------------------------------------------

void remote_connection::open(remote_call what) {
  open_call call{.what = std::move(what), .deadline = rpc::current_deadline(), .metadata = rpc::current_metadata()};
  if (call.what.unary && options_.timeout.count() > 0)
    call.deadline = std::min(call.deadline, pump_->now() + options_.timeout);
  if (const auto verdict = admit(call); !verdict.ok()) return call.what.replies->end(verdict, context());
  const auto number = call.what.number;
  if (call.deadline != rpc::time_point::max())
    call.deadline_at_pump = pump_->schedule(call.deadline, self_ptr(), number);
  waiting_bytes_ += call.waiting_bytes();
  auto& opened = calls_.emplace(number, std::move(call)).first->second;
  if (opened.what.requests) opened.what.requests.attach(rpc::waker{self_ptr(), number});
  if (state_ == state::open) {
    send_opening(opened);
    draw_requests(number);
    settle();
  }
}

rpc::status remote_connection::admit(const open_call& call) const {
  if (ended_) return *ended_;
  if (broken_ && state_ != state::open && !options_.wait_for_connection)
    return {code::unavailable, "there is no connection to " + to_.to_string()};
  if (call.deadline <= pump_->now()) return {code::deadline_exceeded, "the deadline passed before the call"};
  if (calls_.size() >= options_.open_calls_max)
    return {code::resource_exhausted,
            "more than " + std::to_string(options_.open_calls_max) + " calls are open to " + to_.to_string()};
  const auto size = call.waiting_bytes();
  if (call.what.method.size() + size + opening_overhead > options_.frame_bytes_max)
    return {code::resource_exhausted, "the request of " + std::to_string(size) + " bytes is above the frame limit of " +
                                          std::to_string(options_.frame_bytes_max)};
  if (output_.size() + waiting_bytes_ + size > options_.output_bytes_max)
    return {code::resource_exhausted, "too much waits for " + to_.to_string() + " to read it"};
  return {};
}

void remote_connection::send_opening(open_call& call) {
  auto& what = call.what;
  call.sent = true;
  call.requests_ended = !what.requests;
  auto& out = output_.tail();
  const auto begin = out.size();
  wire::append_open(out, what.number, what.method, what.request, call.requests_ended, what.replies->take_credit(),
                    timeout_ms(call.deadline, pump_->now()));
  wire::add_metadata(out, begin, call.metadata.fields());
  waiting_bytes_ -= call.waiting_bytes();
  std::string{}.swap(what.request);
  call.metadata = {};
}

void remote_connection::on_wanted(std::uint64_t number) {
  const auto found = calls_.find(number);
  // A call that is not sent takes its credit along with its opening frame.
  if (found == calls_.end() || !found->second.sent) return;
  if (const auto credit = found->second.what.replies->take_credit(); credit > 0)
    wire::append_credit(output_.tail(), number, credit);
}

void remote_connection::draw_requests(std::uint64_t number) {
  const auto found = calls_.find(number);
  if (found == calls_.end() || !found->second.sent || !found->second.what.requests) return;
  const rpc::actor_scope scope{this};
  auto& call = found->second;
  auto& requests = call.what.requests;
  for (std::size_t taken = 0;; ++taken) {
    const bool crowded = output_.size() >= options_.output_high_bytes;
    if (call.credit == 0 || crowded) {
      if (requests.ended()) break;
      stalled_ = stalled_ || crowded;
      return;
    }
    if (taken == turn_messages_max) return tell_self(rpc::stream_ready{number});
    rpc::payload message;
    const auto outcome = requests.next(message);
    if (outcome == rpc::source::outcome::wait) return;
    if (outcome == rpc::source::outcome::end) break;
    if (wire::message_frame_size(number, message.bytes.size(), false) > options_.frame_bytes_max)
      return cancel(number, {code::resource_exhausted, "a message of the stream is above the frame limit"});
    wire::append_message(output_.tail(), number, message.bytes, false);
    --call.credit;
    requests.grant(0, message.bytes.size());
  }
  end_requests(call);
}

void remote_connection::end_requests(open_call& call) {
  const auto how = call.what.requests.result();
  call.what.requests = {};
  if (!how.ok()) return cancel(call.what.number, how);
  call.requests_ended = true;
  wire::append_end(output_.tail(), call.what.number);
}

/// Ends a call that the server may still work on.
void remote_connection::cancel(std::uint64_t number, const rpc::status& how) {
  const auto found = calls_.find(number);
  if (found == calls_.end()) return;
  if (found->second.sent) wire::append_status(output_.tail(), number, static_cast<int>(code::cancelled), how.message);
  end_call(number, how);
}

void remote_connection::end_call(std::uint64_t number, const rpc::status& how) {
  auto node = calls_.extract(number);
  auto& call = node.mapped();
  if (call.deadline_at_pump != deadline_id::none) pump_->cancel(call.deadline_at_pump);
  if (!call.sent) waiting_bytes_ -= call.waiting_bytes();
  // Who writes the requests finds the stream ended.
  call.what.requests = {};
  call.what.replies->end(how, context());
}

template <class Choose>
void remote_connection::end_calls(const rpc::status& how, Choose&& choose) {
  std::vector<std::uint64_t> chosen;
  for (const auto& [number, call] : calls_)
    if (choose(call)) chosen.push_back(number);
  for (const auto number : chosen) end_call(number, how);
}

// -- output ---------------------------------------------------------------------------------------------------------

/// The end of every handler that may have queued something: writes once the mailbox is empty, so that what came
/// together leaves together, and re-arms.
void remote_connection::settle() {
  if (state_ == state::open && !output_.empty()) {
    if (!write_blocked_ && mailbox().empty()) {
      write();
    } else if (!write_blocked_ && !flush_queued_) {
      flush_queued_ = true;
      tell_self(flush_output{});
    } else if (output_.size() > 2 * options_.output_bytes_max) {
      lose({code::unavailable, "the server does not read"});
    }
  }
  rearm();
}

void remote_connection::write() {
  const auto written = output_.write(*transport_);
  if (written.outcome == net::io_outcome::failed) return lose({code::unavailable, written.error.message()});
  write_blocked_ = written.outcome == net::io_outcome::would_block;
  if (!stalled_ || output_.size() > options_.output_low_bytes) return;
  stalled_ = false;
  for (const auto& [number, call] : calls_)
    if (call.what.requests) tell_self(rpc::stream_ready{number});
}

void remote_connection::rearm() {
  if (state_ != state::connecting && state_ != state::open) return;
  auto filter = state_ == state::connecting ? interest::out : interest::in;
  if (write_blocked_) filter |= interest::out;
  if (armed_ && (filter & armed_for_) == filter) return;
  if (const auto error = pump_->arm(registration_, filter))
    return lose({code::unavailable, "the connection cannot be waited for: " + error.message()});
  armed_ = true;
  armed_for_ = filter;
}

}  // namespace switchboard::client
