#include "script.hpp"

#include "event_loop.hpp"
#include "line_input.hpp"

#include <cstdio>
#include <utility>

#include <switchboard/text/printable.hpp>

namespace switchboard::chat_client {
namespace {

/// For --send alone: a script that forgot --timeout should not hang for ever.
constexpr std::chrono::seconds default_send_patience{30};
/// Lines read ahead of their acknowledgement.
constexpr std::size_t read_ahead = 64;

class script final : public session_observer {
public:
  script(const command_line& wanted, bool from_input, appearance how)
      : wanted_(wanted),
        how_(how),
        prints_(wanted.watch || wanted.json),
        session_({.server = wanted.server,
                  .room = wanted.room,
                  .nickname = wanted.nickname,
                  .history_limit = wanted.history.value_or(0)},
                 *this),
        loop_(session_, until(wanted, from_input)) {}

  int run(bool from_input) {
    if (from_input) send_input();
    for (const auto& text : wanted_.send) send(text);
    loop_.until([&] { return was_joined_ && session_.unacknowledged() == 0 && !watching(); });
    if (loop_.late() && !loop_.stopped()) complain_of_time();
    return failed_ ? 1 : 0;
  }

private:
  static client::deadline until(const command_line& wanted, bool from_input) {
    if (wanted.timeout) return client::within(*wanted.timeout);
    return wanted.watch || from_input ? client::deadline::max() : client::within(default_send_patience);
  }

  bool watching() const { return wanted_.watch && (!wanted_.count || seen_ < *wanted_.count); }

  void send_input() {
    const auto input = make_plain_input(loop_);
    while (loop_.until([&] { return session_.unacknowledged() < read_ahead; })) {
      const auto line = input->next();
      if (!line) return;
      if (const auto objection = objection_to_text(*line)) {
        complain(*objection);
      } else {
        send(*line);
      }
    }
  }

  void send(const std::string& text) {
    // What was given on the command line is in memory anyway; the session's limit only paces it.
    loop_.until([&] { return session_.unacknowledged() < unacknowledged_limit; });
    if (session_.publish(text)) ++sent_;
  }

  void on_event(const chat::v1::RoomEvent& event) override {
    if (!prints_ || (wanted_.watch && !watching())) return;
    print_line(wanted_.json ? to_json(event) : to_line(event, how_, std::chrono::system_clock::now()));
    if (event.has_message()) ++seen_;
  }

  void on_joined() override {
    was_joined_ = true;
    lost_ = false;
  }

  void on_disconnected(const std::string& reason, client::clock::duration) override {
    if (session_.was_connected()) {
      if (!std::exchange(lost_, true))
        std::fprintf(stderr, "chat-client: the connection to %s ended (%s); connecting again\n",
                     wanted_.server.to_string().c_str(), text::printable(reason).c_str());
      return;
    }
    // A server that was never there is more likely a wrong address than one that is coming.
    // The reason begins with the address.
    fail("cannot connect to " + reason);
  }

  void on_log_restarted() override { std::fputs("chat-client: the room's log started over\n", stderr); }

  void on_refused(const rpc::status& why) override {
    fail("cannot join " + wanted_.room + ": " + to_string(why.code) + ": " + why.message);
  }

  void on_published(const std::string&, const chat::v1::PublishReply&) override { ++acknowledged_; }

  void on_not_published(const std::string&, const rpc::status& why) override {
    complain("not published: " + to_string(why.code) + ": " + why.message);
  }

  void complain(const std::string& about) {
    std::fprintf(stderr, "chat-client: %s\n", text::printable(about).c_str());
    failed_ = true;
  }

  void fail(const std::string& about) {
    // One step of the loop may try a second time, where the pause before it is over already.
    if (loop_.stopped()) return;
    complain(about);
    loop_.stop();
  }

  void complain_of_time() {
    if (acknowledged_ < sent_) {
      complain("timed out: " + std::to_string(acknowledged_) + " of " + std::to_string(sent_) +
               " messages acknowledged");
    } else if (wanted_.count && seen_ < *wanted_.count) {
      complain("timed out: " + std::to_string(seen_) + " of " + std::to_string(*wanted_.count) + " messages seen");
    } else if (!was_joined_) {
      complain("timed out: not in the room");
    }
  }

  const command_line& wanted_;
  const appearance how_;
  const bool prints_;
  std::uint64_t seen_ = 0;
  std::uint64_t sent_ = 0;
  std::uint64_t acknowledged_ = 0;
  bool was_joined_ = false;
  bool lost_ = false;
  bool failed_ = false;
  session session_;
  event_loop loop_;
};

}  // namespace

int run_script(const command_line& wanted, bool from_input, appearance how) {
  return script(wanted, from_input, how).run(from_input);
}

}  // namespace switchboard::chat_client
