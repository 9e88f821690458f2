#pragma once

/// Who is in a room: a nickname has one holder, and a connection one nickname at most.
///
/// Threads    the room's; the number of members may be read on any.
/// Owns       the memberships.
/// Errors     refusal() says why a connection may not enter, as a status for its client.

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include <switchboard/metrics/registry.hpp>
#include <switchboard/rooms/call_key.hpp>
#include <switchboard/rooms/room.hpp>
#include <switchboard/rpc/status.hpp>

namespace switchboard::rooms {

class roster {
public:
  /// @param size      shows how many members there are to those who look from outside.
  /// @param in_rooms  counts the members of all rooms.
  roster(std::shared_ptr<std::atomic<std::uint32_t>> size, metrics::gauge in_rooms)
      : size_(std::move(size)), in_rooms_(std::move(in_rooms)) {}

  /// Why the connection of `call` may not enter under this nickname; OK where it may. A holder's own token, which is not
  /// empty, takes its membership over.
  rpc::status refusal(call_key call, const std::string& nickname, const std::string& resume_token) const;

  struct entrance {
    std::uint64_t membership = 0;       ///< unique in the room
    std::optional<call_key> displaced;  ///< the holder's call until now, where a membership was taken over
  };
  /// @pre refusal() is OK
  entrance enter(call_key call, const std::string& nickname, std::string resume_token);

  struct departure {
    std::uint64_t membership = 0;
    std::string nickname;
  };
  /// Ends the membership that `call` holds; nothing where it holds none, as an observer's.
  std::optional<departure> leave(call_key call);

  /// The nickname under which a connection is in the room; null where it is not.
  const std::string* nickname_of(std::uint64_t caller) const;
  members_page page(const room_members& wanted) const;
  void clear();

private:
  struct membership {
    std::uint64_t id = 0;
    call_key holder;
    std::string resume_token;
  };
  using members_by_name = std::map<std::string, membership, std::less<>>;

  void show_size() noexcept;

  const std::shared_ptr<std::atomic<std::uint32_t>> size_;
  const metrics::gauge in_rooms_;
  members_by_name members_;
  std::unordered_map<std::uint64_t, members_by_name::iterator> by_caller_;
  std::uint64_t memberships_ = 0;  ///< ever
};

}  // namespace switchboard::rooms
