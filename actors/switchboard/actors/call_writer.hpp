#pragma once

/// What the client is sent of its calls: each frame in the lane where it belongs.
///
/// Why        a frame of a call goes before other calls' stream messages, but never before those of its own call
///            (proto/README.md). Trailing metadata goes with the frame that ends the server's side, as far as it fits.
/// Threads    the connection's.
/// Owns       nothing; the frames are the link's.
/// Errors     what is above the frame limit becomes RESOURCE_EXHAUSTED; metadata that does not fit is dropped and logged.

#include <cstdint>
#include <string>
#include <string_view>

#include <switchboard/actors/call_table.hpp>
#include <switchboard/link/frame_link.hpp>
#include <switchboard/rpc/source.hpp>
#include <switchboard/rpc/status.hpp>

namespace switchboard::actors {

class call_writer {
public:
  /// `over` lives longer.
  call_writer(link::frame_link& over, std::size_t frame_bytes_max) noexcept
      : link_(over), frame_bytes_max_(frame_bytes_max) {}

  /// Ends a call that was never opened.
  void refuse(std::uint64_t call, const rpc::status& why, std::string_view method = {});
  /// Answers one that was never opened; how it ends.
  rpc::code reply(std::uint64_t call, std::string_view message);

  /// Whether all messages of the call's stream have left.
  bool has_left(const open_call& call) const noexcept { return link_.output().stream_sent(call.extras().last_message); }
  void grant(const open_call& call, std::uint32_t requests);
  /// A message of its stream; false where it is above the frame limit and was not sent.
  bool message(open_call& call, const rpc::payload& content);
  /// The frame that ends the server's side, as the call's service made it.
  void answer(const open_call& call, std::string_view frame, const rpc::metadata& trailing);
  /// The same, made here.
  void end(const open_call& call, rpc::code how, std::string_view text, const rpc::metadata& trailing);
  /// `count` such frames of as many calls, of which no message is queued.
  void answers(std::string&& frames, std::size_t count);

  link::outbound_queue& output() noexcept { return link_.output(); }

private:
  template <class Append>
  void add_behind_own_messages(const open_call& call, Append&& append);
  void add_trailing(std::string_view method, const rpc::metadata& trailing, std::string& out, std::size_t begin);

  link::frame_link& link_;
  const std::size_t frame_bytes_max_;
};

}  // namespace switchboard::actors
