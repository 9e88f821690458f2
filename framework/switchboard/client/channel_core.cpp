#include <algorithm>
#include <utility>

#include <switchboard/client/channel_core.hpp>
#include <switchboard/error/errc.hpp>

namespace switchboard::client {
namespace {

using phase = connector::phase;
using rpc::code;

link::limits limits_of(const channel_options& options) {
  return {.frame_bytes_max = options.limits.frame_bytes_max,
          .outbound_high_bytes = options.output_high_bytes,
          .outbound_low_bytes = options.output_low_bytes,
          .handshake_timeout = options.connect_timeout};
}

}  // namespace

channel_core::channel_core(channel_owner& owner, link::driver& by, net::endpoint to, const channel_options& options)
    : owner_(owner),
      driver_(by),
      to_(std::move(to)),
      limits_(limits_of(options)),
      wait_for_connection_(options.wait_for_connection),
      connector_(options.reconnect, options.connect_timeout),
      calls_(options.limits) {}

// -- connecting -----------------------------------------------------------------------------------------------------

bool channel_core::look_at_time() {
  const auto now = driver_.now();
  bool due = calls_.expire(now);
  if (connector_.late(now)) {
    lose({code::unavailable, to_.to_string() + ": no connection in time"});
    if (link_) link_->close(link::close_reason::handshake_timeout);
    due = true;
  }
  if (!link_ && connector_.begin(now)) {
    owner_.dial(to_);
    due = true;
  }
  return due;
}

deadline channel_core::wake_at() const noexcept {
  const bool closing = link_ && connector_.is(phase::resting);
  return std::min(closing ? deadline::max() : connector_.wake_at(), calls_.nearest_deadline());
}

void channel_core::dialed(error_or<std::unique_ptr<net::transport>> connection) {
  if (!connector_.is(phase::connecting) || link_) return;
  if (!connection) return lose({code::unavailable, to_.to_string() + ": " + connection.error().message()});
  link::upper_layer& calls = *this;
  link_ = std::make_unique<link::frame_link>(calls, driver_, limits_, std::move(*connection));
  link_->start();
}

void channel_core::on_open() {
  connector_.connected();
  calls_.connected(*this, driver_.now());
  owner_.on_connected();
}

// -- the end of a connection ----------------------------------------------------------------------------------------

void channel_core::lose(const rpc::status& why) {
  const auto now = driver_.now();
  connector_.lost(now);
  const bool ended = connector_.is(phase::ended);
  if (ended && !why_ended_) why_ended_ = why;
  calls_.disconnected(why, ended || !wait_for_connection_ ? call_table::without_connection::fail
                                                          : call_table::without_connection::wait);
  owner_.on_lost(why, ended ? std::nullopt : std::optional{connector_.wake_at() - now});
}

/// The same where the server is still to read the last frames for it.
void channel_core::leave(const rpc::status& why, link::close_reason reason) {
  lose(why);
  link_->finish({reason, limits_.flush_timeout, limits_.linger});
}

void channel_core::shut_down(const rpc::status& why) {
  if (why_ended_) return;
  why_ended_ = why;
  connector_.end();
  calls_.disconnected(why, call_table::without_connection::fail);
  if (!link_) return;
  if (link::may_send(link_->now()))
    link_->finish({link::close_reason::stopped, limits_.flush_timeout, std::chrono::milliseconds{0}});
  else
    link_->close(link::close_reason::stopped);
}

void channel_core::on_end_of_stream() {
  lose(calls_.on_error(make_error_code(errc::end_of_stream)));
  link_->close(link::close_reason::end_of_stream);
}

void channel_core::on_closing(link::close_reason reason, std::error_code why) {
  if (connected() || connector_.is(phase::connecting))
    lose({code::unavailable, to_.to_string() + ": " + (why ? why.message() : link::to_string(reason))});
}

// -- frames ---------------------------------------------------------------------------------------------------------

void channel_core::on_frame(const wire::frame_view& frame) {
  connector_.proven();
  if (const auto why = calls_.on_frame(frame))
    leave(*why, frame.call == 0 ? link::close_reason::ended_by_peer : link::close_reason::protocol_error);
}

void channel_core::add(std::string_view frame) {
  // One lane for all, in the order they were made. It is the streams': a server that does not read is read from all the
  // same, since it may wait for its replies to be taken.
  link_->output().add_stream_frame([&](std::string& out) { out.append(frame); });
}

void channel_core::end_turn() {
  if (!link_) return;
  link_->end_turn();
  if (link_->now() == link::state::closed) link_ = nullptr;
}

}  // namespace switchboard::client
