#include "command_line.hpp"

#include "session.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iostream>

#include <CLI/CLI.hpp>

#include <switchboard/text/printable.hpp>
#include <switchboard/text/utf8.hpp>

namespace switchboard::chat_client {
namespace {

constexpr std::size_t room_limit = 128;
constexpr std::size_t nickname_limit = 64;
constexpr int usage_error = 2;

int complain(const std::string& about) {
  std::fprintf(stderr, "chat-client: %s\n", about.c_str());
  return usage_error;
}

std::string login_name() {
  const char* user = std::getenv("USER");
  const std::string name = user ? user : "";
  return objection_to_nickname(name) ? "guest" : name;
}

}  // namespace

std::optional<std::string> objection_to_room(std::string_view room) {
  const auto allowed = [](unsigned char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  };
  if (!room.empty() && room.size() <= room_limit && std::all_of(room.begin(), room.end(), allowed)) return std::nullopt;
  return "a room's name is 1 to 128 characters of A-Z a-z 0-9 . _ -";
}

std::optional<std::string> objection_to_nickname(std::string_view nickname) {
  if (nickname.empty() || nickname.size() > nickname_limit) return "a nickname is 1 to 64 bytes long";
  if (!text::is_utf8(nickname)) return "a nickname is text in UTF-8";
  for (std::size_t i = 0; i < nickname.size(); ++i) {
    const auto byte = static_cast<unsigned char>(nickname[i]);
    // U+0080 to U+009F are C2 80 to C2 9F.
    const bool second_control = byte == 0xc2 && static_cast<unsigned char>(nickname[i + 1]) < 0xa0;
    if (byte < 0x20 || byte == 0x7f || second_control) return "a nickname has no control characters";
  }
  return std::nullopt;
}

std::optional<std::string> objection_to_text(std::string_view text) {
  if (text.size() > text_limit) return "a message is at most 64 KiB long";
  if (!text::is_utf8(text)) return "a message is text in UTF-8";
  return std::nullopt;
}

std::variant<command_line, int> parse_command_line(int argc, const char* const* argv) {
  CLI::App app{
      "Talks in a chat room of a Switchboard broker. At a terminal it is a line editor with commands (/help); with "
      "--send or "
      "--watch, or with standard input from elsewhere, it serves scripts.",
      "chat-client"};
  app.footer(
      "Without --send or --watch and with standard input not from a terminal, each of its lines is sent.\n"
      "Exit status: 0 if every message was acknowledged and --count was reached, 1 if not, 2 for bad usage.");
  command_line wanted;
  std::string address;
  std::string nickname;
  double timeout = 0;
  std::uint64_t count = 0;
  std::uint32_t history = 0;
  app.add_option("ADDRESS", address, "host:port, [ipv6]:port or unix:/path")->required();
  app.add_option("--room", wanted.room, "the room to join")->default_val("lobby");
  auto* nick = app.add_option("--nick", nickname, "the name to go by; default: the login name, for --watch alone none");
  app.add_option("--send", wanted.send, "publish this text; repeatable, in order, each acknowledged")
      ->allow_extra_args(false);
  app.add_flag("--watch", wanted.watch, "print what happens in the room");
  app.add_flag("--json", wanted.json, "print events as protobuf's JSON, one a line");
  auto* count_option = app.add_option("--count", count, "with --watch: end after so many messages");
  auto* timeout_option =
      app.add_option("--timeout", timeout, "end after so many seconds; default: never, 30 with --send alone");
  auto* history_option = app.add_option("--history", history,
                                        "show so many of the newest messages first; default: 20 at a terminal, else 0");
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {
    return app.exit(asked, std::cout, std::cerr);
  } catch (const CLI::ParseError& error) {
    return complain(std::string(error.what()) + " (--help says more)");
  }
  auto server = net::endpoint::parse(address);
  if (!server) return complain(text::printable(address) + ": " + server.error().message());
  wanted.server = std::move(*server);
  if (const auto objection = objection_to_room(wanted.room)) return complain(*objection);
  if (nick->count() > 0) {
    if (const auto objection = objection_to_nickname(nickname)) return complain(*objection);
    wanted.nickname = nickname;
  } else if (!wanted.watch || !wanted.send.empty()) {
    wanted.nickname = login_name();
  }
  for (const auto& text : wanted.send)
    if (const auto objection = objection_to_text(text)) return complain(*objection);
  if (count_option->count() > 0) {
    if (!wanted.watch) return complain("--count needs --watch");
    wanted.count = count;
  }
  if (timeout_option->count() > 0) {
    constexpr double longest = 1e9;
    if (!(timeout >= 0 && timeout <= longest)) return complain("--timeout is 0 or more seconds");
    wanted.timeout = std::chrono::milliseconds(static_cast<std::int64_t>(timeout * 1000));
  }
  if (history_option->count() > 0) wanted.history = history;
  return wanted;
}

}  // namespace switchboard::chat_client
