#include <algorithm>
#include <cstring>
#include <utility>

#include <switchboard/error/errc.hpp>
#include <switchboard/simulated/fabric.hpp>
#include <switchboard/simulated/stream_layer.hpp>

namespace switchboard::simulated {
namespace {

using net::io_outcome;
using net::io_result;

io_result would_block(net::readiness waits_for) noexcept {
  return {.outcome = io_outcome::would_block, .waits_for = waits_for};
}

}  // namespace

stream_layer::stream_layer(fabric& in) noexcept
    : fabric_(in),
      dice_(in.faults().chances()),
      weather_(in.faults().conditions()),
      time_(in.time()),
      sockets_(in.sockets()) {}

void stream_layer::connect(socket& from, const net::endpoint& to) {
  from.is_connecting = true;
  from.peer = to;
  from.local = net::endpoint::tcp(to.host(), fabric_.addresses().next_port());
  const auto way = draw_latency();
  if (way == clock::duration::zero()) return reach_listener(from.name, to.to_string());
  fabric_.schedule(time_.now() + way,
                   [this, name = from.name, address = to.to_string()] { reach_listener(name, address); });
}

/// How long something takes to arrive.
stream_layer::clock::duration stream_layer::draw_latency() {
  if (weather_.latency == clock::duration::zero()) return clock::duration::zero();
  return clock::duration(dice_.below(static_cast<std::uint64_t>(weather_.latency.count()) + 1));
}

/// A connection request arrives: in the backlog of the listener there, or it is refused.
void stream_layer::reach_listener(socket_name from, const std::string& address) {
  auto* const client = sockets_.find(from);
  if (client == nullptr) return;
  client->is_connecting = false;
  auto* const listener = sockets_.find(fabric_.addresses().find(socket_kind::listener, address));
  if (listener == nullptr || listener->backlog.size() >= backlog_limit) {
    client->was_refused = client->is_dead = true;
    client->error = std::make_error_code(std::errc::connection_refused);
    return fabric_.changed(*client);
  }
  auto& server = fabric_.open(socket_kind::stream);
  server.other = from;
  server.local = listener->local;
  server.peer = client->local;
  server.conditions = fabric_.conditions_of(server);
  client->other = server.name;
  listener->backlog.push_back(server.name);
  fabric_.changed(*client);
  fabric_.changed(*listener);
}

socket* stream_layer::accept(socket& at) {
  socket* taken = nullptr;
  while (taken == nullptr && !at.backlog.empty()) {
    taken = sockets_.find(at.backlog.front());
    at.backlog.pop_front();
    if (taken == nullptr || !taken->is_dead) continue;
    fabric_.close(*taken);
    taken = nullptr;
  }
  at.is_drained = at.backlog.empty();
  fabric_.changed(at);
  return taken;
}

/// Whether a read or a write that could be done would block for a while all the same.
bool stream_layer::stalls(clock::time_point socket::*until, socket& at) {
  if (time_.now() < at.*until) return true;
  if (!dice_.happens(weather_.would_block)) return false;
  at.*until = time_.now() + clock::duration(1 + dice_.below(static_cast<std::uint64_t>(weather_.lull.count())));
  fabric_.schedule(at.*until, [this, name = at.name] {
    if (auto* const found = sockets_.find(name)) fabric_.changed(*found);
  });
  fabric_.changed(at);
  return true;
}

io_result stream_layer::handshake(socket& at) {
  if (at.is_connecting) return would_block(net::readiness::writable);
  if (at.error) return {io_outcome::failed, 0, fabric_.take_error(at)};
  return {io_outcome::done};
}

io_result stream_layer::read(socket& at, std::span<std::byte> into) {
  if (into.empty()) return {io_outcome::failed, 0, errc::invalid_request};
  if (at.is_connecting) return would_block(net::readiness::readable);
  if (stalls(&socket::reads_from, at)) return nothing_to_read(at);
  if (at.unread_bytes() > 0) {
    auto count = std::min(into.size(), at.unread_bytes());
    if (dice_.happens(weather_.short_read)) count = 1 + dice_.below(count);
    std::memcpy(into.data(), at.unread.data() + at.read_to, count);
    at.read_to += count;
    if (at.read_to == at.unread.size()) {
      at.unread = {};
      at.read_to = 0;
    }
    at.is_drained = at.unread.empty();
    fabric_.changed(at);
    if (auto* const other = sockets_.find(at.other)) fabric_.changed(*other);
    const bool drained = count < into.size() && at.is_drained;
    return {.outcome = io_outcome::done,
            .bytes = count,
            .drained = drained || fabric_.faults().broken(fault::read_claims_drained)};
  }
  if (at.error) return {io_outcome::failed, 0, fabric_.take_error(at)};
  if (at.end_arrived || at.is_dead) return {io_outcome::end_of_stream};
  return nothing_to_read(at);
}

io_result stream_layer::nothing_to_read(socket& at) noexcept {
  at.is_drained = true;
  auto result = would_block(net::readiness::readable);
  result.drained = true;
  return result;
}

io_result stream_layer::write(socket& at, std::span<const net::const_buffer> pieces) {
  pieces = pieces.first(std::min(pieces.size(), net::transport::gather_limit));
  std::size_t offered = 0;
  for (const auto& piece : pieces) offered += piece.size;
  if (offered == 0) return {io_outcome::failed, 0, errc::invalid_request};
  if (at.is_connecting) return would_block(net::readiness::writable);
  if (!at.is_dead && dice_.happens(weather_.cut)) cut(at);
  if (at.error) return {io_outcome::failed, 0, fabric_.take_error(at)};
  if (at.is_dead || at.write_shut) return {io_outcome::failed, 0, std::make_error_code(std::errc::broken_pipe)};
  if (stalls(&socket::writes_from, at)) return would_block(net::readiness::writable);
  auto count = std::min(offered, room(at));
  if (count == 0) return would_block(net::readiness::writable);
  if (dice_.happens(weather_.short_write)) count = 1 + dice_.below(count);
  segment sent{segment::kind::data, {}};
  sent.bytes.reserve(count);
  for (const auto& piece : pieces)
    sent.bytes.append(static_cast<const char*>(piece.data), std::min(piece.size, count - sent.bytes.size()));
  send(at, std::move(sent));
  fabric_.changed(at);
  return {io_outcome::done, count};
}

std::error_code stream_layer::shut_down(socket& at) {
  if (at.is_dead || at.is_connecting) return std::make_error_code(std::errc::not_connected);
  if (!std::exchange(at.write_shut, true)) send(at, {segment::kind::end, {}});
  return {};
}

void stream_layer::finish(socket& at) {
  if (at.is_dead || sockets_.find(at.other) == nullptr) return;
  // The peer learns that what it sent was not read.
  if (at.unread_bytes() > 0 || at.arriving_bytes > 0)
    send(at, {segment::kind::reset, {}});
  else if (!at.write_shut)
    send(at, {segment::kind::end, {}});
}

std::size_t stream_layer::room(const socket& at) const noexcept {
  const auto* const other = sockets_.find(at.other);
  if (other == nullptr) return weather_.send_buffer_bytes;
  const auto held = other->unread_bytes() + other->arriving_bytes;
  return held >= weather_.send_buffer_bytes ? 0 : weather_.send_buffer_bytes - held;
}

void stream_layer::send(const socket& from, segment what) {
  const auto way = draw_latency();
  auto* const to = sockets_.find(from.other);
  if (to == nullptr) {
    // The peer is closed, and its system answers with a reset.
    if (what.what != segment::kind::data) return;
    return fabric_.schedule(time_.now() + way, [this, name = from.name] {
      if (auto* const sender = sockets_.find(name); sender != nullptr && !sender->is_dead) break_connection(*sender);
    });
  }
  if (to->is_dead) return;
  if (way == clock::duration::zero() && to->arriving.empty()) return arrive(*to, std::move(what));
  to->last_arrival = std::max(to->last_arrival, time_.now() + way);
  to->arriving_bytes += what.bytes.size();
  to->arriving.push_back(std::move(what));
  fabric_.schedule(to->last_arrival, [this, name = to->name] { deliver_next(name); });
}

void stream_layer::deliver_next(socket_name to) {
  auto* const at = sockets_.find(to);
  if (at == nullptr || at->arriving.empty()) return;
  auto next = std::move(at->arriving.front());
  at->arriving.pop_front();
  at->arriving_bytes -= next.bytes.size();
  arrive(*at, std::move(next));
}

void stream_layer::arrive(socket& at, segment what) {
  switch (what.what) {
    case segment::kind::data:
      at.unread += what.bytes;
      break;
    case segment::kind::end:
      at.end_arrived = true;
      break;
    case segment::kind::reset:
      return break_connection(at);
  }
  fabric_.changed(at);
}

void stream_layer::break_connection(socket& at) {
  at.arriving.clear();
  at.arriving_bytes = 0;
  at.is_dead = true;
  at.error = std::make_error_code(std::errc::connection_reset);
  fabric_.changed(at);
}

void stream_layer::cut(socket& at) {
  for (auto* const end : {sockets_.find(at.name), sockets_.find(at.other)}) {
    if (end == nullptr || end->is_dead) continue;
    // A prefix of what is in flight arrives, of any length.
    for (auto left = dice_.below(end->arriving_bytes + 1); left > 0 && !end->arriving.empty();
         end->arriving.pop_front()) {
      const auto& next = end->arriving.front().bytes;
      const auto count = std::min<std::size_t>(left, next.size());
      end->unread.append(next, 0, count);
      left -= count;
    }
    break_connection(*end);
  }
}

}  // namespace switchboard::simulated
