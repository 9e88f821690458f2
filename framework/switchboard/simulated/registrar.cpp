#include <cerrno>
#include <thread>
#include <utility>

#include <switchboard/simulated/registrar.hpp>

namespace switchboard::simulated {

using notify::event;
using notify::interest;
using notify::operation;
using notify::packet;
using notify::packet_list;
using notify::packet_queue;
using notify::queued_packet;
using notify::request;
using notify::trigger;

namespace {

std::error_code out_of_memory() noexcept {
  return std::make_error_code(std::errc::not_enough_memory);
}

packet packet_of(std::uint64_t key, event events) noexcept {
  return {key, static_cast<std::uint64_t>(events)};
}

constexpr event without(event from, event taken) noexcept {
  return static_cast<event>(static_cast<unsigned>(from) & ~static_cast<unsigned>(taken));
}

constexpr event lowest(event of) noexcept {
  const auto bits = static_cast<unsigned>(of);
  return static_cast<event>(bits & (~bits + 1));
}

void push(packet_queue& onto, fabric& in, packet content, queued_packet::origin from) {
  packet_list one;
  one.push_back({.content = content, .from = from});
  if (from == queued_packet::origin::post)
    static_cast<void>(onto.push_post(std::move(one)));
  else
    static_cast<void>(onto.push_events(std::move(one), packet_queue::taker::others));
  in.changes().advance();
}

/// Whether the word that the socket is drained hides what is there. A true one does not: all of it came after the read.
bool hides_what_is_there(fault_injector& faults, const socket& at, const request& wanted) noexcept {
  const bool is_said = has(wanted.known, notify::hint::drained) && wanted.how == notify::level_oneshot;
  if (!is_said || at.kind == socket_kind::datagram) return false;
  if (!at.is_drained) faults.note_false_word();
  return !at.is_drained || faults.broken(fault::drained_arm_waits_for_change);
}

/// Whether `wanted`, an ENABLE, is silent about conditions that hold already.
bool waits_for_change(fault_injector& faults, const socket& at, const request& wanted, bool has_fired) noexcept {
  if (has(wanted.how, trigger::edge)) return !faults.broken(fault::edge_repeats);
  if (!has(wanted.how, trigger::oneshot) && faults.broken(fault::level_needs_a_change)) return true;
  if (!has_fired) return false;
  return hides_what_is_there(faults, at, wanted) || faults.broken(fault::rest_is_not_reported) ||
         (at.kind == socket_kind::listener && faults.broken(fault::listener_reports_one));
}

}  // namespace

const ready_list::entry* ready_list::front(dice* order) {
  if (round_.empty()) {
    std::swap(round_, next_round_);
    if (order != nullptr)
      for (std::size_t left = round_.size(); left > 1; --left) std::swap(round_[left - 1], round_[order->below(left)]);
  }
  return round_.empty() ? nullptr : &round_.front();
}

registrar::registrar(fabric& in, notify::batch_epochs& epochs, packet_queue& queue)
    : fabric_(in), epochs_(epochs), queue_(queue), id_(in.next_port_number()) {}

void registrar::end_all() {
  life_ = nullptr;
  fabric_.sockets().for_each([this](socket& each) {
    if (!has_registration(each)) return;
    each.registered = {};
    if (fabric_.faults().broken(fault::end_keeps_registrations)) each.registered.port = id_;
  });
}

// ------------------------------------------------------------------------------------------------------ requests

void registrar::apply_all(std::span<request> requests) {
  if (fabric_.faults().broken(fault::requests_apply_backwards)) {
    for (auto each = requests.rbegin(); each != requests.rend(); ++each) each->result = apply_one(*each);
    return;
  }
  for (auto& each : requests) {
    each.result = apply_one(each);
    if (each.result && fabric_.faults().broken(fault::bad_request_ends_the_array)) return;
  }
}

std::error_code registrar::apply_one(const request& wanted) {
  if (fabric_.faults().broken(fault::leftover_error_is_trusted) && errno == EBADF)
    return {errno, std::generic_category()};
  if (wanted.op != operation::none && fabric_.faults().fails(attempt::request)) return out_of_memory();
  auto op = wanted.op;
  if (fabric_.faults().broken(fault::combined_operations_pass) && has(op, operation::enable)) op = operation::enable;
  switch (op) {
    case operation::none:
      return {};
    case operation::enable:
      return enable(wanted);
    case operation::disable:
      return disable(wanted);
    case operation::remove:
      return remove(wanted);
  }
  return errc::invalid_request;
}

/// Why `at` has no registration to work with here.
std::error_code registrar::require_registered(const socket* at) const {
  if (at == nullptr || !has_registration(*at)) return errc::not_registered;
  return at->registered.now == registration::state::removing ? errc::removing : std::error_code{};
}

std::error_code registrar::enable(const request& wanted) {
  auto* const at = fabric_.sockets().find(wanted.socket);
  if (!wanted.is_valid_arm() && !fabric_.faults().broken(fault::contradicting_triggers_pass)) {
    if (at != nullptr && has_registration(*at) && fabric_.faults().broken(fault::failed_rearm_arms)) {
      at->registered.now = registration::state::armed;
      list(*at);
    }
    return errc::invalid_request;
  }
  if (at == nullptr)
    return fabric_.faults().broken(fault::non_socket_is_registered) ? std::error_code{} : errc::not_a_socket;
  auto& mine = at->registered;
  if (mine.port != 0 && mine.port != id_) {
    if (!fabric_.faults().broken(fault::socket_is_shared)) return errc::registered_elsewhere;
    mine = {};
  }
  bool has_fired = false;
  if (mine.port == id_) {
    if (mine.now == registration::state::removing) return errc::removing;
    if (mine.key != wanted.key && !fabric_.faults().broken(fault::key_is_changed)) return errc::key_mismatch;
    if (mine.now == registration::state::disabled && fabric_.faults().broken(fault::disabled_stays_disabled)) return {};
    if (mine.now == registration::state::armed && fabric_.faults().broken(fault::first_filter_stays)) return {};
    has_fired = mine.now == registration::state::fired;
    if (has_fired && (fabric_.faults().loses_rearm() || fabric_.faults().broken(fault::rearm_is_lost))) return {};
  }
  arm(*at, wanted, has_fired);
  return {};
}

std::error_code registrar::add(net::socket_handle socket, std::uint64_t key, interest filter,
                               notify::registration_id& name) {
  const auto failure = apply_one({.socket = socket, .key = key, .filter = filter, .op = operation::enable});
  if (failure) return failure;
  // With fault::non_socket_is_registered there may be no socket to name.
  const auto* const at = fabric_.sockets().find(socket);
  name = at ? notify::make_registration_id(static_cast<std::uint32_t>(socket), at->registered.generation)
            : notify::registration_id::none;
  return {};
}

std::error_code registrar::apply_named(notify::registration_id which, request wanted) {
  wanted.socket = static_cast<net::socket_handle>(std::intptr_t{notify::slot_of(which)});
  const auto* const at = fabric_.sockets().find(wanted.socket);
  if (const auto failure = require_registered(at)) return failure;
  if (at->registered.generation != notify::generation_of(which)) return errc::not_registered;
  wanted.key = at->registered.key;
  return apply_one(wanted);
}

void registrar::arm(socket& at, const request& wanted, bool has_fired) {
  auto& mine = at.registered;
  if (mine.port != id_) mine.generation = ++generations_;
  mine.port = id_;
  mine.at = this;
  mine.key = wanted.key;
  mine.now = registration::state::armed;
  mine.filter = wanted.filter;
  mine.how = wanted.how;
  // The strict reading: a condition that holds already is no change (N29).
  mine.risen = mine.spurious = event::none;
  mine.needs_change = waits_for_change(fabric_.faults(), at, wanted, has_fired);
  if (fabric_.faults().broken(fault::arm_stays_with_its_thread)) mine.thread = std::this_thread::get_id();
  if (fabric_.faults().chances().happens(fabric_.faults().conditions().spurious)) {
    const auto one = fabric_.faults().chances().below(2) == 0 ? interest::in : interest::out;
    mine.spurious = has(mine.filter, one) ? static_cast<event>(one) : event::err;
  }
  list(at);
}

std::error_code registrar::disable(const request& wanted) {
  auto* const at = fabric_.sockets().find(wanted.socket);
  if (const auto failure = require_registered(at)) return failure;
  if (!fabric_.faults().broken(fault::disable_is_ignored)) at->registered.now = registration::state::disabled;
  return {};
}

std::error_code registrar::remove(const request& wanted) {
  auto* const at = fabric_.sockets().find(wanted.socket);
  if (at == nullptr && fabric_.faults().broken(fault::removal_of_closed_is_reported)) return {};
  if (const auto failure = require_registered(at))
    return failure == errc::not_registered && fabric_.faults().broken(fault::removal_of_nothing_succeeds)
               ? std::error_code{}
               : failure;
  auto& mine = at->registered;
  mine.now = registration::state::removing;
  if (!fabric_.faults().broken(fault::accept_is_not_cancelled))
    for (const auto key : mine.accepts)
      push(queue_, fabric_, notify::packet_of_accept(key, -static_cast<std::intptr_t>(std::errc::operation_canceled)),
           queued_packet::origin::accept);
  mine.accepts.clear();
  packet_list removal;
  removal.push_back({.content = packet_of(mine.key, event::remove),
                     .from = queued_packet::origin::removal,
                     .descriptor = static_cast<std::intptr_t>(at->name.handle),
                     .serial = static_cast<std::uint32_t>(at->name.identity)});
  if (fabric_.faults().broken(fault::removal_does_not_wait)) {
    static_cast<void>(queue_.push_events(std::move(removal), packet_queue::taker::others));
    fabric_.changes().advance();
  } else if (fabric_.faults().chances().happens(fabric_.faults().conditions().late_removal)) {
    later([this, held = std::make_shared<packet_list>(std::move(removal))] {
      epochs_.withhold(std::move(*held), packet_queue::taker::others);
    });
  } else {
    epochs_.withhold(std::move(removal), packet_queue::taker::others);
  }
  return {};
}

std::error_code registrar::close(net::socket_handle handle) {
  auto* const at = fabric_.sockets().find(handle);
  if (at == nullptr) return errc::not_a_socket;
  if (at->registered.port != 0 && !has_registration(*at)) return errc::registered_elsewhere;
  if (fabric_.faults().broken(fault::port_close_leaves_socket_open))
    at->registered = {};
  else
    fabric_.close(*at);
  return {};
}

// ------------------------------------------------------------------------------------------- accepts, events

void registrar::later(std::function<void()> what) {
  const auto way = static_cast<std::uint64_t>(fabric_.faults().conditions().delay.count()) + 1;
  fabric_.schedule(fabric_.time().now() + fabric::clock::duration(fabric_.faults().chances().below(way)),
                   [life = std::weak_ptr(life_), what = std::move(what)] {
                     if (const auto alive = life.lock()) what();
                   });
}

std::error_code registrar::async_accept(net::socket_handle listener, std::uint64_t key) {
  auto* const at = fabric_.sockets().find(listener);
  if (const auto failure = require_registered(at)) return failure;
  auto& mine = at->registered;
  if (mine.key == key || at->kind != socket_kind::listener) return errc::invalid_request;
  if (mine.accepts.size() >= notify::notification_port::accept_limit)
    return std::make_error_code(std::errc::no_buffer_space);
  mine.accepts.push_back(key);
  complete_accepts(*at);
  return {};
}

void registrar::complete_accepts(socket& listener) {
  auto& accepts = listener.registered.accepts;
  while (!accepts.empty() && !listener.backlog.empty()) {
    const auto key = accepts.front();
    accepts.pop_front();
    if (fabric_.faults().fails(attempt::accept)) {
      push(queue_, fabric_, notify::packet_of_accept(key, -static_cast<std::intptr_t>(std::errc::too_many_files_open)),
           queued_packet::origin::accept);
    } else if (const auto* const taken = fabric_.streams().accept(listener)) {
      push(queue_, fabric_, notify::packet_of_accept(key, static_cast<std::intptr_t>(taken->name.handle)),
           queued_packet::origin::accept);
    } else {
      return accepts.push_front(key);
    }
  }
}

void registrar::end(const queued_packet& removal) {
  if (fabric_.faults().broken(fault::removal_is_reported_twice))
    push(queue_, fabric_, removal.content, queued_packet::origin::post);
  if (fabric_.faults().broken(fault::packet_follows_removal))
    push(queue_, fabric_, packet_of(removal.content.key, event::in), queued_packet::origin::post);
  // From here on the socket may be registered anew (N5), unless its number is another socket's by now (N51).
  auto* const at = fabric_.sockets().find(static_cast<net::socket_handle>(removal.descriptor));
  if (at == nullptr || static_cast<std::uint32_t>(at->name.identity) != removal.serial || !has_registration(*at))
    return;
  if (fabric_.faults().broken(fault::removal_leaves_registration))
    at->registered.now = registration::state::disabled;
  else
    at->registered = {};
}

// ----------------------------------------------------------------------------------------------------- readiness

/// The events that a packet about `at` would report now.
event registrar::reportable(const socket& at) const {
  const auto& mine = at.registered;
  if (mine.now != registration::state::armed) return event::none;
  auto asked = static_cast<event>(mine.filter) | event::err;
  if (fabric_.faults().broken(fault::err_is_withheld)) asked = static_cast<event>(mine.filter);
  if (fabric_.faults().broken(fault::unrequested_is_reported)) asked |= event::hangup;
  return ((mine.needs_change ? mine.risen : at.conditions) & asked) | mine.spurious;
}

void registrar::on_change(socket& at) {
  complete_accepts(at);
  list(at);
}

void registrar::on_close(socket& at) {
  const auto& mine = at.registered;
  if (mine.now == registration::state::removing) return;
  if (fabric_.faults().broken(fault::closing_is_reported))
    push(queue_, fabric_, packet_of(mine.key, event::remove), queued_packet::origin::post);
  // A packet that was queued may still arrive (N51).
  if (const auto reported = reportable(at);
      reported != event::none && fabric_.faults().chances().happens(fabric_.faults().conditions().stale_packet))
    push(queue_, fabric_, packet_of(mine.key, reported), queued_packet::origin::post);
}

void registrar::list(socket& at) {
  auto& mine = at.registered;
  if (mine.listing != 0 || reportable(at) == event::none) return;
  mine.listing = ready_.next_number();
  const ready_list::entry one{at.name, mine.listing};
  if (fabric_.faults().broken(fault::first_source_comes_first))
    ready_.push_front(one);
  else if (fabric_.faults().chances().happens(fabric_.faults().conditions().late_packet))
    later([this, one] { ready_.push_back(one); });
  else
    ready_.push_back(one);
  fabric_.changes().advance();
}

/// Moves the registration to its state after a delivered packet.
void registrar::fire(socket& at, event reported, std::uint64_t call) {
  auto& mine = at.registered;
  mine.served_by = call;
  mine.risen = mine.spurious = event::none;
  at.is_drained = false;
  const bool stays = has(mine.how, trigger::edge) ? fabric_.faults().broken(fault::edge_oneshot_stays_armed)
                                                  : fabric_.faults().broken(fault::oneshot_stays_armed);
  if (has(mine.how, trigger::oneshot) && !stays) {
    mine.now = registration::state::fired;
    const auto left = without(static_cast<event>(mine.filter), reported);
    if (fabric_.faults().broken(fault::delivery_disarms_only_itself) && left != event::none) {
      mine.now = registration::state::armed;
      mine.filter = static_cast<interest>(left);
    }
  }
  if (fabric_.faults().broken(fault::level_reaches_one_thread)) mine.thread = std::this_thread::get_id();
  list(at);
}

bool registrar::take_ready(packet& into, std::uint64_t call) {
  for (;;) {
    const auto* const next =
        ready_.front(fabric_.faults().conditions().shuffled ? &fabric_.faults().chances() : nullptr);
    if (next == nullptr) return false;
    auto* const at = fabric_.sockets().find(next->name);
    if (at == nullptr || !has_registration(*at) || at->registered.listing != next->number) {
      ready_.pop_front();
      continue;
    }
    auto& mine = at->registered;
    // At most one packet of a registration at a time (N18).
    if (mine.served_by == call) return false;
    const bool is_anothers = mine.thread != std::thread::id() && mine.thread != std::this_thread::get_id();
    if (is_anothers) return false;
    ready_.pop_front();
    mine.listing = 0;
    auto reported = reportable(*at);
    if (reported == event::none) continue;
    if (fabric_.faults().broken(fault::conditions_come_one_by_one) && reported != lowest(reported)) {
      into = packet_of(mine.key, lowest(reported));
      mine.spurious = without(reported, lowest(reported));
      mine.needs_change = true;
      mine.risen = event::none;
      mine.served_by = call;
      list(*at);
      return true;
    }
    into = packet_of(mine.key, reported);
    fire(*at, reported, call);
    return true;
  }
}

}  // namespace switchboard::simulated
