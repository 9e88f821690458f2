#pragma once

/// Encodes frames as delimited bytes and appends them to one buffer, so that many leave in one write.
///
/// Why        the payload goes last in every frame, so a header can be written before the payload is copied, or the
///            payload sent from where it is.
/// Threads    free functions; the output belongs to the caller.
/// Errors     none: callers keep to the frame limit by asking message_frame_size() first.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace google::protobuf {
class MessageLite;
}

namespace switchboard::wire {

/// What a frame {call, end?, message} counts at most besides its message: three tags, the call's number, the end, a size.
inline constexpr std::size_t message_overhead_max = 3 + 10 + 1 + 10;
/// Bytes of the frame {call, end?, message} after its size varint: what the frame limit counts.
std::size_t message_frame_size(std::uint64_t call, std::size_t payload, bool end) noexcept;
/// Appends everything of that frame but the payload, which must follow at once: `payload` bytes of it.
void append_message_header(std::string& out, std::uint64_t call, std::size_t payload, bool end);
/// Appends {call, end?, message: payload}.
void append_message(std::string& out, std::uint64_t call, std::string_view payload, bool end);
/// Appends {call, end?, message}, serialized in place. `payload` is message.ByteSizeLong(), just computed.
void append_message(std::string& out, std::uint64_t call, const google::protobuf::MessageLite& message,
                    std::size_t payload, bool end);
/// Appends {call, end: true}.
void append_end(std::string& out, std::uint64_t call);
/// Appends {call, status: {code, message, details?}}. `text` is cut at 1,024 bytes, on a UTF-8 boundary; `detail` is a
/// serialized google.protobuf.Any, or nothing.
void append_status(std::string& out, std::uint64_t call, int code, std::string_view text, std::string_view detail = {});
/// Appends {call, credit}.
void append_credit(std::string& out, std::uint64_t call, std::uint32_t credit);
/// Appends {call, method, timeout_ms?, credit?, end?, message}: an opening frame.
void append_open(std::string& out, std::uint64_t call, std::string_view method, std::string_view payload, bool end,
                 std::uint32_t credit, std::uint32_t timeout_ms);

/// Adds `fields`, metadata::fields(), to the frame that begins at `begin` and ends `out`: one that opens a call, or that
/// ends the server's side of one. Moves the frame where its size becomes longer.
void add_metadata(std::string& out, std::size_t begin, std::string_view fields);

/// Appends `frame`, a switchboard.v1.Frame with whatever fields it has, after its size.
void append_frame(std::string& out, const google::protobuf::MessageLite& frame);

}  // namespace switchboard::wire
