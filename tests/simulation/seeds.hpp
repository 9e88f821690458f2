#pragma once

/// Which worlds a test runs, and their weather. SWITCHBOARD_SIMULATION_SEED=N runs that seed alone,
/// SWITCHBOARD_SIMULATION_SEEDS=N that many.
/// Threads    any.

#include <cstdint>
#include <functional>
#include <string>

#include <switchboard/simulated/weather.hpp>

namespace switchboard::simulation {

/// A day of its own for each seed: some faults, of any strength up to bad.
simulated::weather weather_of(std::uint64_t seed);

/// Calls `run` with 1 to `count`, or with what the environment asks for, until one says what went wrong, which fails the
/// running test with the seed that shows it again.
void for_each_seed(std::uint64_t count, const std::function<std::string(std::uint64_t seed)>& run);

}  // namespace switchboard::simulation
