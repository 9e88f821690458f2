#pragma once

/// The scenarios' client, on a thread of its own: it sends ten words of four bytes and closes.
///
/// Defects    of the published sample that this avoids: it closes its own socket, and an error is reported to the thread
///            that joins it, which every user must do.
/// Threads    made and joined by one thread.
/// Owns       its connection and its thread.
/// Errors     of the connection: by join().

#include "scenario.hpp"

#include <exception>
#include <thread>

namespace switchboard::scenarios {

inline constexpr std::size_t words = 10;
inline constexpr std::size_t bytes_of_a_client = words * 4;

class word_client {
public:
  word_client(const notify::port_backend& backend, net::endpoint server, clock::time_point deadline);

  /// Waits for the client's end; throws its error.
  void join();

private:
  std::exception_ptr met_;
  std::jthread thread_;
};

}  // namespace switchboard::scenarios
