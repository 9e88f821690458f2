#include <algorithm>
#include <utility>

#include <switchboard/simulated/fabric.hpp>

namespace switchboard::simulated {

using notify::event;

void fabric::schedule(clock::time_point when, std::function<void()> what) {
  time_.schedule(when, faults_.conditions().shuffled ? faults_.chances().roll() : 0, std::move(what));
  changes_.advance();
}

// ------------------------------------------------------------------------------------------------------- sockets

socket& fabric::open(socket_kind kind) {
  auto& made = sockets_.add(kind);
  made.conditions = conditions_of(made);
  return made;
}

void fabric::close(socket& one) {
  if (one.registered.at != nullptr) one.registered.at->on_close(one);
  addresses_.release(one);
  for (const auto& each : one.backlog)
    if (auto* const waiting = sockets_.find(each)) close(*waiting);
  if (one.kind == socket_kind::stream) streams_.finish(one);
  const auto closed = sockets_.remove(one);
  // A write of the peer no longer waits for room: it fails.
  if (auto* const peer = sockets_.find(closed->other); peer != nullptr && !peer->is_connecting) changed(*peer);
  changes_.advance();
}

void fabric::send_datagram(const socket& from, std::span<const std::byte> bytes, const net::endpoint& to) {
  auto* const other = sockets_.find(addresses_.find(socket_kind::datagram, to.to_string()));
  if (other == nullptr || (bytes.empty() && faults_.broken(fault::empty_datagram_is_dropped))) return;
  other->datagrams.push_back({{reinterpret_cast<const char*>(bytes.data()), bytes.size()}, from.local});
  changed(*other);
}

std::error_code fabric::take_error(socket& at) {
  if (faults_.broken(fault::error_stays_pending)) return at.error;
  const auto taken = std::exchange(at.error, {});
  changed(at);
  return taken;
}

// ----------------------------------------------------------------------------------------------------- readiness

event fabric::conditions_of(const socket& at) const noexcept {
  auto all = event::none;
  const auto add = [&all](event one, bool holds) {
    if (holds) all |= one;
  };
  switch (at.kind) {
    case socket_kind::listener:
      add(event::in, !at.backlog.empty());
      return all;
    case socket_kind::datagram:
      add(event::in, !at.datagrams.empty() || at.end_arrived);
      add(event::out, true);
      return all;
    case socket_kind::stream:
      break;
  }
  if (at.is_connecting || (at.was_refused && faults_.broken(fault::connecting_is_silent))) return all;
  const bool has_ended = at.end_arrived || at.is_dead;
  add(event::in, time_.now() >= at.reads_from &&
                     (at.unread_bytes() > 0 || (has_ended && !faults_.broken(fault::end_of_stream_is_no_input))));
  // A refused connection is never writable; a port reports ERR even where only OUT was asked for (N25).
  add(event::out, !at.was_refused && time_.now() >= at.writes_from && (at.is_dead || streams_.room(at) > 0));
  add(event::out, at.end_arrived && faults_.broken(fault::out_reports_peer_close));
  add(event::hangup, has_ended && !faults_.broken(fault::hangup_is_missing));
  add(event::err, static_cast<bool>(at.error));
  return all;
}

void fabric::changed(socket& at) {
  const auto before = std::exchange(at.conditions, conditions_of(at));
  auto& registered = at.registered;
  auto rising = static_cast<event>(static_cast<unsigned>(at.conditions) & ~static_cast<unsigned>(before));
  if (rising != event::none && faults_.loses_edge()) rising = event::none;
  registered.risen |= rising;
  if (registered.at != nullptr) registered.at->on_change(at);
  changes_.advance();
}

}  // namespace switchboard::simulated
