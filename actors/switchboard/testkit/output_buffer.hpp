#pragma once

/// Bytes that wait for their connection to take them.
///
/// Threads    one at a time: the connection's owner.
/// Owns       the bytes; their bound is the owner's.
/// Errors     write() passes on the transport's.

#include <cstddef>
#include <string>

#include <switchboard/net/transport.hpp>

namespace switchboard::testkit {

class output_buffer {
public:
  /// Where wire's append_ functions write.
  std::string& tail();
  std::size_t size() const noexcept { return bytes_.size() - written_; }
  bool empty() const noexcept { return size() == 0; }

  /// Writes until all is gone (done), the transport takes no more (would_block), or it fails. An empty buffer writes what
  /// the transport holds.
  net::io_result write(net::transport& to);
  /// Drops everything.
  void clear() noexcept;

private:
  std::string bytes_;
  std::size_t written_ = 0;
};

}  // namespace switchboard::testkit
