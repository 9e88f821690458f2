#include "resume_point.hpp"

#include "random_bytes.hpp"

#include <algorithm>
#include <limits>

namespace switchboard::chat_client {
namespace {

constexpr std::size_t token_size = 16;  // bytes (chat.proto)

}  // namespace

resume_point::resume_point() : token_(random_bytes(token_size)) {}

void resume_point::fill(chat::v1::JoinRequest& join, std::uint32_t history_limit) const {
  if (!join.nickname().empty()) join.set_resume_token(token_);
  join.set_after_sequence(last_sequence_);
  join.set_log_id(log_id_);
  // After sequence 0 a Join gets no more history than its limit (chat.proto), so a client that left an empty room asks
  // for all of it.
  const auto missed = last_sequence_ == 0 ? std::numeric_limits<std::uint32_t>::max() : 0;
  join.set_history_limit(resuming_ ? missed : history_limit);
}

bool resume_point::advance(const chat::v1::RoomEvent& event) {
  if (event.has_message()) {
    if (event.message().sequence() <= last_sequence_) return false;
    last_sequence_ = event.message().sequence();
    resuming_ = true;
  } else if (event.has_gap()) {
    last_sequence_ = std::max(last_sequence_, event.gap().to());
  } else if (event.has_caught_up()) {
    last_sequence_ = std::max(last_sequence_, event.caught_up().sequence());
    log_id_ = event.caught_up().log_id();
    resuming_ = true;
  }
  return true;
}

void resume_point::leave_room() {
  last_sequence_ = 0;
  log_id_.clear();
  resuming_ = false;
}

void resume_point::restart_log() {
  leave_room();
  resuming_ = true;
}

}  // namespace switchboard::chat_client
