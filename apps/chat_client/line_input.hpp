#pragma once

/// Lines that are typed or piped in while the conversation goes on.
///
/// Threads    one.
/// Owns       the terminal's mode while it edits; the destructor gives it back.
/// Errors     none: the end of input is no line.

#include "event_loop.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace switchboard::chat_client {

class line_input {
public:
  virtual ~line_input() = default;
  /// The next line without its end, or nothing at the end of input or when the loop has stopped.
  virtual std::optional<std::string> next() = 0;
  /// Prints a line above the one that is being typed.
  virtual void show(std::string_view line) = 0;
  /// Takes the line just entered off the screen: it comes again as the room's.
  virtual void retract() {}
};

/// Reads standard input as it comes. A line longer than a message may be is cut just above that.
std::unique_ptr<line_input> make_plain_input(event_loop& loop);
/// Edits lines on a terminal, with history. `prompt` is asked before each line and must not have control characters.
std::unique_ptr<line_input> make_edited_input(event_loop& loop, std::function<std::string()> prompt);

/// Writes a line to standard output and sees that it leaves at once.
void print_line(std::string_view line);

}  // namespace switchboard::chat_client
