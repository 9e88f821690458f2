#include "wire_client.hpp"

#include <switchboard/rpc/status.hpp>
#include <switchboard/v1/frame.pb.h>

namespace switchboard::simulation {

using net::io_outcome;

wire_client::wire_client(simulated::world& world, net::endpoint server, std::string name, std::uint64_t seed)
    : world_(world), server_(std::move(server)), name_(std::move(name)), dice_(seed) {}

bool wire_client::step() {
  if (!transport_) {
    if (is_done() || world_.now() < connect_at_) return false;
    connect();
    return true;
  }
  speak();
  // Both, or a client that always writes would never read.
  const bool wrote = write();
  return (transport_ && read()) || wrote;
}

void wire_client::connect() {
  auto made = world_.network().connect(server_);
  if (!made) return fault("connect: " + made.error().message());
  transport_ = std::move(*made);
  decoder_ = std::make_unique<wire::frame_decoder>();
  output_.clear();
  on_connected();
}

void wire_client::disconnect() {
  transport_ = nullptr;
  connect_at_ = world_.now() + std::chrono::microseconds(dice_.below(20'000));
}

bool wire_client::write() {
  if (output_.empty()) return false;
  const net::const_buffer piece{output_.data(), output_.size()};
  const auto sent = transport_->write({&piece, 1});
  if (sent.outcome == io_outcome::would_block) return false;
  if (sent.outcome == io_outcome::done)
    output_.erase(0, sent.bytes);
  else
    disconnect();
  return true;
}

bool wire_client::read() {
  const auto got = transport_->read(std::span(scratch_).first(1 + dice_.below(scratch_.size())));
  if (got.outcome == io_outcome::would_block) return false;
  if (got.outcome != io_outcome::done) {
    disconnect();
    return true;
  }
  decoder_->feed(std::span(scratch_).first(got.bytes));
  wire::frame_view frame;
  for (;;) {
    const auto outcome = decoder_->next(frame);
    if (outcome == wire::frame_decoder::outcome::need_more) return true;
    if (outcome == wire::frame_decoder::outcome::failed) {
      fault("no frame: " + decoder_->error().message());
      disconnect();
      return true;
    }
    if (!frame.has_status) {
      on_frame(frame);
      continue;
    }
    v1::Status said;
    (void)said.ParseFromArray(frame.status.data(), static_cast<int>(frame.status.size()));
    // Out of descriptors: the connection ends, and the next may be luckier.
    if (frame.call != 0 || said.code() != static_cast<int>(rpc::code::resource_exhausted))
      fault("call " + std::to_string(frame.call) + ": " + said.message());
  }
}

}  // namespace switchboard::simulation
