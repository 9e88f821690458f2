#pragma once

/// Health, Session and Reflection, which every server has (proto/switchboard/v1/services.proto).
/// Threads    see built_in_method.hpp.

#include <vector>

#include <switchboard/actors/built_in_method.hpp>

namespace switchboard::actors {

class service_directory;

/// Their methods, which describe `directory`; it must outlive them.
std::vector<built_in_entry> built_in_services(const service_directory& directory);

}  // namespace switchboard::actors
