#pragma once

/// What all clients together have seen of the rooms, and whether it fits together: no message lost, doubled or out of
/// order.
/// Threads    one.

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace switchboard::simulation {

class chat_ledger {
public:
  /// A client has found the `number`th message of `sender` (from 1) at `sequence`.
  void delivered(const std::string& room, std::uint64_t sequence, const std::string& sender, std::uint64_t number);
  /// It was acknowledged to its sender.
  void acknowledged(const std::string& room, std::uint64_t sequence, const std::string& sender, std::uint64_t number);
  void fault(std::string what) { faults_.push_back(std::move(what)); }

  /// Whether each sender's messages are there, 1 to `count`, in that order, and nothing else.
  void close(const std::string& room, const std::map<std::string, std::uint64_t>& counts);

  const std::vector<std::string>& faults() const noexcept { return faults_; }

private:
  struct message {
    std::string sender;
    std::uint64_t number;
    friend bool operator==(const message&, const message&) = default;
    friend auto operator<=>(const message&, const message&) = default;
  };
  struct room_page {
    std::map<std::uint64_t, message> at;
    std::map<message, std::uint64_t> place;
  };

  std::map<std::string, room_page> rooms_;
  std::vector<std::string> faults_;
};

}  // namespace switchboard::simulation
