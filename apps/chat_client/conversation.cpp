#include "conversation.hpp"

#include "event_loop.hpp"
#include "line_input.hpp"

#include <charconv>
#include <cstdio>
#include <utility>

#include <switchboard/text/printable.hpp>

namespace switchboard::chat_client {
namespace {

constexpr std::uint32_t default_history = 20;
constexpr std::uint32_t largest_history = 1000;
/// How long leaving waits for what was typed last to be acknowledged.
constexpr std::chrono::seconds goodbye_patience{2};

constexpr std::string_view help[] = {
    "/join ROOM      go to another room",
    "/nick NAME      go by another name",
    "/members        who is here",
    "/history [N]    show the last N messages (20)",
    "/quit           leave (Ctrl-D does too)",
    "//text          send a text that begins with a slash",
};

class conversation final : public session_observer {
public:
  conversation(const command_line& wanted, bool edited, appearance how)
      : wanted_(wanted),
        how_(how),
        session_({.server = wanted.server,
                  .room = wanted.room,
                  .nickname = wanted.nickname,
                  .history_limit = wanted.history.value_or(default_history)},
                 *this),
        loop_(session_, wanted.timeout ? client::within(*wanted.timeout) : client::deadline::max()),
        input_(edited ? make_edited_input(loop_, [this] { return prompt(); }) : make_plain_input(loop_)) {}

  int run() {
    while (!leaving_) {
      const auto line = input_->next();
      if (!line) break;
      take(*line);
    }
    if (loop_.stopped()) return 1;
    event_loop goodbye(session_, client::within(goodbye_patience));
    if (goodbye.until([&] { return session_.unacknowledged() == 0; })) return 0;
    std::fprintf(stderr, "chat-client: %zu of your messages were not acknowledged\n", session_.unacknowledged());
    return 1;
  }

private:
  std::string prompt() const {
    const auto& now = session_.options();
    return text::printable(now.nickname) + "@" + now.room + "> ";
  }

  void take(const std::string& line) {
    if (line.empty()) return input_->retract();
    if (line.front() != '/') return say(line);
    if (line.starts_with("//")) return say(line.substr(1));
    const auto space = line.find(' ');
    const auto command = line.substr(0, space);
    const auto start = line.find_first_not_of(' ', space);
    auto argument = start == std::string::npos ? std::string() : line.substr(start);
    argument.erase(argument.find_last_not_of(' ') + 1);
    obey(command, argument);
  }

  void obey(const std::string& command, const std::string& argument) {
    if (command == "/quit") {
      leaving_ = true;
    } else if (command == "/help") {
      for (const auto line : help) notice(line);
    } else if (command == "/join") {
      if (const auto objection = objection_to_room(argument)) return notice(*objection);
      session_.join(argument, session_.options().nickname);
    } else if (command == "/nick") {
      if (const auto objection = objection_to_nickname(argument)) return notice(*objection);
      session_.join(session_.options().room, argument);
    } else if (command == "/members") {
      session_.request_members();
    } else if (command == "/history") {
      show_history(argument);
    } else {
      notice("no such command: " + command + " (/help lists them; // sends a text that begins with /)");
    }
  }

  void show_history(const std::string& argument) {
    std::uint32_t newest = default_history;
    const auto* end = argument.data() + argument.size();
    if (!argument.empty() &&
        (std::from_chars(argument.data(), end, newest).ptr != end || newest == 0 || newest > largest_history))
      return notice("/history takes a number from 1 to " + std::to_string(largest_history));
    session_.request_history(newest);
  }

  void say(const std::string& text) {
    if (const auto objection = objection_to_text(text)) return notice(*objection);
    input_->retract();
    if (refused_) return notice("you are in no room; /join one, or take another /nick");
    if (!session_.publish(text)) return notice("too many messages wait for the server; not sent: " + text);
    if (!session_.joined()) notice("will be sent when the server is back: " + text);
  }

  void on_event(const chat::v1::RoomEvent& event) override {
    input_->show(to_line(event, how_, std::chrono::system_clock::now()));
  }

  void on_joined() override {
    refused_ = false;
    lost_ = false;
  }

  void on_disconnected(const std::string& reason, client::clock::duration) override {
    if (!session_.was_connected()) {
      // One step of the loop may try a second time, where the pause before it is over already.
      if (loop_.stopped()) return;
      // It begins with the address.
      std::fprintf(stderr, "chat-client: cannot connect to %s\n", text::printable(reason).c_str());
      return loop_.stop();
    }
    if (!std::exchange(lost_, true)) notice("the connection is gone (" + reason + "); trying again until it is back");
  }

  void on_log_restarted() override { notice("the room started over; its earlier messages are gone"); }

  void on_refused(const rpc::status& why) override {
    refused_ = true;
    notice("not in " + session_.options().room + ": " + (why.message.empty() ? to_string(why.code) : why.message));
  }

  void on_not_published(const std::string& text, const rpc::status& why) override {
    notice("not sent (" + (why.message.empty() ? to_string(why.code) : why.message) + "): " + text);
  }

  void on_members(const chat::v1::ListMembersReply& reply) override {
    std::string line = std::to_string(reply.nicknames_size()) + (reply.more() ? " and more" : "") + " here:";
    const char* separator = " ";
    for (const auto& nickname : reply.nicknames()) line += std::exchange(separator, ", ") + nickname;
    notice(line);
  }

  void on_history(const chat::v1::HistoryReply& reply) override {
    for (const auto& message : reply.messages()) input_->show(to_line(message, how_));
    notice(std::to_string(reply.messages_size()) + " of " + std::to_string(reply.last_sequence()) + " messages");
  }

  void on_request_failed(const rpc::status& why) override {
    notice(why.message.empty() ? to_string(why.code) : why.message);
  }

  void notice(std::string_view text) { input_->show(to_notice(text, how_)); }

  const command_line& wanted_;
  const appearance how_;
  bool leaving_ = false;
  bool refused_ = false;
  bool lost_ = false;
  session session_;
  event_loop loop_;
  std::unique_ptr<line_input> input_;
};

}  // namespace

int run_conversation(const command_line& wanted, bool edited, appearance how) {
  return conversation(wanted, edited, how).run();
}

}  // namespace switchboard::chat_client
