#pragma once

/// Runs queries, apart from the service through which members publish.
///
///     message            from         effect
///     new_query          service      runs, or waits for others of its connection
///     found_piece        itself       a piece of a reply was found
///     rpc::call_ended    connections  its query is dropped
///     exit               service      queries end with UNAVAILABLE
///
/// Turns      at most `at_a_time` queries of one connection run, and `running_max` of all, a piece each at a time; connections
///            take turns in starting them, and pieces are found and added in turn, so that each connection has its share
///            whatever others ask for.
/// Memory     what a query takes at most is reserved from its connection's allowance before it comes here (chat_service.cpp).
///            Its reply and page count in the server's ledger from when it runs.
/// Threads    an actor.
/// Owns       the queries. Those that wait are bounded by their connections' allowances.
/// Errors     none of its own.

#include "chat_limits.hpp"
#include "chat_queries.hpp"

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include <switchboard/budget/account.hpp>
#include <switchboard/rpc/only_moved.hpp>

namespace switchboard::chat {

/// To the actor: a query to run, for it alone.
using new_query = rpc::only_moved<std::shared_ptr<query>>;

struct found_piece {
  std::weak_ptr<query> of;
  query_piece piece;
};
using found_piece_message = rpc::only_moved<found_piece>;

class query_actor : public caf::event_based_actor {
public:
  static constexpr std::size_t at_a_time = 4;
  static constexpr std::size_t running_max = 32;
  /// The most that one takes while it runs: its reply and a page.
  static constexpr std::size_t query_bytes = reply_bytes_max + history_query::page_bytes;

  /// @param memory  null: replies are counted nowhere
  query_actor(caf::actor_config& config, std::shared_ptr<budget::ledger> memory);

  const char* name() const override { return "chat.queries"; }
  void on_exit() override;

protected:
  caf::behavior make_behavior() override;

private:
  /// What one connection asks for.
  struct line {
    std::vector<std::shared_ptr<query>> running;
    std::multimap<std::uint64_t, std::shared_ptr<query>> waiting;  ///< by call, whose numbers grow; actors' have none
    bool in_turn = false;                                          ///< it is among those that are to start one

    bool may_start() const noexcept { return running.size() < at_a_time && !waiting.empty(); }
  };

  void on_query(std::shared_ptr<query> added);
  void on_piece(found_piece found);
  void on_ended(const rpc::call_ended& ended);
  void start_waiting(std::uint64_t caller);
  void start_in_turn();
  void start_one(line& of);
  void count_running(std::size_t now);
  void find_next(query& of);

  std::unordered_map<std::uint64_t, line> lines_;  ///< by caller; none is empty
  std::deque<std::uint64_t> turns_;                ///< callers that may start a query, in turn
  std::size_t running_ = 0;
  std::optional<budget::account> memory_;
};

}  // namespace switchboard::chat

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(switchboard::chat::new_query)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(switchboard::chat::found_piece_message)
