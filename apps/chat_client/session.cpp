#include "session.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace switchboard::chat_client {
namespace {

constexpr std::string_view join_method = "switchboard.chat.v1.Chat/Join";
constexpr std::string_view publish_method = "switchboard.chat.v1.Chat/Publish";
constexpr std::string_view members_method = "switchboard.chat.v1.Chat/ListMembers";
constexpr std::string_view history_method = "switchboard.chat.v1.Chat/History";

/// Events the server may be ahead of what was taken; granted again by halves.
constexpr std::uint32_t event_credit = 256;
constexpr std::uint32_t request_timeout_ms = 10'000;
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
      backoff_(options_.first_backoff) {}

void session::advance() {
  if (!client_) {
    if (client::clock::now() < connect_at_) return;
    connect();
    if (!client_) return;
  }
  (void)client_->take_in();
  if (!connected_ && client_->channel().connected()) {
    connected_ = true;
    was_connected_ = true;
    connect_until_ = client::deadline::max();
    if (!refused_) open_join();
  }
  if (connected_ && client::clock::now() >= join_at_) open_join();
  bool progressed = true;
  while (progressed) {
    open_publish();
    progressed = take_join();
    progressed |= take_publish();
    progressed |= take_requests();
  }
  if (client_->broken()) {
    const auto& said = client_->connection_status();
    disconnect(said ? said->message : client_->broken().message());
  } else if (!connected_ && client::clock::now() >= connect_until_) {
    disconnect("no answer");
  }
}

std::optional<net::socket_handle> session::socket() {
  if (!client_) return std::nullopt;
  return client_->channel().handle();
}

bool session::wants_write() {
  return client_ && client_->channel().wants_write();
}

client::deadline session::wake_at() const {
  if (!client_) return connect_at_;
  auto at = std::min(connect_until_, connected_ ? join_at_ : client::deadline::max());
  if (join_ && !publish_ && !outgoing_.empty()) at = std::min(at, publish_at_);
  return at;
}

void session::join(std::string room, std::string nickname) {
  options_.room = std::move(room);
  options_.nickname = std::move(nickname);
  for (auto given_up = std::exchange(outgoing_, {}); const auto& each : given_up)
    observer_.on_not_published(each.text, {rpc::code::cancelled, "left the room"});
  publish_ = {};
  members_ = {};
  history_ = {};
  start_over(true);
  refused_ = false;
  joined_ = false;
  join_ = {};
  if (connected_) open_join();
}

bool session::publish(std::string text) {
  if (outgoing_.size() >= unacknowledged_limit) return false;
  outgoing_.push_back({std::move(text), random_id()});
  return true;
}

void session::request_members() {
  if (!connected_) return observer_.on_request_failed({rpc::code::unavailable, "not connected"});
  chat::v1::ListMembersRequest request;
  request.set_room(options_.room);
  members_ = client_->open(members_method, request, {.timeout_ms = request_timeout_ms, .end = true});
}

void session::request_history(std::uint32_t newest) {
  if (!connected_) return observer_.on_request_failed({rpc::code::unavailable, "not connected"});
  chat::v1::HistoryRequest request;
  request.set_room(options_.room);
  request.set_after_sequence(last_sequence_ > newest ? last_sequence_ - newest : 0);
  request.set_limit(newest);
  history_ = client_->open(history_method, request, {.timeout_ms = request_timeout_ms, .end = true});
}

void session::connect() {
  auto channel = client::frame_channel::start(options_.server);
  if (!channel) return disconnect(channel.error().message());
  client_.emplace(std::move(*channel));
  connected_ = false;
  connect_until_ = client::within(options_.connect_patience);
}

void session::disconnect(const std::string& reason) {
  join_ = {};
  publish_ = {};
  members_ = {};
  history_ = {};
  client_.reset();
  connected_ = false;
  joined_ = false;
  connect_until_ = client::deadline::max();
  join_at_ = client::deadline::max();
  const auto pause = next_backoff();
  connect_at_ = client::within(pause);
  publish_at_ = client::deadline::min();
  observer_.on_disconnected(reason, pause);
}

void session::open_join() {
  join_at_ = client::deadline::max();
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
  taken_ = 0;
  joined_ = false;
  join_ = client_->open(join_method, request, {.credit = event_credit, .end = true});
}

void session::open_publish() {
  // One at a time: were several under way, one that failed would be published again behind those after it.
  if (!connected_ || !join_ || publish_ || outgoing_.empty() || client::clock::now() < publish_at_) return;
  chat::v1::PublishRequest request;
  request.set_room(options_.room);
  request.set_text(outgoing_.front().text);
  request.set_client_message_id(outgoing_.front().id);
  const auto patience = std::chrono::ceil<std::chrono::milliseconds>(options_.publish_patience).count();
  publish_ = client_->open(publish_method, request, {.timeout_ms = static_cast<std::uint32_t>(patience), .end = true});
}

bool session::take_join() {
  bool progressed = false;
  chat::v1::RoomEvent event;
  while (join_ && join_.ready()) {
    progressed = true;
    const auto step = join_.next(event, client::no_wait);
    if (step.ended()) {
      join_ = {};
      if (!client_->broken()) end_join(step.status);
    } else if (step.has_message()) {
      if (++taken_ >= event_credit / 2) join_.grant(std::exchange(taken_, 0));
      take_room_event(event);
    }
  }
  return progressed;
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
    backoff_ = options_.first_backoff;
    observer_.on_joined();
  }
  observer_.on_event(event);
}

