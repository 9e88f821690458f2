#pragma once

/// How many connections a server has, in all and from each address, and whether there is a place for one more.
///
/// Threads    any.
/// Owns       a count for each address that has connections, where those are limited.
/// Errors     none: what has no place gets an empty one, and the limit's name.

#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

#include <switchboard/net/endpoint.hpp>

namespace switchboard::actors {

class open_connections;
/// An address and how many connections it has.
using connections_of_address = std::pair<const std::string, std::size_t>;

/// A connection's place, free again when this goes.
class connection_place {
public:
  connection_place() = default;
  /// `address`: null where addresses are not counted.
  connection_place(std::shared_ptr<open_connections> among, connections_of_address* address) noexcept
      : among_(std::move(among)), address_(address) {}
  connection_place(connection_place&&) noexcept = default;
  connection_place& operator=(connection_place&& other) noexcept {
    std::swap(among_, other.among_);
    std::swap(address_, other.address_);
    return *this;
  }
  ~connection_place();

  explicit operator bool() const noexcept { return among_ != nullptr; }

private:
  std::shared_ptr<open_connections> among_;
  connections_of_address* address_ = nullptr;
};

class open_connections : public std::enable_shared_from_this<open_connections> {
public:
  /// 0: no limit.
  open_connections(std::size_t in_all_max, std::size_t per_address_max) noexcept
      : in_all_max_(in_all_max), per_address_max_(per_address_max) {}

  enum class refusal : unsigned char { none, in_all, per_address };
  struct verdict {
    connection_place place;
    refusal why = refusal::none;  ///< where there is none
  };
  verdict take_place(const net::endpoint& peer);

private:
  friend class connection_place;
  void free_place(connections_of_address* address) noexcept;

  const std::size_t in_all_max_;
  const std::size_t per_address_max_;
  std::mutex mutex_;
  std::size_t in_all_ = 0;
  std::unordered_map<std::string, std::size_t> by_address_;
};

}  // namespace switchboard::actors
