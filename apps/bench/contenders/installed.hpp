#pragma once

/// Servers that are installed on this machine.
/// Threads    one.

#include <string>

#include <switchboard/net/endpoint.hpp>

namespace switchboard::bench {

/// The path of a program of PATH, or of the folders of the system's daemons, which are not in every user's; empty where there is none.
std::string found_in_path(const std::string& program);
/// The path of a program in the folder that this one is in.
std::string program_beside_this(const std::string& name);
/// A port of the loopback that was free a moment ago, for a server that cannot be asked which it took.
net::endpoint free_endpoint();

}  // namespace switchboard::bench
