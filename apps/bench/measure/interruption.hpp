#pragma once

/// SIGINT and SIGTERM end a run in order: what waits or repeats then throws, so that servers are stopped and what was written for
/// the measurement is removed. A second signal ends the process at once.
///
/// Threads    any.

namespace switchboard::bench {

/// From now on; a signal that is ignored stays so, as for a program that a shell runs in the background.
void end_in_order_when_interrupted();
/// The signal that came; 0: none did.
int interrupted_by() noexcept;
/// @throws std::runtime_error where one came
void check_interruption();

}  // namespace switchboard::bench
