#pragma once

/// A member who talks in a room across any number of broker crashes, with the client's session, and records everything
/// that the session reports.
/// Threads    the session runs on a thread of its own; what it records is read once that thread has ended.

#include "session.hpp"

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

namespace switchboard {

struct heard_message {
  std::uint64_t sequence;
  std::string sender;
  std::string text;
};

struct acknowledgement {
  std::uint64_t sequence;
  std::string text;
};

class talker final : public chat_client::session_observer {
public:
  /// Publishes "1", "2", … one after the other, from when it is in the room. Without a name it only listens, from the
  /// room's first message on.
  talker(const net::endpoint& server, std::string room, std::string name);
  ~talker() override { finish(); }

  std::uint64_t acknowledged() const noexcept { return acknowledged_; }
  std::uint64_t last_acknowledged() const noexcept { return last_acknowledged_; }
  /// How often the broker had no space. The same message is published again then.
  std::uint64_t refused() const noexcept { return refused_; }
  /// Publishes nothing new; what is outstanding goes on.
  void say_no_more() noexcept { quiet_ = true; }
  bool is_quiet() const noexcept { return quiet_ && unacknowledged_ == 0; }
  bool has_heard(std::uint64_t sequence) const noexcept { return last_heard_ >= sequence; }
  bool is_caught_up() const noexcept { return caught_up_; }
  /// Ends the session.
  void finish();

  const std::string& name() const noexcept { return name_; }
  const std::vector<heard_message>& heard() const noexcept { return heard_; }
  const std::vector<acknowledgement>& acknowledgements() const noexcept { return acknowledgements_; }
  const std::vector<std::string>& surprises() const noexcept { return surprises_; }

private:
  void on_event(const chat::v1::RoomEvent& event) override;
  void on_joined() override;
  void on_log_restarted() override { surprises_.push_back("the log started over"); }
  void on_refused(const rpc::status& why) override { surprises_.push_back("refused: " + why.message); }
  void on_published(const std::string& text, const chat::v1::PublishReply& reply) override;
  void on_not_published(const std::string& text, const rpc::status& why) override;
  void publish_next();
  void run();

  const std::string name_;
  chat_client::session session_;
  std::uint64_t published_ = 0;
  std::vector<heard_message> heard_;
  std::vector<acknowledgement> acknowledgements_;
  std::vector<std::string> surprises_;

  std::atomic<bool> quiet_{false};
  std::atomic<bool> over_{false};
  std::atomic<bool> caught_up_{false};
  std::atomic<std::uint64_t> acknowledged_{0};
  std::atomic<std::uint64_t> refused_{0};
  std::atomic<std::uint64_t> last_acknowledged_{0};
  std::atomic<std::uint64_t> last_heard_{0};
  std::atomic<std::size_t> unacknowledged_{0};
  std::thread thread_;
};

}  // namespace switchboard