void session::end_join(const rpc::status& how) {
  joined_ = false;
  const bool has_position = last_sequence_ != 0 || !log_id_.empty();
  if (how.ok() || is_passing(how.code)) {
    join_at_ = client::within(next_backoff());
  } else if (how.code == rpc::code::out_of_range && has_position) {
    start_over(false);
    observer_.on_log_restarted();
    open_join();
  } else {
    refused_ = true;
    observer_.on_refused(how);
  }
}

bool session::take_publish() {
  if (!publish_ || !publish_.ready()) return false;
  chat::v1::PublishReply reply;
  const auto step = publish_.next(reply, client::no_wait);
  publish_ = {};
  if (step.has_message()) {
    const auto sent = std::move(outgoing_.front());
    outgoing_.pop_front();
    backoff_ = options_.first_backoff;
    observer_.on_published(sent.text, reply);
  } else if (is_passing(step.status.code) || step.status.code == rpc::code::failed_precondition) {
    // Not stored, or not known to be; the id makes a second try safe. The precondition is the Join, which may be on its
    // way.
    publish_at_ = client::within(next_backoff());
  } else {
    const auto given_up = std::move(outgoing_.front());
    outgoing_.pop_front();
    observer_.on_not_published(given_up.text, step.status);
  }
  return true;
}

bool session::take_requests() {
  bool progressed = false;
  if (members_ && members_.ready()) {
    chat::v1::ListMembersReply reply;
    const auto step = std::exchange(members_, {}).next(reply, client::no_wait);
    step.has_message() ? observer_.on_members(reply) : observer_.on_request_failed(step.status);
    progressed = true;
  }
  if (history_ && history_.ready()) {
    chat::v1::HistoryReply reply;
    const auto step = std::exchange(history_, {}).next(reply, client::no_wait);
    step.has_message() ? observer_.on_history(reply) : observer_.on_request_failed(step.status);
    progressed = true;
  }
  return progressed;
}

void session::start_over(bool with_history) {
  resuming_ = !with_history;
  last_sequence_ = 0;
  log_id_.clear();
}

client::clock::duration session::next_backoff() {
  const auto ceiling = std::exchange(backoff_, std::min(backoff_ * 2, options_.longest_backoff));
  // Half to all of it: clients that lost one server do not come back in step.
  return std::chrono::duration_cast<client::clock::duration>(ceiling *
                                                             std::uniform_real_distribution<double>(0.5, 1.0)(random_));
}

}  // namespace switchboard::chat_client
