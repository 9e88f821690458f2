#include <algorithm>

#include <switchboard/notify/epoll_port.hpp>
#include <switchboard/testkit/chosen_network.hpp>
#include <switchboard/testkit/frame_channel.hpp>
#include <switchboard/v1/frame.pb.h>
#include <switchboard/wire/frame_encoder.hpp>

namespace switchboard::testkit {
namespace {

constexpr std::size_t scratch_size = 16 * 1024;

notify::interest interest_in(net::readiness waited_for) noexcept {
  return waited_for == net::readiness::writable ? notify::interest::out : notify::interest::in;
}

}  // namespace

error_or<frame_channel> frame_channel::start(const net::endpoint& to, frame_channel_options options) {
  auto& network = options.network ? *options.network : chosen_network();
  auto transport = network.connect(to);
  if (!transport) return transport.error();
  auto channel = adopt(std::move(*transport), options);
  if (channel) channel->connected_ = false;
  return channel;
}

error_or<frame_channel> frame_channel::adopt(std::unique_ptr<net::transport> transport, frame_channel_options options) {
  auto port = notify::make_epoll_port();
  if (!port) return port.error();
  frame_channel channel(std::move(transport), std::move(*port), options);
  channel.connected_ = true;
  return channel;
}

error_or<frame_channel> frame_channel::connect(const net::endpoint& to, client::deadline until,
                                               frame_channel_options options) {
  auto channel = start(to, options);
  if (!channel) return channel;
  if (const auto error = channel->await_connected(until)) return error;
  return channel;
}

frame_channel::frame_channel(std::unique_ptr<net::transport> transport, std::unique_ptr<notify::notification_port> port,
                             frame_channel_options options)
    : transport_(std::move(transport)),
      port_(std::move(port)),
      options_(options),
      decoder_(options.frame_limit),
      scratch_(std::make_unique_for_overwrite<std::byte[]>(scratch_size)) {}

frame_channel& frame_channel::operator=(frame_channel&& other) noexcept {
  // Member by member in order of declaration the socket would be closed while its port still knows it.
  port_.reset();
  transport_ = std::move(other.transport_);
  port_ = std::move(other.port_);
  options_ = other.options_;
  decoder_ = std::move(other.decoder_);
  scratch_ = std::move(other.scratch_);
  output_ = std::move(other.output_);
  connected_ = other.connected_;
  chunk_drained_ = other.chunk_drained_;
  return *this;
}

std::error_code frame_channel::await_connected(client::deadline until) {
  while (!connected_) {
    const auto shaken = transport_->handshake();
    if (shaken.outcome == net::io_outcome::failed) return shaken.error;
    if (shaken.outcome == net::io_outcome::end_of_stream) return make_error_code(errc::end_of_stream);
    connected_ = shaken.outcome == net::io_outcome::done;
    if (connected_) break;
    if (const auto error = wait(interest_in(shaken.waits_for), until)) return error;
  }
  return {};
}

std::error_code frame_channel::send_bytes(std::string_view bytes, client::deadline until) {
  if (output_.size() > options_.output_limit) {
    if (const auto error = flush(until))
      return error == errc::timed_out ? make_error_code(std::errc::no_buffer_space) : error;
  }
  output_.tail().append(bytes);
  return flush(until);
}

std::error_code frame_channel::send(const v1::Frame& frame, client::deadline until) {
  std::string bytes;
  wire::append_frame(bytes, frame);
  return send_bytes(bytes, until);
}

std::error_code frame_channel::flush(client::deadline until) {
  if (const auto error = await_connected(until)) return error;
  while (true) {
    notify::interest waits_for = notify::interest::out;
    if (const auto error = write_some(waits_for)) return error;
    if (!wants_write()) return {};
    if (const auto error = wait(waits_for, until)) return error;
  }
}

std::error_code frame_channel::write_some(notify::interest& waits_for) {
  const auto result = output_.write(*transport_);
  waits_for = interest_in(result.waits_for);
  if (result.outcome == net::io_outcome::end_of_stream) return make_error_code(errc::end_of_stream);
  return result.error;
}

std::error_code frame_channel::read_some(std::size_t& bytes, notify::interest& waits_for) {
  auto result = transport_->read({scratch_.get(), scratch_size});
  while (result.outcome == net::io_outcome::would_block && transport_->holds_input())
    result = transport_->read({scratch_.get(), scratch_size});
  waits_for = interest_in(result.waits_for);
  switch (result.outcome) {
    case net::io_outcome::done:
      bytes = result.bytes;
      return {};
    case net::io_outcome::would_block:
      return make_error_code(errc::timed_out);
    case net::io_outcome::end_of_stream:
      return make_error_code(errc::end_of_stream);
    case net::io_outcome::failed:
      break;
  }
  return result.error;
}

std::error_code frame_channel::receive(wire::frame_view& frame, client::deadline until) {
  if (const auto error = await_connected(until)) return error;
  while (true) {
    if (!chunk_drained_ || decoder_.error()) {
      switch (decoder_.next(frame)) {
        case wire::frame_decoder::outcome::frame:
          return {};
        case wire::frame_decoder::outcome::failed:
          return decoder_.error();
        case wire::frame_decoder::outcome::need_more:
          chunk_drained_ = true;
      }
    }
    std::size_t bytes = 0;
    notify::interest waits_for = notify::interest::in;
    const auto error = read_some(bytes, waits_for);
    if (!error) {
      decoder_.feed({scratch_.get(), bytes});
      chunk_drained_ = false;
    } else if (error != errc::timed_out) {
      return error;
    } else if (const auto waited = wait(waits_for, until)) {
      return waited;
    }
  }
}

std::error_code frame_channel::receive(v1::Frame& frame, client::deadline until) {
  wire::frame_view view;
  if (const auto error = receive(view, until)) return error;
  frame.Clear();
  frame.set_call(view.call);
  frame.set_method(view.method.data(), view.method.size());
  if (view.has_message) frame.set_message(view.message.data(), view.message.size());
  frame.set_end(view.end);
  frame.set_credit(view.credit);
  frame.set_timeout_ms(view.timeout_ms);
  for (const auto& each : view.metadata) {
    auto* pair = frame.add_metadata();
    pair->set_key(each.key.data(), each.key.size());
    pair->set_value(each.value.data(), each.value.size());
  }
  // A status that does not parse has no frame around it (frame_decoder).
  if (view.has_status)
    (void)frame.mutable_status()->ParseFromArray(view.status.data(), static_cast<int>(view.status.size()));
  return {};
}

std::error_code frame_channel::half_close(client::deadline until) {
  if (const auto error = flush(until)) return error;
  if (const auto error = transport_->shutdown_write()) return error;
  return flush(until);
}

std::error_code frame_channel::await_end(client::deadline until) {
  decoder_ = wire::frame_decoder(options_.frame_limit);
  chunk_drained_ = true;
  while (true) {
    std::size_t bytes = 0;
    notify::interest waits_for = notify::interest::in;
    const auto error = read_some(bytes, waits_for);
    if (!error) continue;
    if (error == errc::end_of_stream) return {};
    if (error != errc::timed_out) return error;
    if (const auto waited = wait(waits_for, until)) return waited;
  }
}

std::error_code frame_channel::wait(notify::interest wanted, client::deadline until) {
  const auto now = client::clock::now();
  const auto timeout = until == client::deadline::max() ? notify::notification_port::infinite
                       : until > now                    ? until - now
                                                        : client::clock::duration::zero();
  notify::request arm{.socket = transport_->handle(), .filter = wanted, .op = notify::operation::enable};
  notify::packet packet;
  const auto packets = port_->process({&arm, 1}, {&packet, 1}, timeout);
  if (!packets) return packets.error();
  if (arm.result) return arm.result;
  return *packets == 0 ? make_error_code(errc::timed_out) : std::error_code{};
}

}  // namespace switchboard::testkit
