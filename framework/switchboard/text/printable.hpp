#pragma once

/// What others send, made fit for a terminal.
///
/// Why        escape sequences in a message could repaint the screen, retitle the window or, on some terminals, type
///            commands; bidirectional overrides could make a text look like another. All are dropped, so nothing but
///            letters is left of them.
/// Threads    free functions.

#include <string>
#include <string_view>

namespace switchboard::text {

/// `text` without control characters (U+0000 to U+001F, U+007F to U+009F), line and paragraph separators and
/// bidirectional controls; tabs and line breaks become spaces, and bytes that are not UTF-8 a U+FFFD.
std::string printable(std::string_view text);
/// The same of each line of `text`, which stay lines.
std::string printable_lines(std::string_view text);

}  // namespace switchboard::text
