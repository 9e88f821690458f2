#include "chat_client.hpp"

#include <charconv>

#include <switchboard/chat/v1/chat.pb.h>
#include <switchboard/wire/frame_encoder.hpp>

namespace switchboard::simulation {
namespace {

constexpr std::string_view join_method = "switchboard.chat.v1.Chat/Join";
constexpr std::string_view publish_method = "switchboard.chat.v1.Chat/Publish";
constexpr std::uint64_t join_call = 1;
/// Events that may come before credit is granted again.
constexpr std::uint32_t credit = 8;
/// Publishes that may wait for their replies together.
constexpr std::uint64_t window = 3;

/// Publishes have the odd numbers after the join's, in the order of the messages.
constexpr std::uint64_t call_of(std::uint64_t number) {
  return join_call + 2 * number;
}

std::string token_of(std::uint64_t seed) {
  return std::string(8, 'r') + std::string(reinterpret_cast<const char*>(&seed), sizeof seed);
}

}  // namespace

chat_client::chat_client(simulated::world& world, net::endpoint server, chat_role role, std::uint64_t seed,
                         chat_ledger& ledger)
    : wire_client(world, std::move(server), role.name, seed),
      role_(std::move(role)),
      ledger_(ledger),
      resume_token_(token_of(seed)) {}

void chat_client::on_connected() {
  owed_credit_ = 0;
  published_ = acknowledged_;
  chat::v1::JoinRequest join;
  join.set_room(role_.room);
  join.set_nickname(role_.name);
  join.set_resume_token(resume_token_);
  join.set_after_sequence(last_);
  // A room that held no message may have been forgotten meanwhile, and have begun anew.
  if (last_ == 0) log_id_.clear();
  join.set_log_id(log_id_);
  // After 0 there is no history without a limit.
  if (last_ == 0) join.set_history_limit(1'000'000);
  wire::append_open(output(), join_call, join_method, join.SerializeAsString(), true, credit, 0);
}

/// Right after the join, without waiting for anything, and several at once.
void chat_client::speak() {
  while (published_ < role_.messages && published_ - acknowledged_ < window) {
    ++published_;
    chat::v1::PublishRequest request;
    request.set_room(role_.room);
    request.set_text(std::to_string(published_));
    request.set_client_message_id(std::to_string(published_));
    // Numbers of calls only grow on a connection, and this one begins anew with each.
    wire::append_open(output(), call_of(published_), publish_method, request.SerializeAsString(), true, 0, 0);
  }
}

void chat_client::on_frame(const wire::frame_view& frame) {
  if (!frame.has_message) return;
  if (frame.call == join_call)
    take_event(frame);
  else
    take_reply(frame);
}

void chat_client::take_event(const wire::frame_view& frame) {
  chat::v1::RoomEvent event;
  if (!event.ParseFromArray(frame.message.data(), static_cast<int>(frame.message.size()))) return fault("no event");
  if (++owed_credit_ > dice().below(credit)) wire::append_credit(output(), join_call, std::exchange(owed_credit_, 0));
  if (event.has_gap()) return fault("a gap, though nothing is trimmed");
  if (event.has_caught_up()) {
    log_id_ = event.caught_up().log_id();
    if (event.caught_up().sequence() != last_)
      fault("caught up at " + std::to_string(event.caught_up().sequence()) + ", having read up to " +
            std::to_string(last_));
  }
  if (!event.has_message()) return;
  const auto& message = event.message();
  if (message.sequence() != last_ + 1)
    fault(std::to_string(message.sequence()) + " came behind " + std::to_string(last_));
  last_ = message.sequence();
  std::uint64_t number = 0;
  std::from_chars(message.text().data(), message.text().data() + message.text().size(), number);
  ledger_.delivered(role_.room, message.sequence(), message.sender(), number);
}

void chat_client::take_reply(const wire::frame_view& frame) {
  chat::v1::PublishReply reply;
  if (!reply.ParseFromArray(frame.message.data(), static_cast<int>(frame.message.size()))) return fault("no reply");
  const auto number = (frame.call - join_call) / 2;
  if (number != acknowledged_ + 1)
    fault("message " + std::to_string(number) + " was acknowledged behind " + std::to_string(acknowledged_));
  acknowledged_ = number;
  ledger_.acknowledged(role_.room, reply.sequence(), role_.name, number);
}

std::string chat_client::describe() const {
  return role_.name + " in " + role_.room + ": " + std::to_string(acknowledged_) + " of " +
         std::to_string(role_.messages) + " acknowledged, " + std::to_string(last_) + " of " +
         std::to_string(role_.everybody) + " read, " + (is_connected() ? "connected" : "away");
}

}  // namespace switchboard::simulation
