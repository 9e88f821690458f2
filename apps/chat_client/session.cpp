#include "session.hpp"

#include <algorithm>
#include <limits>
#include <random>
#include <utility>

namespace switchboard::chat_client {
namespace {

/// Events the server may be ahead of what was taken.
constexpr std::uint32_t event_window = 256;
constexpr auto request_patience = std::chrono::seconds(10);
constexpr std::size_t token_size = 16;

std::string random_bytes(std::size_t size) {
  std::random_device source;
  std::string bytes;
  while (bytes.size() < size) {
    const std::uint32_t four = source();
    bytes.append(reinterpret_cast<const char*>(&four), sizeof four);
  }
  return bytes;
}

std::string random_id() {
  static constexpr char digits[] = "0123456789abcdef";
  std::string id;
  for (const unsigned char byte : random_bytes(16)) {
    id += digits[byte >> 4];
    id += digits[byte & 15];
  }
  return id;
}

/// Whether trying the same again later may help.
bool is_passing(rpc::code code) {
  return code == rpc::code::unavailable || code == rpc::code::deadline_exceeded || code == rpc::code::cancelled;
}

}  // namespace

session::session(session_options options, session_observer& observer)
    : options_(std::move(options)),
      observer_(observer),
      resume_token_(random_bytes(token_size)),
      channel_(options_.server,
               {.reconnect = client::backoff{options_.pauses}, .connect_timeout = options_.connect_patience}),
      pauses_(options_.pauses) {
  channel_.tell({.on_connected = [this] { on_connected(); },
                 .on_lost =
                     [this](const rpc::status& why, std::optional<client::clock::duration> pause) {
                       observer_.on_disconnected(why.message, pause.value_or(client::clock::duration::max()));
                     }});
}

void session::on_connected() {
  was_connected_ = true;
  join_at_ = client::deadline::min();
  publish_at_ = client::deadline::min();
  go_on();
}

/// Opens what is due.
void session::go_on() {
  if (!channel_.connected() || refused_) return;
  const auto now = client::clock::now();
  if (!join_ && now >= join_at_) open_join();
  // One at a time: of several at once, one that failed would be published again behind those after it.
  if (join_ && !publish_ && !outgoing_.empty() && now >= publish_at_) open_publish();
}

void session::join(std::string room, std::string nickname) {
  options_.room = std::move(room);
  options_.nickname = std::move(nickname);
  for (auto given_up = std::exchange(outgoing_, {}); const auto& each : given_up)
    observer_.on_not_published(each.text, {rpc::code::cancelled, "left the room"});
  publish_ = {};
  members_ = {};
  history_ = {};
  join_ = {};
  start_over(true);
  refused_ = false;
  joined_ = false;
  join_at_ = client::deadline::min();
  go_on();
}

bool session::publish(std::string text) {
  if (outgoing_.size() >= unacknowledged_limit) return false;
  outgoing_.push_back({std::move(text), random_id()});
  go_on();
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
  request.set_after_sequence(last_sequence_ > newest ? last_sequence_ - newest : 0);
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
  request.set_resume_token(options_.nickname.empty() ? std::string() : resume_token_);
  request.set_after_sequence(last_sequence_);
  request.set_log_id(log_id_);
  // From 0 without a limit there is no history (chat.proto), so one who left an empty room asks for all that came
  // since.
  const bool from_start = resuming_ && last_sequence_ == 0;
  request.set_history_limit(from_start  ? std::numeric_limits<std::uint32_t>::max()
                            : resuming_ ? 0
                                        : options_.history_limit);
  joined_ = false;
  join_ = chat_.join(request, {.window = event_window});
  join_.receive([this](const chat::v1::RoomEvent& event) { take_room_event(event); },
                [this](const rpc::status& how) { end_join(how); });
}

void session::open_publish() {
  chat::v1::PublishRequest request;
  request.set_room(options_.room);
  request.set_text(outgoing_.front().text);
  request.set_client_message_id(outgoing_.front().id);
  publish_ = chat_.publish(request, client::within(options_.publish_patience));
  publish_.then([this](const rpc::result<chat::v1::PublishReply>& reply) { end_publish(reply); });
}

void session::take_room_event(const chat::v1::RoomEvent& event) {
  if (event.has_message()) {
    if (event.message().sequence() <= last_sequence_) return;
    last_sequence_ = event.message().sequence();
    resuming_ = true;
  } else if (event.has_gap()) {
    last_sequence_ = std::max(last_sequence_, event.gap().to());
  } else if (event.has_caught_up()) {
    last_sequence_ = std::max(last_sequence_, event.caught_up().sequence());
    log_id_ = event.caught_up().log_id();
    resuming_ = true;
    joined_ = true;
    pauses_.reset();
    observer_.on_joined();
  }
  observer_.on_event(event);
}

void session::end_join(const rpc::status& how) {
  join_ = {};
  joined_ = false;
  // on_connected() joins again.
  if (!channel_.connected()) return;
  const bool has_position = last_sequence_ != 0 || !log_id_.empty();
  if (how.ok() || is_passing(how.code)) {
    join_at_ = client::within(pauses_.next());
    channel_.at(join_at_, [this] { go_on(); });
  } else if (how.code == rpc::code::out_of_range && has_position) {
    start_over(false);
    observer_.on_log_restarted();
    go_on();
  } else {
    refused_ = true;
    observer_.on_refused(how);
  }
}

void session::end_publish(const rpc::result<chat::v1::PublishReply>& reply) {
  publish_ = {};
  const auto how = reply.status();
  // Not stored, or not known to be; the id makes a second try safe. The precondition is the Join, which may be on its way.
  if (is_passing(how.code) || how.code == rpc::code::failed_precondition) {
    publish_at_ = client::within(pauses_.next());
    return channel_.at(publish_at_, [this] { go_on(); });
  }
  const auto settled = std::move(outgoing_.front());
  outgoing_.pop_front();
  if (reply) {
    pauses_.reset();
    observer_.on_published(settled.text, *reply);
  } else {
    observer_.on_not_published(settled.text, how);
  }
  go_on();
}

void session::start_over(bool with_history) {
  resuming_ = !with_history;
  last_sequence_ = 0;
  log_id_.clear();
}

}  // namespace switchboard::chat_client
