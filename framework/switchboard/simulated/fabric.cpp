#include <algorithm>
#include <cstring>
#include <utility>

#include <switchboard/error/errc.hpp>
#include <switchboard/simulated/fabric.hpp>

namespace switchboard::simulated {
namespace {

using net::io_outcome;
using net::io_result;
using notify::event;

/// Standard input, output and error have the first ones.
constexpr std::size_t first_number = 3;

io_result would_block(net::readiness waits_for) noexcept {
  return {.outcome = io_outcome::would_block, .waits_for = waits_for};
}

std::error_code connection_reset() noexcept {
  return std::make_error_code(std::errc::connection_reset);
}

}  // namespace

fabric::~fabric() = default;

bool fabric::fails(attempt what) noexcept {
  const chance how_often[] = {weather_.call_failure, weather_.request_failure, weather_.accept_failure};
  const auto which = static_cast<std::size_t>(what);
  auto& in_a_row = failures_in_a_row_[which];
  const bool now = in_a_row < failures_in_a_row_limit && dice_.falls_to(how_often[which]);
  in_a_row = now ? in_a_row + 1 : 0;
  return now;
}

// ---------------------------------------------------------------------------------------------------------- time

void fabric::schedule(clock::time_point when, std::function<void()> what) {
  // Of equal keys the one inserted first comes first.
  events_.emplace(std::pair{when, weather_.shuffled ? dice_.roll() : 0}, std::move(what));
  tell_waiters();
}

std::optional<fabric::clock::time_point> fabric::next_event() const noexcept {
  if (events_.empty()) return std::nullopt;
  return std::max(events_.begin()->first.first, now_);
}

void fabric::advance_to(clock::time_point when) {
  while (!events_.empty() && events_.begin()->first.first <= when) {
    auto next = events_.extract(events_.begin());
    now_ = std::max(now_, next.key().first);
    next.mapped()();
  }
  now_ = std::max(now_, when);
}

// ------------------------------------------------------------------------------------------------------- sockets

socket& fabric::open(socket_kind kind) {
  std::size_t number = std::max(sockets_.size(), first_number);
  if (!free_numbers_.empty()) {
    number = *free_numbers_.begin();
    free_numbers_.erase(free_numbers_.begin());
  } else {
    sockets_.resize(number + 1);
  }
  auto& made = *(sockets_[number] = std::make_unique<socket>());
  made.name = {static_cast<net::socket_handle>(number), ++identities_};
  made.kind = kind;
  made.conditions = conditions_of(made);
  ++open_count_;
  return made;
}

socket* fabric::find(net::socket_handle handle) const noexcept {
  const auto number = static_cast<std::size_t>(handle);
  return number < sockets_.size() ? sockets_[number].get() : nullptr;
}

socket* fabric::find(const socket_name& name) const noexcept {
  auto* const found = find(name.handle);
  return found != nullptr && found->name.identity == name.identity ? found : nullptr;
}

void fabric::close(socket& one) {
  if (one.registered.at != nullptr) one.registered.at->on_close(one);
  if (one.kind == socket_kind::listener) {
    listening_.erase(one.local.to_string());
    for (const auto& each : one.backlog)
      if (auto* const waiting = find(each)) close(*waiting);
  }
  if (one.kind == socket_kind::datagram) bound_.erase(one.local.to_string());
  if (auto* const other = find(one.other); other != nullptr && one.kind == socket_kind::stream && !one.is_dead) {
    // What was sent to it and not read is lost, and who sent it hears of that.
    if (one.unread_bytes() > 0 || one.arriving_bytes > 0)
      send(one, {segment::kind::reset, {}});
    else if (!one.write_shut)
      send(one, {segment::kind::end, {}});
  }
  const auto number = static_cast<std::size_t>(one.name.handle);
  const auto closed = std::move(sockets_[number]);
  free_numbers_.insert(number);
  --open_count_;
  // There is room for whoever waited to write to it: for an error.
  if (auto* const other = find(closed->other); other != nullptr && !other->is_connecting) changed(*other);
  tell_waiters();
}

void fabric::listen(socket& at) {
  listening_[at.local.to_string()] = at.name;
}

void fabric::connect(socket& from, const net::endpoint& to) {
  from.is_connecting = true;
  from.peer = to;
  from.local = net::endpoint::tcp(to.host(), free_port());
  if (weather_.latency == clock::duration::zero()) return meet(from.name, to.to_string());
  schedule(now_ + clock::duration(dice_.below(static_cast<std::uint64_t>(weather_.latency.count()) + 1)),
           [this, name = from.name, where = to.to_string()] { meet(name, where); });
}

/// The first word of a connection arrives where somebody listens, or not.
void fabric::meet(socket_name from, const std::string& where) {
  auto* client = find(from);
  if (client == nullptr) return;
  client->is_connecting = false;
  const auto found = listening_.find(where);
  auto* const listener = found == listening_.end() ? nullptr : find(found->second);
  if (listener == nullptr || listener->backlog.size() >= backlog_limit) {
    client->was_refused = client->is_dead = true;
    client->error = std::make_error_code(std::errc::connection_refused);
    return changed(*client);
  }
  auto& server = open(socket_kind::stream);
  client = find(from);
  server.other = from;
  server.local = listener->local;
  server.peer = client->local;
  server.conditions = conditions_of(server);
  client->other = server.name;
  listener->backlog.push_back(server.name);
  changed(*client);
  changed(*listener);
}

socket* fabric::accept(socket& at) {
  socket* taken = nullptr;
  while (taken == nullptr && !at.backlog.empty()) {
    taken = find(at.backlog.front());
    at.backlog.pop_front();
    if (taken == nullptr || !taken->is_dead) continue;
    close(*taken);
    taken = nullptr;
  }
  changed(at);
  return taken;
}

// ---------------------------------------------------------------------------------------------------- what moves

std::error_code fabric::bind(socket& at, const net::endpoint& to) {
  auto local = to;
  if (to.kind() == net::endpoint::family::tcp && to.port() == 0) local = net::endpoint::tcp(to.host(), free_port());
  if (!bound_.emplace(local.to_string(), at.name).second) return errc::address_in_use;
  at.local = std::move(local);
  return {};
}

void fabric::send_datagram(const socket& from, std::span<const std::byte> bytes, const net::endpoint& to) {
  const auto found = bound_.find(to.to_string());
  auto* const other = found == bound_.end() ? nullptr : find(found->second);
  if (other == nullptr || (bytes.empty() && broken(fault::empty_datagram_is_dropped))) return;
  other->datagrams.push_back({{reinterpret_cast<const char*>(bytes.data()), bytes.size()}, from.local});
  changed(*other);
}

/// Whether what could be done will not be for a while.
bool fabric::lulls(clock::time_point socket::*until, socket& at) {
  if (now_ < at.*until) return true;
  if (!dice_.falls_to(weather_.would_block)) return false;
  at.*until = now_ + clock::duration(1 + dice_.below(static_cast<std::uint64_t>(weather_.lull.count())));
  schedule(at.*until, [this, name = at.name] {
    if (auto* const found = find(name)) changed(*found);
  });
  changed(at);
  return true;
}

io_result fabric::shake_hands(socket& at) {
  if (at.is_connecting) return would_block(net::readiness::writable);
  if (at.error) return {io_outcome::failed, 0, take_error(at)};
  return {io_outcome::done};
}

io_result fabric::read(socket& at, std::span<std::byte> into) {
  if (into.empty()) return {io_outcome::failed, 0, errc::invalid_request};
  if (at.is_connecting || lulls(&socket::reads_from, at)) return would_block(net::readiness::readable);
  if (at.unread_bytes() > 0) {
    auto count = std::min(into.size(), at.unread_bytes());
    if (dice_.falls_to(weather_.short_read)) count = 1 + dice_.below(count);
    std::memcpy(into.data(), at.unread.data() + at.read_to, count);
    at.read_to += count;
    if (at.read_to == at.unread.size()) {
      at.unread = {};
      at.read_to = 0;
    }
    changed(at);
    if (auto* const other = find(at.other)) changed(*other);
    return {io_outcome::done, count};
  }
  if (at.error) return {io_outcome::failed, 0, take_error(at)};
  if (at.end_arrived || at.is_dead) return {io_outcome::end_of_stream};
  return would_block(net::readiness::readable);
}

io_result fabric::write(socket& at, std::span<const net::const_buffer> pieces) {
  pieces = pieces.first(std::min(pieces.size(), net::transport::gather_limit));
  std::size_t offered = 0;
  for (const auto& piece : pieces) offered += piece.size;
  if (offered == 0) return {io_outcome::failed, 0, errc::invalid_request};
  if (at.is_connecting) return would_block(net::readiness::writable);
  if (!at.is_dead && dice_.falls_to(weather_.cut)) cut(at);
  if (at.error) return {io_outcome::failed, 0, take_error(at)};
  if (at.is_dead || at.write_shut) return {io_outcome::failed, 0, std::make_error_code(std::errc::broken_pipe)};
  if (lulls(&socket::writes_from, at)) return would_block(net::readiness::writable);
  auto count = std::min(offered, room(at));
  if (count == 0) return would_block(net::readiness::writable);
  if (dice_.falls_to(weather_.short_write)) count = 1 + dice_.below(count);
  segment sent{segment::kind::data, {}};
  sent.bytes.reserve(count);
  for (const auto& piece : pieces)
    sent.bytes.append(static_cast<const char*>(piece.data), std::min(piece.size, count - sent.bytes.size()));
  send(at, std::move(sent));
  changed(at);
  return {io_outcome::done, count};
}

std::error_code fabric::shut_down(socket& at) {
  if (at.is_dead || at.is_connecting) return std::make_error_code(std::errc::not_connected);
  if (!std::exchange(at.write_shut, true)) send(at, {segment::kind::end, {}});
  return {};
}

std::error_code fabric::take_error(socket& at) {
  if (broken(fault::error_stays_pending)) return at.error;
  const auto taken = std::exchange(at.error, {});
  changed(at);
  return taken;
}

/// What the other side has not read counts, wherever it is.
std::size_t fabric::room(const socket& at) const noexcept {
  const auto* const other = find(at.other);
  if (other == nullptr) return weather_.send_buffer_bytes;
  const auto held = other->unread_bytes() + other->arriving_bytes;
  return held >= weather_.send_buffer_bytes ? 0 : weather_.send_buffer_bytes - held;
}

void fabric::send(const socket& from, segment what) {
  const auto way = weather_.latency == clock::duration::zero()
                       ? clock::duration::zero()
                       : clock::duration(dice_.below(static_cast<std::uint64_t>(weather_.latency.count()) + 1));
  auto* const to = find(from.other);
  if (to == nullptr) {
    // Nobody is there any more, which is answered with a reset.
    if (what.what != segment::kind::data) return;
    return schedule(now_ + way, [this, name = from.name] {
      if (auto* const sender = find(name); sender != nullptr && !sender->is_dead) break_connection(*sender);
    });
  }
  if (to->is_dead) return;
  if (way == clock::duration::zero() && to->arriving.empty()) return arrive(*to, std::move(what));
  to->last_arrival = std::max(to->last_arrival, now_ + way);
  to->arriving_bytes += what.bytes.size();
  to->arriving.push_back(std::move(what));
  schedule(to->last_arrival, [this, name = to->name] { deliver_next(name); });
}

void fabric::deliver_next(socket_name to) {
  auto* const at = find(to);
  if (at == nullptr || at->arriving.empty()) return;
  auto next = std::move(at->arriving.front());
  at->arriving.pop_front();
  at->arriving_bytes -= next.bytes.size();
  arrive(*at, std::move(next));
}

void fabric::arrive(socket& at, segment what) {
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
  changed(at);
}

void fabric::break_connection(socket& at) {
  at.arriving.clear();
  at.arriving_bytes = 0;
  at.is_dead = true;
  at.error = connection_reset();
  changed(at);
}

void fabric::cut(socket& at) {
  for (auto* const end : {find(at.name), find(at.other)}) {
    if (end == nullptr || end->is_dead) continue;
    // Some of what was under way still made it, up to any byte.
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
  if (at.is_connecting || (at.was_refused && broken(fault::connecting_is_silent))) return all;
  const bool has_ended = at.end_arrived || at.is_dead;
  add(event::in,
      now_ >= at.reads_from && (at.unread_bytes() > 0 || (has_ended && !broken(fault::end_of_stream_is_no_input))));
  // A connection that could not be made is never writable: who waits for that alone is told by ERR (N25).
  add(event::out, !at.was_refused && now_ >= at.writes_from && (at.is_dead || room(at) > 0));
  add(event::out, at.end_arrived && broken(fault::out_tells_of_peer_close));
  add(event::hangup, has_ended && !broken(fault::hangup_is_missing));
  add(event::err, static_cast<bool>(at.error));
  return all;
}

void fabric::changed(socket& at) {
  const auto before = std::exchange(at.conditions, conditions_of(at));
  auto& registered = at.registered;
  auto rising = static_cast<event>(static_cast<unsigned>(at.conditions) & ~static_cast<unsigned>(before));
  if (rising != event::none && broken(fault::edge_is_lost) && std::exchange(is_next_edge_lost_, !is_next_edge_lost_))
    rising = event::none;
  registered.risen |= rising;
  if (registered.at != nullptr) registered.at->on_change(at);
  tell_waiters();
}

}  // namespace switchboard::simulated
