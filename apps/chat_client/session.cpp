#include "session.hpp"

#include <utility>

namespace switchboard::chat_client {
namespace {

/// Events that the server may send ahead of those received.
constexpr std::uint32_t event_window = 256;
constexpr auto request_patience = std::chrono::seconds(10);

/// Whether the same call may succeed later.
bool is_passing(rpc::code code) {
  return code == rpc::code::unavailable || code == rpc::code::deadline_exceeded || code == rpc::code::cancelled;
}

}  // namespace

session::session(session_options options, session_observer& observer)
    : options_(std::move(options)),
      observer_(observer),
      channel_(options_.server,
               {.reconnect = client::backoff{options_.pauses}, .connect_timeout = options_.connect_patience}),
      join_timer_(client::backoff{options_.pauses}),
      publish_timer_(client::backoff{options_.pauses}) {
  channel_.tell({.on_connected = [this] { on_connected(); },
                 .on_lost =
                     [this](const rpc::status& why, std::optional<client::clock::duration> pause) {
                       observer_.on_disconnected(why.message, pause.value_or(client::clock::duration::max()));
                     }});
}

void session::on_connected() {
  if (state_ == state::unconnected) state_ = state::joining;
  join_timer_.expire();
  publish_timer_.expire();
  open_due_calls();
}

void session::open_due_calls() {
  if (!channel_.connected() || state_ == state::refused) return;
  if (!join_ && join_timer_.is_due()) open_join();
  // One at a time: of several at once, one that failed would be published again after those that follow it.
  if (join_ && !publish_ && !outbox_.empty() && publish_timer_.is_due()) open_publish();
}

void session::join(std::string room, std::string nickname) {
  options_.room = std::move(room);
  options_.nickname = std::move(nickname);
  for (const auto& each : outbox_.clear())
    observer_.on_not_published(each.text, {rpc::code::cancelled, "left the room"});
  publish_ = {};
  members_ = {};
  history_ = {};
  join_ = {};
  resume_point_.leave_room();
  if (was_connected()) state_ = state::joining;
  join_timer_.expire();
  open_due_calls();
}

bool session::publish(std::string text) {
  if (!outbox_.push(std::move(text))) return false;
  open_due_calls();
  return true;
}

void session::request_members() {
  if (!channel_.connected()) return observer_.on_request_failed({rpc::code::unavailable, "not connected"});
  chat::v1::ListMembersRequest request;
  request.set_room(options_.room);
  members_ = chat_.list_members(request, client::within(request_patience));
  members_.then([this](const rpc::result<chat::v1::ListMembersReply>& reply) {
    reply ? observer_.on_members(*reply) : observer_.on_request_failed(reply.status());
  });
}

void session::request_history(std::uint32_t newest) {
  if (!channel_.connected()) return observer_.on_request_failed({rpc::code::unavailable, "not connected"});
  chat::v1::HistoryRequest request;
  request.set_room(options_.room);
  const auto last = resume_point_.last_sequence();
  request.set_after_sequence(last > newest ? last - newest : 0);
  request.set_limit(newest);
  history_ = chat_.history(request, client::within(request_patience));
  history_.then([this](const rpc::result<chat::v1::HistoryReply>& reply) {
    reply ? observer_.on_history(*reply) : observer_.on_request_failed(reply.status());
  });
}

void session::open_join() {
  chat::v1::JoinRequest request;
  request.set_room(options_.room);
  request.set_nickname(options_.nickname);
  resume_point_.fill(request, options_.history_limit);
  state_ = state::joining;
  join_ = chat_.join(request, {.window = event_window});
  join_.receive([this](const chat::v1::RoomEvent& event) { take_room_event(event); },
                [this](const rpc::status& how) { end_join(how); });
}

void session::open_publish() {
  chat::v1::PublishRequest request;
  request.set_room(options_.room);
  request.set_text(outbox_.first().text);
  request.set_client_message_id(outbox_.first().id);
  publish_ = chat_.publish(request, client::within(options_.publish_patience));
  publish_.then([this](const rpc::result<chat::v1::PublishReply>& reply) { end_publish(reply); });
}

void session::take_room_event(const chat::v1::RoomEvent& event) {
  if (!resume_point_.advance(event)) return;
  if (event.has_caught_up()) {
    state_ = state::joined;
    join_timer_.reset();
    observer_.on_joined();
  }
  observer_.on_event(event);
}

void session::end_join(const rpc::status& how) {
  join_ = {};
  state_ = state::joining;
  // on_connected() joins again.
  if (!channel_.connected()) return;
  if (how.ok() || is_passing(how.code)) {
    channel_.at(join_timer_.postpone(), [this] { open_due_calls(); });
  } else if (how.code == rpc::code::out_of_range && resume_point_.names_place()) {
    resume_point_.restart_log();
    observer_.on_log_restarted();
    open_due_calls();
  } else {
    state_ = state::refused;
    observer_.on_refused(how);
  }
}

void session::end_publish(const rpc::result<chat::v1::PublishReply>& reply) {
  publish_ = {};
  const auto how = reply.status();
  // Not stored, or not known to be; the id makes a second attempt safe. The precondition is the Join, which may not have
  // arrived yet.
  if (is_passing(how.code) || how.code == rpc::code::failed_precondition) {
    channel_.at(publish_timer_.postpone(), [this] { open_due_calls(); });
    return;
  }
  const auto message = outbox_.pop();
  if (reply) {
    publish_timer_.reset();
    observer_.on_published(message.text, *reply);
  } else {
    observer_.on_not_published(message.text, how);
  }
  open_due_calls();
}

}  // namespace switchboard::chat_client
