#include <switchboard/actors/call_writer.hpp>
#include <switchboard/logging/logging.hpp>
#include <switchboard/rpc/retry_info.hpp>
#include <switchboard/wire/frame_encoder.hpp>

namespace switchboard::actors {
namespace {

logging::throttle& dropped_metadata() {
  static logging::throttle lines{"dropped metadata"};
  return lines;
}

}  // namespace

void call_writer::refuse(std::uint64_t call, const rpc::status& why, std::string_view method) {
  output().add_reply([&](std::string& out) {
    const auto begin = out.size();
    wire::append_status(out, call, static_cast<int>(why.code), why.message, rpc::retry_info(why.retry_after));
    add_trailing(method, why.trailing, out, begin);
  });
}

rpc::code call_writer::reply(std::uint64_t call, std::string_view message) {
  if (wire::message_frame_size(call, message.size(), true) > frame_bytes_max_) {
    refuse(call, {rpc::code::resource_exhausted, "frame_bytes_max: the reply is above the frame limit"});
    return rpc::code::resource_exhausted;
  }
  output().add_reply([&](std::string& out) { wire::append_message(out, call, message, true); });
  return rpc::code::ok;
}

void call_writer::grant(const open_call& call, std::uint32_t requests) {
  add_behind_own_messages(call, [&](std::string& out) { wire::append_credit(out, call.number, requests); });
}

bool call_writer::message(open_call& call, const rpc::payload& content) {
  const auto size = content.bytes.size();
  if (size + wire::message_overhead_max > frame_bytes_max_ &&
      wire::message_frame_size(call.number, size, false) > frame_bytes_max_)
    return false;
  output().add_stream_message(call.number, content.bytes, content.owner);
  call.make_extras().last_message = output().stream_position();
  return true;
}

void call_writer::answer(const open_call& call, std::string_view frame, const rpc::metadata& trailing) {
  add_behind_own_messages(call, [&](std::string& out) {
    const auto begin = out.size();
    out.append(frame);
    add_trailing(call.entry->method->name, trailing, out, begin);
  });
}

void call_writer::answers(std::string&& frames, std::size_t count) {
  if (!frames.empty()) output().add_replies(std::move(frames), count);
}

void call_writer::end(const open_call& call, rpc::code how, std::string_view text, const rpc::metadata& trailing) {
  add_behind_own_messages(call, [&](std::string& out) {
    const auto begin = out.size();
    if (how == rpc::code::ok)
      wire::append_end(out, call.number);
    else
      wire::append_status(out, call.number, static_cast<int>(how), text);
    add_trailing(call.entry->method->name, trailing, out, begin);
  });
}

template <class Append>
void call_writer::add_behind_own_messages(const open_call& call, Append&& append) {
  if (has_left(call))
    output().add_reply(append);
  else
    output().add_stream_frame(append);
}

/// Adds what fits of `trailing` to the last frame of `out`, which begins at `begin`.
void call_writer::add_trailing(std::string_view method, const rpc::metadata& trailing, std::string& out,
                               std::size_t begin) {
  auto dropped = trailing.refused();
  if (out.size() - begin + trailing.fields().size() <= frame_bytes_max_)
    wire::add_metadata(out, begin, trailing.fields());
  else
    dropped += trailing.size();
  if (dropped > 0)
    dropped_metadata().warn("{}: {}: trailing metadata that does not fit is dropped, pairs: {}",
                            link_.transport().peer().to_string(), method, dropped);
}

}  // namespace switchboard::actors
