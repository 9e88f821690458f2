#pragma once

/// Whether what every talker received, and what was acknowledged to it, agrees with the log at the end.

#include "talker.hpp"

#include <memory>
#include <string>
#include <vector>

namespace switchboard {

/// @return each contradiction, in words. `log`: all messages of the room; `talkers` have finished.
std::vector<std::string> faults_of(const std::vector<heard_message>& log,
                                   const std::vector<std::unique_ptr<talker>>& talkers);

}  // namespace switchboard
