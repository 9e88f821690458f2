#pragma once

/// What a client makes the server hold, on an account of the server's ledger.
///
/// Why        output, input, requests and replies are where they are needed; added up once at the end of each turn they cost
///            some additions, whatever the turn did.
///            What is reserved for answers in the making (call_starter.hpp) is not on it: a client with one call that may
///            have a large answer would be taken for the one that holds most, and ended for what others hold.
/// Threads    the connection's. Where the ledger asks for the connection's end, on any: it sends memory_is_short.
/// Owns       the account, from its construction to close().

#include <optional>

#include <caf/event_based_actor.hpp>

#include <switchboard/actors/client_session.hpp>
#include <switchboard/actors/connection_environment.hpp>
#include <switchboard/actors/served_calls.hpp>
#include <switchboard/budget/account.hpp>
#include <switchboard/link/frame_link.hpp>

namespace switchboard::actors {

class client_memory final : private budget::holder {
public:
  /// `connection`, `over`, `calls` and `session` live longer.
  client_memory(caf::event_based_actor& connection, const connection_environment& environment,
                const link::frame_link& over, const served_calls& calls, const client_session& session);

  /// At the end of each turn.
  void add_up() noexcept {
    if (account_) account_->hold(link_.held_bytes() + of_calls(calls_.table()) + session_.replies_travelling());
  }
  /// Whether the connection holds more than itself, when the ledger has asked for its end: it may have given that back since, or
  /// have drawn more than it needed. Where it does not, the ledger does not ask for it any more.
  bool is_worth_ending() noexcept {
    if (!account_) return false;
    account_->give_back_slack();
    return account_->drawn() > budget::account::step;
  }
  /// The connection holds nothing any more.
  void close() noexcept { account_.reset(); }

private:
  /// About what an open call takes beside its messages: its entry in the table, its responder, and what its service keeps
  /// with that; for a stream also its queue or cursor, and its place among a room's members.
  static constexpr std::size_t unary_call_bytes = 256;
  static constexpr std::size_t stream_bytes = 1024;

  static std::size_t of_calls(const call_table& table) noexcept {
    return table.request_bytes() + (table.unary() + table.held()) * unary_call_bytes +
           (table.size() - table.unary()) * stream_bytes;
  }
  void on_shortage() noexcept override;

  caf::event_based_actor& connection_;
  const link::frame_link& link_;
  const served_calls& calls_;
  const client_session& session_;
  std::optional<budget::account> account_;
};

}  // namespace switchboard::actors
