#include <switchboard/client/peer_frames.hpp>
#include <switchboard/error/errc.hpp>
#include <switchboard/v1/frame.pb.h>
#include <switchboard/wire/frame_encoder.hpp>

namespace switchboard::client {

rpc::status status_of(const wire::frame_view& frame) {
  v1::Status parsed;
  // The decoder has seen that it parses.
  (void)parsed.ParseFromArray(frame.status.data(), static_cast<int>(frame.status.size()));
  return {static_cast<rpc::code>(parsed.code()), std::move(*parsed.mutable_message()), rpc::metadata{frame.metadata}};
}

rpc::status ended_by_server(const rpc::status& why) {
  return {rpc::code::unavailable, "the server ended the connection: " + why.message};
}

std::optional<rpc::status> farewell_for(std::error_code reason) {
  if (reason == errc::frame_too_large) return rpc::status{rpc::code::resource_exhausted, reason.message()};
  if (reason == errc::malformed_varint || reason == errc::malformed_frame)
    return rpc::status{rpc::code::invalid_argument, reason.message()};
  return std::nullopt;
}

void refuse_call(std::string& out, const wire::frame_view& opening) {
  if (!opening.has_status)
    wire::append_status(out, opening.call, static_cast<int>(rpc::code::unimplemented), "this client serves nothing");
}

}  // namespace switchboard::client
