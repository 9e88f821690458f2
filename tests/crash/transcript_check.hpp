#pragma once

/// Whether what everybody heard and was told fits the log as it is in the end.

#include "talker.hpp"

#include <memory>
#include <string>
#include <vector>

namespace switchboard {

/// What does not fit, in words; `log` is all messages of the room, `talkers` have finished.
std::vector<std::string> faults_of(const std::vector<heard_message>& log,
                                   const std::vector<std::unique_ptr<talker>>& talkers);

}  // namespace switchboard
