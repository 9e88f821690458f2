#pragma once

/// How a server with rooms, channels or topics is talked to, so that the same load runs on servers of several protocols.
///
/// Threads    one.
/// Errors     std::runtime_error where the server refuses something, or says what is not of its protocol.

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace switchboard::bench {

/// What arrived on a connection, in whichever protocol.
class arrivals {
public:
  virtual ~arrivals() = default;
  /// The connection has what it asked for first: a member its subscription, the publisher its right to publish in a
  /// room.
  virtual void ready() = 0;
  /// A member's message.
  virtual void delivered(std::string_view text) = 0;
  /// The server took a message of the publisher.
  virtual void acknowledged() = 0;
  /// The protocol demands that these bytes be sent back.
  virtual void answer(std::string_view bytes) = 0;
};

/// How one server is talked to.
class fanout_dialect {
public:
  /// Understands the bytes of one connection.
  class reader {
  public:
    virtual ~reader() = default;
    /// @throws std::runtime_error where the server refuses something.
    virtual void feed(std::span<const std::byte> chunk, arrivals& into) = 0;
  };

  virtual ~fanout_dialect() = default;
  virtual std::unique_ptr<reader> make_reader() const = 0;
  /// Appends what makes a connection a member of `room`; one ready() answers it.
  virtual void subscribe(std::string& out, const std::string& room) const = 0;
  /// Publishes on one connection.
  class publisher {
  public:
    virtual ~publisher() = default;
    /// Appends what lets it publish in all `rooms`; returns how many ready() answer it.
    virtual std::size_t prepare(std::string& out, const std::vector<std::string>& rooms) = 0;
    /// Appends a publish; one acknowledged() answers it.
    virtual void publish(std::string& out, const std::string& room, std::string_view text) = 0;
  };
  virtual std::unique_ptr<publisher> make_publisher(std::size_t number) const = 0;
};

/// Switchboard's own: Chat/Join as an observer, Chat/Publish.
std::unique_ptr<fanout_dialect> switchboard_dialect();

}  // namespace switchboard::bench
