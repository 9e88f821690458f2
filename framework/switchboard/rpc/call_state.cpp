#include <algorithm>

#include <switchboard/rpc/call_state.hpp>

namespace switchboard::rpc {
namespace {

using enum call_state;

/// Where an event changes no state: none leads back to idle.
constexpr auto none = idle;

// clang-format off
/// The table of the header. Messages, which have no column, change no state.
constexpr call_state next_states[call_states][6] = {
    //                       open  accept   requests_end         replies_end         status  release
    /* idle */                {open, pending, none,                none,               closed, none},
    /* pending */             {none, none,    pending_half_closed, half_closed_server, held,   open},
    /* pending_half_closed */ {none, none,    none,                closed,             held,   half_closed_client},
    /* open */                {none, none,    half_closed_client,  half_closed_server, closed, none},
    /* half_closed_client */  {none, none,    none,                closed,             closed, none},
    /* half_closed_server */  {none, none,    closed,              none,               closed, none},
    /* held */                {none, none,    none,                none,               none,   closed},
    /* closed */              {none, none,    none,                none,               none,   none},
};
// clang-format on

std::uint32_t add_credit(std::uint32_t& credit, std::uint32_t messages) noexcept {
  const auto counted = std::min(messages, call_machine::credit_max - credit);
  credit += counted;
  return counted;
}

}  // namespace

call_effect call_machine::apply_any(call_event what) noexcept {
  if (what == call_event::request) {
    const auto effect = take_message(request_credit_);
    return effect == call_effect::taken && !requests_read() ? call_effect::ignored : effect;
  }
  auto next = next_states[static_cast<std::size_t>(state_)][static_cast<std::size_t>(what)];
  if (next == none) return call_effect::ignored;
  // A request that is no stream is complete with its opening frame.
  if (state_ == idle && next == open && !streams_requests(kind_)) next = half_closed_client;
  if (state_ == idle && next == pending && !streams_requests(kind_)) next = pending_half_closed;
  const bool had_ended = ended();
  state_ = next;
  if (!requests_open()) request_credit_ = 0;
  if (!replies_open()) reply_credit_ = 0;
  return ended() && !had_ended ? call_effect::ended : call_effect::taken;
}

std::uint32_t call_machine::grant_requests(std::uint32_t messages) noexcept {
  return streams_requests(kind_) && requests_read() ? add_credit(request_credit_, messages) : 0;
}

std::uint32_t call_machine::grant_replies(std::uint32_t messages) noexcept {
  return streams_replies(kind_) && (state_ == idle || replies_open()) ? add_credit(reply_credit_, messages) : 0;
}

}  // namespace switchboard::rpc
