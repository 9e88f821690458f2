#pragma once

/// A client's stay in a chat room, across lost connections.
///
/// Why        a connection ends now and then; a conversation should not. The channel connects again; the session then joins
///            from where its stream of events stopped, under the same resume token, publishes again under the same id what
///            was not acknowledged, and passes each message on once.
/// Threads    one at a time. It never waits: its owner drives channel(), which looks up the server's name with each attempt
///            to connect.
/// Owns       the channel and the messages that are not acknowledged yet, at most unacknowledged_limit.
/// Errors     go to the observer. A failure that may pass is tried again without end; the owner decides when to give up.

#include "outbox.hpp"
#include "resume_point.hpp"
#include "retry_timer.hpp"

#include <chrono>
#include <cstdint>
#include <string>

#include <switchboard/chat/v1/chat.client.hpp>

namespace switchboard::chat_client {

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

/// What a session notifies its owner of. Within a notification only publish(), join() and the requests may be called.
class session_observer {
public:
  virtual ~session_observer() = default;
  virtual void on_event(const chat::v1::RoomEvent& event) = 0;
  /// The stream of events has caught up with the room, for the first time or after a new Join.
  virtual void on_joined() {}
  /// The connection was lost, or could not be made; the next attempt comes after `pause`.
  virtual void on_disconnected(const std::string& /*reason*/, client::clock::duration /*pause*/) {}
  /// The room's log started over: sequences begin at 1 again.
  virtual void on_log_restarted() {}
  /// The server does not let this nickname into this room (any more). The session stays outside until join().
  virtual void on_refused(const rpc::status& /*why*/) {}
  virtual void on_published(const std::string& /*text*/, const chat::v1::PublishReply& /*reply*/) {}
  /// The server refused the message, or the session left the room before an acknowledgement: it is not tried again.
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

  /// Moves to another room, or takes another name; messages that are not acknowledged yet are given up.
  void join(std::string room, std::string nickname);
  /// Queues a message. False when unacknowledged_limit wait already.
  bool publish(std::string text);
  std::size_t unacknowledged() const noexcept { return outbox_.size(); }

  /// At most one request of each kind is outstanding: a second one replaces the first, which gets no reply.
  void request_members();
  void request_history(std::uint32_t newest);

  /// Whether a connection was ever made.
  bool was_connected() const noexcept { return state_ != state::unconnected; }
  bool joined() const noexcept { return state_ == state::joined; }
  const session_options& options() const noexcept { return options_; }

private:
  enum class state : unsigned char {
    unconnected,  ///< no connection was made yet
    joining,      ///< out of the room, and will be back: the stream of events has not caught up, or has ended
    joined,
    refused,  ///< out of the room until join()
  };

  void on_connected();
  void open_due_calls();
  void open_join();
  void open_publish();
  void take_room_event(const chat::v1::RoomEvent& event);
  void end_join(const rpc::status& how);
  void end_publish(const rpc::result<chat::v1::PublishReply>& reply);

  session_options options_;
  session_observer& observer_;
  client::channel channel_;
  chat::v1::Chat::stub chat_{channel_};

  state state_ = state::unconnected;
  resume_point resume_point_;
  client::reader<chat::v1::RoomEvent> join_;
  retry_timer join_timer_;

  outbox outbox_;
  client::pending_reply<chat::v1::PublishReply> publish_;  // of the outbox's first
  retry_timer publish_timer_;

  client::pending_reply<chat::v1::ListMembersReply> members_;
  client::pending_reply<chat::v1::HistoryReply> history_;
};

}  // namespace switchboard::chat_client
