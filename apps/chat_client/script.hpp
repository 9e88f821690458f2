#pragma once

/// chat-client without a person: sends what it was given or reads, prints what it was asked to, and says by its exit
/// status whether all of it went well.

#include "command_line.hpp"
#include "rendering.hpp"

namespace switchboard::chat_client {

/// Returns the exit status. `from_input`: each line of standard input is a message.
int run_script(const command_line& wanted, bool from_input, appearance how);

}  // namespace switchboard::chat_client
