#include "transcript_check.hpp"

#include <map>

namespace switchboard {

std::vector<std::string> faults_of(const std::vector<heard_message>& log,
                                   const std::vector<std::unique_ptr<talker>>& talkers) {
  std::vector<std::string> faults;
  const auto is_in_log = [&log](const heard_message& what) {
    return what.sequence >= 1 && what.sequence <= log.size() && log[what.sequence - 1].sender == what.sender &&
           log[what.sequence - 1].text == what.text;
  };
  std::map<std::string, std::uint64_t> said;
  for (std::size_t i = 0; i < log.size(); ++i) {
    const auto& each = log[i];
    if (each.sequence != i + 1)
      faults.push_back("the log has " + std::to_string(each.sequence) + " at place " + std::to_string(i + 1));
    // Every talker publishes 1, 2, 3, …, each once the one before is acknowledged.
    if (each.text != std::to_string(++said[each.sender]))
      faults.push_back(std::to_string(each.sequence) + ": " + each.sender + " said " + each.text + ", not " +
                       std::to_string(said[each.sender]));
  }
  for (const auto& who : talkers) {
    for (const auto& each : who->surprises()) faults.push_back(who->name() + ": " + each);
    for (const auto& each : who->acknowledgements())
      if (!is_in_log({each.sequence, who->name(), each.text}))
        faults.push_back(who->name() + "'s " + each.text + " was acknowledged at " + std::to_string(each.sequence) +
                         " and is not there");
    std::uint64_t before = 0;
    for (const auto& each : who->heard()) {
      if (before != 0 && each.sequence != before + 1)
        faults.push_back(who->name() + " heard " + std::to_string(each.sequence) + " behind " + std::to_string(before));
      before = each.sequence;
      if (!is_in_log(each))
        faults.push_back(who->name() + " heard " + each.sender + "'s " + each.text + " at " +
                         std::to_string(each.sequence) + ", which is not there");
    }
    if (!log.empty() && before != log.size())
      faults.push_back(who->name() + " heard up to " + std::to_string(before) + " of " + std::to_string(log.size()));
  }
  return faults;
}

}  // namespace switchboard
