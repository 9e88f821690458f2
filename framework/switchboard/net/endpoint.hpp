#pragma once

/// An address to listen at or connect to, as people write it: `host:port` or `[ipv6]:port`, with `tcp:` before
/// it or not, or `unix:/path`.
/// Threads    a value.
/// Errors     invalid_endpoint for text that is none of the three.

#include <cstdint>
#include <string>
#include <string_view>

#include <switchboard/error/error_or.hpp>

namespace switchboard::net {

class endpoint {
public:
  enum class family : unsigned char { tcp, local };  ///< not "unix": GNU compilers define that as a macro

  endpoint() = default;
  static error_or<endpoint> parse(std::string_view text);
  static endpoint tcp(std::string host, std::uint16_t port);
  static endpoint unix_path(std::string path);

  family kind() const noexcept { return kind_; }
  const std::string& host() const noexcept { return host_; }  ///< without brackets; empty for unix
  const std::string& path() const noexcept { return host_; }  ///< of a unix endpoint; empty where the peer is unnamed
  std::uint16_t port() const noexcept { return port_; }

  /// Whether the host is a name that has to be looked up, which may take long (net/network.hpp, "Blocking").
  bool needs_lookup() const noexcept;

  /// The form parse() reads.
  std::string to_string() const;

  friend bool operator==(const endpoint&, const endpoint&) = default;

private:
  family kind_ = family::tcp;
  std::uint16_t port_ = 0;
  std::string host_;
};

}  // namespace switchboard::net
