#pragma once

/// A blocking client that is made anew when its connection has broken.
///
///     reconnecting_client server{*net::endpoint::parse("127.0.0.1:7777")};
///     if (const auto client = server.connected(within(5s))) call<Echo::say>(**client, request, within(1s));
///
/// Why        a break is the caller's to see: what was in flight ended UNAVAILABLE, and only the caller knows whether it
///            may be asked for again. So nothing is repeated; connected() just has a good connection for what comes
///            next.
/// Threads    one at a time, with its client and that one's streams.
/// Owns       the connection. Streams of one that broke tell their end as ever.
/// Errors     connected(): why the last attempt failed, once the deadline has passed.

#include <optional>

#include <switchboard/client/backoff.hpp>
#include <switchboard/client/blocking_client.hpp>

namespace switchboard::client {

class reconnecting_client {
public:
  explicit reconnecting_client(net::endpoint to, backoff pauses = {}, channel_options options = {})
      : to_(std::move(to)), pauses_(std::move(pauses)), options_(options) {}

  /// The client as it is, or one that is connected by `until`; it is good until the next connected(). Between attempts
  /// that fail it waits as the backoff says, also before the first one that follows a break. Names are looked up with
  /// each attempt.
  error_or<blocking_client*> connected(deadline until);

private:
  bool usable();

  net::endpoint to_;
  backoff pauses_;
  channel_options options_;
  std::optional<blocking_client> client_;
};

}  // namespace switchboard::client
