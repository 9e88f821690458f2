#include "chat_ledger.hpp"

namespace switchboard::simulation {

void chat_ledger::delivered(const std::string& room, std::uint64_t sequence, const std::string& sender,
                            std::uint64_t number) {
  auto& page = rooms_[room];
  const message what{sender, number};
  const auto where = room + " " + std::to_string(sequence) + ": " + sender + "'s " + std::to_string(number);
  if (const auto [at, is_new] = page.at.emplace(sequence, what); !is_new && at->second != what)
    fault(where + ", and " + at->second.sender + "'s " + std::to_string(at->second.number));
  if (const auto [place, is_new] = page.place.emplace(what, sequence); !is_new && place->second != sequence)
    fault(where + " is at " + std::to_string(place->second) + " too");
}

void chat_ledger::acknowledged(const std::string& room, std::uint64_t sequence, const std::string& sender,
                               std::uint64_t number) {
  // Where it is acknowledged, every reader must find it.
  delivered(room, sequence, sender, number);
}

void chat_ledger::close(const std::string& room, const std::map<std::string, std::uint64_t>& counts) {
  std::map<std::string, std::uint64_t> seen;
  std::uint64_t expected = 1;
  for (const auto& [sequence, what] : rooms_[room].at) {
    if (sequence != expected++) fault(room + " has a gap in front of " + std::to_string(sequence));
    if (what.number != ++seen[what.sender])
      fault(room + " " + std::to_string(sequence) + ": " + what.sender + "'s " + std::to_string(what.number) +
            " is not in its place");
  }
  if (seen != counts) fault(room + " does not have what was published, and that alone");
}

}  // namespace switchboard::simulation
