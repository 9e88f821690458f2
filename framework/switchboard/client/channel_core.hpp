#pragma once

/// A channel without what drives it: the calls open to one server, over one link after another.
///
/// Why        connecting, losing a connection and connecting again, deadlines, and what a server may not do are the same
///            for a thread that waits and for an actor.
/// Threads    one at a time: its driver's.
/// Owns       the calls, and the link while there is one. A link that ends is there until its socket is closed; the next
///            attempt begins after that.
/// Turns      after whatever is done with it, end_turn() comes last.
/// Errors     a call's to its handler, a connection's to the calls that were sent over it, and to the owner.

#include <memory>
#include <optional>

#include <switchboard/client/call_table.hpp>
#include <switchboard/client/channel_options.hpp>
#include <switchboard/client/connector.hpp>
#include <switchboard/link/frame_link.hpp>
#include <switchboard/net/endpoint.hpp>

namespace switchboard::client {

/// What a channel asks of its owner, and reports to it.
class channel_owner {
public:
  /// Starts a connection: it is to be passed to channel_core::dialed(), at once or later.
  virtual void dial(const net::endpoint& to) = 0;
  virtual void on_connected() {}
  /// Why it broke or could not be made, and how long until the next attempt; no time where none follows.
  virtual void on_lost(const rpc::status&, std::optional<clock::duration>) {}
  /// Streams of requests may go on.
  virtual void on_output_low() {}

protected:
  ~channel_owner() = default;
};

class channel_core final : private link::upper_layer, private frame_output {
public:
  /// All but the options live longer than the channel.
  channel_core(channel_owner& owner, link::driver& by, net::endpoint to, const channel_options& options);

  call_table& calls() noexcept { return calls_; }
  bool connected() const noexcept { return connector_.is(connector::phase::connected); }
  /// Why there will be no connection any more.
  const std::optional<rpc::status>& why_ended() const noexcept { return why_ended_; }

  /// Lets deadlines pass and begins to connect, as is due; whether anything was.
  bool look_at_time();
  /// When look_at_time() has something to do.
  deadline wake_at() const noexcept;
  /// What came of dial(). One that comes too late is dropped.
  void dialed(error_or<std::unique_ptr<net::transport>> connection);
  /// No connection any more; what was sent still leaves.
  void shut_down(const rpc::status& why);

  /// For the driver's events, and what waits to be sent; null while there is none.
  link::frame_link* link() noexcept { return link_.get(); }
  void end_turn();

private:
  void lose(const rpc::status& why);
  void leave(const rpc::status& why, link::close_reason reason);

  void on_open() override;
  void on_frame(const wire::frame_view& frame) override;
  void on_malformed(std::error_code why) override { leave(calls_.on_error(why), link::close_reason::protocol_error); }
  void on_end_of_stream() override;
  void on_output_low() override { owner_.on_output_low(); }
  void on_closing(link::close_reason reason, std::error_code why) override;
  void on_closed(link::close_reason) override {}

  void add(std::string_view frame) override;
  std::size_t size() const noexcept override { return link_->output().bytes(); }

  channel_owner& owner_;
  link::driver& driver_;
  const net::endpoint to_;
  const link::limits limits_;
  const bool wait_for_connection_;
  connector connector_;
  call_table calls_;
  std::unique_ptr<link::frame_link> link_;
  std::optional<rpc::status> why_ended_;
};

}  // namespace switchboard::client
