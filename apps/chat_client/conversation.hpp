#pragma once

/// chat-client for a person at a terminal: lines are sent, commands begin with a slash, what happens appears above the
/// line being typed.

#include "command_line.hpp"
#include "rendering.hpp"

namespace switchboard::chat_client {

/// Returns the exit status. `edited`: the terminal can do what a line editor needs.
int run_conversation(const command_line& wanted, bool edited, appearance how);

}  // namespace switchboard::chat_client
