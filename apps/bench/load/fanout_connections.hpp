#pragma once

/// The connections of a fan-out: publishers that may publish in every room, and members that are subscribed to one.
///
/// Threads    one.
/// Errors     std::runtime_error where one cannot be made.

#include "client_connection.hpp"
#include "fanout_load.hpp"
#include "measure/sequence_check.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace switchboard::bench {

struct fanout_connection {
  client_connection socket;
  std::unique_ptr<fanout_dialect::reader> reader;
  std::optional<std::size_t> room;           ///< that it is a member of; a publisher is of none
  std::vector<sequence_check> of_publisher;  ///< of a member: what it has of each
};

struct fanout_publisher : fanout_connection {
  std::unique_ptr<fanout_dialect::publisher> says;
};

class fanout_connections {
public:
  /// Connects and subscribes all, one after the other.
  fanout_connections(const net::endpoint& server, std::unique_ptr<fanout_dialect> dialect,
                     const fanout_workload& workload);

  struct room {
    std::string name;
    std::size_t members = 0;  ///< who read
  };

  epoll_set ready;
  std::vector<room> rooms;
  std::vector<fanout_publisher> publishers;
  std::vector<fanout_connection> members;
  std::vector<fanout_connection> unread;  ///< subscribed, and not watched

private:
  void open(fanout_connection& made, const net::endpoint& server);
  void subscribe(fanout_connection& made, const net::endpoint& server, std::size_t to);
  void wait_for_ready(std::size_t count, fanout_connection& on);

  std::unique_ptr<fanout_dialect> dialect_;
};

}  // namespace switchboard::bench
