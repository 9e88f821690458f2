#pragma once

/// What contenders of a fan-out have in common that are programs installed on the machine.
///
/// Threads    one.
/// Errors     std::runtime_error where the server does not start, or refuses something.

#include "contender.hpp"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace switchboard::bench {

/// A server of that name in PATH or beside the system's daemons, and in Debian's package of that name.
/// `options`: with which it listens there and keeps nothing.
contender<fanout_workload> installed_fanout(std::string program,
                                            std::function<std::vector<std::string>(const net::endpoint&)> options,
                                            std::function<std::unique_ptr<fanout_dialect>()> dialect);

/// Keeps what has not come whole of a protocol whose messages come one after the other.
class message_reader : public fanout_dialect::reader {
public:
  void feed(std::span<const std::byte> chunk, arrivals& into) final;

private:
  /// Takes the message that `text` begins with; returns its bytes, or 0 while it has not come whole.
  virtual std::size_t take(std::string_view text, arrivals& into) = 0;

  std::string partial_;
};

/// Reads a text protocol's lines, and the bytes that they announce.
struct text_cursor {
  std::string_view text;
  std::size_t position = 0;

  /// Up to CRLF; empty while that has not come.
  std::string_view line();
  /// So many bytes and a CRLF; false while they have not come.
  bool bytes(std::size_t count, std::string_view& content);
};

}  // namespace switchboard::bench
