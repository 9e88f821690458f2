#pragma once

/// `chat-broker check|export|import|delete`: what can be done with a --data directory while no broker runs on it.
///
///     chat-broker check --data DIR                    verifies it; one line a room
///     chat-broker export ROOM --data DIR              writes the room's messages to standard output
///     chat-broker import ROOM --data DIR              fills a room with messages from standard input, in their order
///     chat-broker import ROOM --data DIR --append     puts them after those that the room has
///     chat-broker delete ROOM --data DIR              takes the room away, with all that was said in it
///
/// Export     changes nothing, and needs no whole database: what cannot be read is named on standard error.
/// Import     message N of the input becomes the room's message N. A room that has the input's first messages already, as
///            an import that was interrupted leaves it, gets the rest; one that has others is refused. With --append
///            any room is taken, and a message is left out whose sender and id the room knows. What a broker would not
///            have stored is refused, and ends it: what came before is stored, and the message says where in the input
///            it is and how much was taken. Fields that are unknown here are dropped.
/// Delete     the room's bytes are overwritten. Its members learn of it when they come back: a room of that name is made anew,
///            and its log_id is another one.
/// Formats    --format json: ChatMessage as protobuf's JSON, one a line; delimited: serialized, each after its size as a
///            varint (protobuf's delimited stream).
/// Status     0; 1 where something is wrong, in words on standard error; 2 for bad usage.
/// Threads    one: the program's.
/// Owns       some MiB of messages at once; an import also the ids of its room, none of which it may forget.

#include <optional>

namespace switchboard::chat {

/// The exit status; nothing where the command line asks for no such thing.
std::optional<int> run_room_file_command(int argc, const char* const* argv);

}  // namespace switchboard::chat
