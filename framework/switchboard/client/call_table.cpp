#include <algorithm>
#include <limits>
#include <utility>

#include <switchboard/client/blocking_client.hpp>
#include <switchboard/client/call_table.hpp>
#include <switchboard/client/peer_frames.hpp>
#include <switchboard/wire/frame_encoder.hpp>

namespace switchboard::client {
std::uint64_t call_table::open(std::string_view method, std::string_view request, const open_options& options) {
  // Clients pick odd numbers, each above the last.
  last_call_ = last_call_ == 0 ? 1 : last_call_ + 2;
  auto& made = calls_[last_call_];
  made.finished = options.end;
  if (broken_) {
    end(made, {rpc::code::unavailable, broken_.message()});
  } else if (connection_status_) {
    end(made, ended_by_server(*connection_status_));
  } else if (channel_.above_output_limit()) {
    end(made, {rpc::code::resource_exhausted, "the server reads too slowly: the output limit is reached"});
  } else {
    auto& out = channel_.output();
    const auto begin = out.size();
    wire::append_open(out, last_call_, method, request, options.end, options.credit, options.timeout_ms);
    wire::add_metadata(out, begin, options.metadata.fields());
    send_queued();
  }
  return last_call_;
}

call_table::open_call* call_table::find(std::uint64_t call) {
  const auto found = calls_.find(call);
  return found == calls_.end() ? nullptr : &found->second;
}

void call_table::forget(std::uint64_t call) {
  cancel(call, {rpc::code::cancelled, {}});
  // Where only the server has ended, this side has to as well.
  if (auto* entry = find(call); entry && entry->end->ok() && !entry->finished) {
    wire::append_end(channel_.output(), call);
    send_queued();
  }
  calls_.erase(call);
}

void call_table::cancel(std::uint64_t call, rpc::status how) {
  auto* entry = find(call);
  if (!entry || entry->end) return;
  withdraw(call, *entry, std::move(how));
  send_queued();
}

void call_table::withdraw(std::uint64_t call, open_call& from, rpc::status how) {
  wire::append_status(channel_.output(), call, static_cast<int>(rpc::code::cancelled), how.message);
  from.messages.clear();
  from.backlog = 0;
  end(from, std::move(how));
}

void call_table::grant(std::uint64_t call, std::uint32_t messages) {
  auto* entry = find(call);
  if (!entry || entry->end || messages == 0) return;
  wire::append_credit(channel_.output(), call, messages);
  send_queued();
}

void call_table::send(std::uint64_t call, std::string_view message) {
  auto* entry = find(call);
  if (!entry || entry->end || entry->credit == 0) return;
  --entry->credit;
  wire::append_message(channel_.output(), call, message, false);
  send_queued();
}

void call_table::finish(std::uint64_t call) {
  auto* entry = find(call);
  if (!entry || entry->end || std::exchange(entry->finished, true)) return;
  wire::append_end(channel_.output(), call);
  send_queued();
}

void call_table::send_queued() {
  if (!broken_) (void)exchange(no_wait, until_sent);
}

std::error_code call_table::advance(deadline until) {
  return broken_ ? broken_ : exchange(until, until_frame);
}

std::error_code call_table::flush(deadline until) {
  return broken_ ? broken_ : exchange(until, until_sent);
}

std::error_code call_table::take_in() {
  return broken_ ? broken_ : exchange(no_wait, until_drained);
}

std::error_code call_table::exchange(deadline until, goal wanted) {
  if (const auto error = channel_.await_connected(until)) return error == errc::timed_out ? error : break_all(error);
  while (true) {
    const auto sent = channel_.flush(no_wait);
    if (!sent && wanted == until_sent) return {};
    // A server may stop reading until its replies are read, so both directions go on together. When sending fails,
    // reading tells why: the server's last word may still be there.
    wire::frame_view frame;
    while (true) {
      const auto got = channel_.receive(frame, no_wait);
      if (got && got != errc::timed_out) return break_all(got);
      if (got) break;
      route(frame);
      if (wanted == until_frame) return {};
    }
    if (wanted == until_drained) return {};
    const auto interest = sent == errc::timed_out ? notify::interest::in | notify::interest::out : notify::interest::in;
    if (const auto waited = channel_.wait(interest, until))
      return waited == errc::timed_out ? waited : break_all(waited);
  }
}

void call_table::route(const wire::frame_view& frame) {
  if (frame.call == 0) {
    if (!frame.has_status) return;
    connection_status_ = status_of(frame);
    for (auto& [number, entry] : calls_)
      if (!entry.end) end(entry, ended_by_server(*connection_status_));
    return;
  }
  if (!frame.method.empty() && frame.call % 2 == 0) return refuse_call(channel_.output(), frame);
  auto* entry = find(frame.call);
  if (!entry || entry->end) return;
  entry->credit = std::min<std::uint64_t>(entry->credit + frame.credit, std::numeric_limits<std::uint32_t>::max());
  if (frame.has_message) {
    if (entry->backlog + frame.message.size() > stream_backlog_limit) {
      withdraw(frame.call, *entry, {rpc::code::resource_exhausted, "more came than this stream may keep"});
      return;
    }
    entry->messages.emplace_back(frame.message);
    entry->backlog += frame.message.size();
  }
  if (frame.has_status) {
    end(*entry, status_of(frame));
  } else if (frame.end) {
    end(*entry, {rpc::code::ok, {}, rpc::metadata{frame.metadata}});
  }
}

void call_table::end(open_call& call, rpc::status how) {
  call.end = std::move(how);
}

std::error_code call_table::break_all(std::error_code reason) {
  broken_ = reason;
  if (const auto last_word = farewell_for(reason)) {
    wire::append_status(channel_.output(), 0, static_cast<int>(last_word->code), last_word->message);
    (void)channel_.half_close(no_wait);
  }
  for (auto& [number, entry] : calls_)
    if (!entry.end) end(entry, {rpc::code::unavailable, reason.message()});
  return broken_;
}

}  // namespace switchboard::client
