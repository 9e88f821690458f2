#include "talker.hpp"

#include "event_loop.hpp"

#include <limits>

namespace switchboard {
namespace {

using namespace std::chrono_literals;

/// How soon a session notices what the test wants of it.
constexpr auto glance = 20ms;

}  // namespace

talker::talker(const net::endpoint& server, std::string room, std::string name)
    : name_(name),
      session_({.server = server,
                .room = std::move(room),
                .nickname = std::move(name),
                .history_limit = std::numeric_limits<std::uint32_t>::max(),
                .pauses = {.first = 2ms, .cap = 50ms}},
               *this),
      thread_([this] { run(); }) {}

void talker::finish() {
  over_ = true;
  if (thread_.joinable()) thread_.join();
}

void talker::run() {
  while (!over_) {
    chat_client::event_loop loop{session_, client::within(glance)};
    loop.until([this] {
      unacknowledged_ = session_.unacknowledged();
      return over_.load();
    });
  }
}

void talker::on_event(const chat::v1::RoomEvent& event) {
  if (event.has_gap()) surprises_.push_back("a gap");
  if (event.has_caught_up()) caught_up_ = true;
  if (!event.has_message()) return;
  const auto& message = event.message();
  heard_.push_back({message.sequence(), message.sender(), message.text()});
  last_heard_ = message.sequence();
}

void talker::on_joined() {
  if (session_.unacknowledged() == 0) publish_next();
}

void talker::on_published(const std::string& text, const chat::v1::PublishReply& reply) {
  acknowledgements_.push_back({reply.sequence(), text});
  last_acknowledged_ = std::max(last_acknowledged_.load(), reply.sequence());
  ++acknowledged_;
  publish_next();
}

void talker::on_not_published(const std::string& text, const rpc::status& why) {
  if (why.code != rpc::code::resource_exhausted)
    return surprises_.push_back("not published: " + text + ": " + why.message);
  ++refused_;
  session_.publish(text);
}

void talker::publish_next() {
  if (quiet_ || name_.empty()) return;
  session_.publish(std::to_string(++published_));
  unacknowledged_ = session_.unacknowledged();
}

}  // namespace switchboard
