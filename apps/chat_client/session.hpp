#pragma once

/// Being in a chat room, whatever the network does.
///
/// Why        a connection ends now and then; a conversation should not. The channel connects again; the session then joins
///            from where it stopped under its own resume token, publishes again what was not acknowledged under its own
///            message id, and tells each message once.
/// Threads    one at a time. It never waits: its owner drives channel(), which looks up the server's name with each attempt
///            to connect.
/// Owns       the channel and what is not acknowledged yet, at most unacknowledged_limit messages.
/// Errors     told to the observer. What waiting mends is tried again for ever; the owner decides how long it has
///            patience.

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include <switchboard/chat/v1/chat.client.hpp>

namespace switchboard::chat_client {

/// Messages that may wait for their acknowledgement.
inline constexpr std::size_t unacknowledged_limit = 1000;
/// Bytes of one message's text (chat.proto).
inline constexpr std::size_t text_limit = 64 * 1024;

struct session_options {
  net::endpoint server;
  std::string room;
  std::string nickname;             ///< empty: an observer, who cannot publish
  std::uint32_t history_limit = 0;  ///< newest messages shown when joining; 0 = none
  std::chrono::milliseconds connect_patience = std::chrono::seconds(5);
  client::clock::duration publish_patience = std::chrono::seconds(10);
  client::backoff::bounds pauses{.first = std::chrono::milliseconds(200), .cap = std::chrono::seconds(10)};
};

/// What a session tells. No member may call back into it but publish(), join() and the requests.
class session_observer {
public:
  virtual ~session_observer() = default;
  virtual void on_event(const chat::v1::RoomEvent& event) = 0;
  /// The server took the Join, for the first time or again.
  virtual void on_joined() {}
  /// The connection is gone, or was not to be had; the next try comes after `pause`.
  virtual void on_disconnected(const std::string& /*reason*/, client::clock::duration /*pause*/) {}
  /// The room's log started over: sequences begin at 1 again.
  virtual void on_log_restarted() {}
  /// The server does not let this nickname into this room (any more). The session stays outside until join().
  virtual void on_refused(const rpc::status& /*why*/) {}
  virtual void on_published(const std::string& /*text*/, const chat::v1::PublishReply& /*reply*/) {}
  /// The message is given up.
  virtual void on_not_published(const std::string& /*text*/, const rpc::status& /*why*/) {}
  virtual void on_members(const chat::v1::ListMembersReply& /*reply*/) {}
  virtual void on_history(const chat::v1::HistoryReply& /*reply*/) {}
  virtual void on_request_failed(const rpc::status& /*why*/) {}
};

class session {
public:
  session(session_options options, session_observer& observer);

  /// What its owner drives.
  client::channel& channel() noexcept { return channel_; }

  /// Goes to another room, or under another name; what is not acknowledged yet is given up.
  void join(std::string room, std::string nickname);
  /// Queues a message; messages are published one after the other, so that their order holds whatever fails. False when
  /// unacknowledged_limit wait already.
  bool publish(std::string text);
  std::size_t unacknowledged() const noexcept { return outgoing_.size(); }

  /// One of each at a time; asking again drops the earlier one.
  void request_members();
  void request_history(std::uint32_t newest);

  /// Whether a connection was ever made.
  bool was_connected() const noexcept { return was_connected_; }
  bool joined() const noexcept { return joined_; }
  const session_options& options() const noexcept { return options_; }

private:
  struct message {
    std::string text;
    std::string id;
  };

  void on_connected();
  void go_on();
  void open_join();
  void open_publish();
  void take_room_event(const chat::v1::RoomEvent& event);
  void end_join(const rpc::status& how);
  void end_publish(const rpc::result<chat::v1::PublishReply>& reply);
  void start_over(bool with_history);

  session_options options_;
  session_observer& observer_;
  const std::string resume_token_;

  client::channel channel_;
  chat::v1::Chat::stub chat_{channel_};
  client::backoff pauses_;  // between attempts on one connection
  bool was_connected_ = false;

  client::reader<chat::v1::RoomEvent> join_;
  bool joined_ = false;
  bool refused_ = false;
  client::deadline join_at_ = client::deadline::min();

  // Where the stream stopped.
  bool resuming_ = false;
  std::uint64_t last_sequence_ = 0;
  std::string log_id_;

  std::deque<message> outgoing_;
  client::pending_reply<chat::v1::PublishReply> publish_;  // of outgoing_'s first
  client::deadline publish_at_ = client::deadline::min();

  client::pending_reply<chat::v1::ListMembersReply> members_;
  client::pending_reply<chat::v1::HistoryReply> history_;
};

}  // namespace switchboard::chat_client
