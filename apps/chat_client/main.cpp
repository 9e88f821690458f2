// chat-client ADDRESS: talks in a chat room, for people and for scripts.

#include "command_line.hpp"
#include "conversation.hpp"
#include "script.hpp"

#include <clocale>
#include <cstdlib>
#include <string_view>

#include <unistd.h>

namespace {

bool terminal_draws() {
  const char* kind = std::getenv("TERM");
  return isatty(STDOUT_FILENO) != 0 && kind && std::string_view(kind) != "dumb";
}

/// https://no-color.org: set and not empty.
bool colour_is_unwanted() {
  const char* set = std::getenv("NO_COLOR");
  return set && *set != '\0';
}

}  // namespace

int main(int argc, char** argv) {
  using namespace switchboard::chat_client;
  // Text is UTF-8 on the wire, so a terminal without a locale is assumed to show it.
  if (!std::setlocale(LC_ALL, "") || MB_CUR_MAX == 1) std::setlocale(LC_CTYPE, "C.UTF-8");
  const auto parsed = parse_command_line(argc, argv);
  if (const auto* status = std::get_if<int>(&parsed)) return *status;
  const auto& wanted = std::get<command_line>(parsed);
  const bool draws = terminal_draws();
  const appearance how{.colour = draws && !colour_is_unwanted()};
  const bool for_script = wanted.watch || !wanted.send.empty();
  const bool typed = isatty(STDIN_FILENO) != 0;
  if (!for_script && typed && !wanted.json) return run_conversation(wanted, draws, how);
  return run_script(wanted, !for_script, how);
}
