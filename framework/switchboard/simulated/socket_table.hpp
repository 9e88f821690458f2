#pragma once

/// The open sockets of a simulated world, by number. A number is free again once its socket is closed, and the lowest free
/// one is given out first, as POSIX has it for descriptors.
/// Threads    one at a time.
/// Owns       the sockets.

#include <cstdint>
#include <memory>
#include <set>
#include <vector>

#include <switchboard/simulated/socket.hpp>

namespace switchboard::simulated {

class socket_table {
public:
  socket& add(socket_kind kind);
  /// @return the socket, which is no longer in the table.
  std::unique_ptr<socket> remove(const socket& one);

  /// Null where no open socket has the number.
  socket* find(net::socket_handle handle) const noexcept;
  /// Null where that socket is closed, whatever has its number now.
  socket* find(const socket_name& name) const noexcept;

  std::size_t size() const noexcept { return count_; }
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (const auto& each : sockets_)
      if (each) visit(*each);
  }

private:
  std::vector<std::unique_ptr<socket>> sockets_;
  std::set<std::size_t> free_numbers_;
  std::size_t count_ = 0;
  std::uint64_t identities_ = 0;
};

}  // namespace switchboard::simulated
