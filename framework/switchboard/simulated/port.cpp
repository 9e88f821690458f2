#include <cerrno>
#include <limits>
#include <thread>
#include <utility>

#include <switchboard/notify/batch_epochs.hpp>
#include <switchboard/notify/packet_queue.hpp>
#include <switchboard/simulated/fabric.hpp>
#include <switchboard/simulated/port.hpp>

namespace switchboard::simulated {
namespace {

using notify::batch_epochs;
using notify::event;
using notify::hint;
using notify::interest;
using notify::operation;
using notify::packet;
using notify::packet_list;
using notify::packet_queue;
using notify::queued_packet;
using notify::registration_id;
using notify::request;
using notify::trigger;

/// Bad calls until fault::bad_arguments_pass_in_the_end shows.
constexpr int bad_calls_noticed = 3;

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

class simulated_port final : public notify::notification_port, private batch_epochs::sink, private watcher {
public:
  explicit simulated_port(std::shared_ptr<fabric> in)
      : fabric_(std::move(in)), epochs_(std::make_shared<batch_epochs>(static_cast<batch_epochs::sink&>(*this))) {
    const std::scoped_lock hold(fabric_->mutex());
    id_ = fabric_->next_port_number();
  }
  ~simulated_port() override;

  error_or<std::size_t> process(std::span<request> requests, std::span<packet> out, duration timeout) noexcept override;
  std::error_code post(std::uint64_t key, std::uint64_t value) noexcept override;
  std::error_code post_after_batches(std::uint64_t key, std::uint64_t value) noexcept override;
  std::error_code async_accept(net::socket_handle listener, std::uint64_t key) noexcept override;
  std::error_code add(net::socket_handle socket, std::uint64_t key, interest filter,
                      registration_id& name) noexcept override;
  std::error_code rearm(registration_id which, interest filter, hint known) noexcept override;
  std::error_code remove(registration_id which) noexcept override;
  void release() noexcept override {
    if (auto* const self = epochs_->find()) epochs_->release(*self);
  }
  std::error_code close(net::socket_handle socket) noexcept override;
  clock::time_point now() const noexcept override {
    const std::scoped_lock hold(fabric_->mutex());
    return fabric_->now();
  }

private:
  /// A registration that may have something to tell.
  struct listed {
    socket_name name;
    std::uint64_t listing;
  };

  error_or<std::size_t> refuse_call(std::span<request> requests, bool has_room);
  void apply_all(std::span<request> requests);
  std::error_code apply_one(const request& wanted);
  std::error_code enable(const request& wanted);
  std::error_code disable(const request& wanted);
  std::error_code remove(const request& wanted);
  std::error_code apply_named(registration_id which, request wanted);
  void arm(socket& at, const request& wanted, bool has_fired);
  std::error_code require_registered(const socket* at) const;
  bool has_registration(const socket& at) const noexcept { return at.registered.port == id_; }

  std::size_t dequeue(batch_epochs::waiter& self, std::span<packet> out, duration timeout,
                      std::unique_lock<std::mutex>& hold);
  std::size_t take(std::span<packet> out);
  bool take_queued(packet& into);
  void after_removal(const queued_packet& removal);
  bool take_ready(packet& into, std::uint64_t call);
  void fire(socket& at, event told, std::uint64_t call);
  event tellable(const socket& at) const;

  void on_change(socket& at) override;
  void on_close(socket& at) override;
  void list(socket& at);
  void complete_accepts(socket& listener);
  void push(packet content, queued_packet::origin from);
  void deliver(packet_list&& removals, packet_queue::taker who) noexcept override;
  /// Does `what` in a while, unless the port has ended by then.
  void later(std::function<void()> what);
  bool broken(fault rule) const noexcept { return fabric_->broken(rule); }

  const std::shared_ptr<fabric> fabric_;
  const std::shared_ptr<batch_epochs> epochs_;
  std::shared_ptr<const bool> life_ = std::make_shared<const bool>(true);
  std::uint64_t id_ = 0;
  packet_queue queue_;
  /// Who is in the first has been ready for longer than who is in the second, or has been served less often (N47).
  std::deque<listed> round_;
  std::deque<listed> next_round_;
  std::uint64_t listings_ = 0;
  std::uint64_t calls_ = 0;
  int bad_calls_ = 0;
  bool is_queues_turn_ = false;
  bool is_closing_ = false;
};

simulated_port::~simulated_port() {
  {
    const std::scoped_lock hold(fabric_->mutex());
    is_closing_ = true;
  }
  while (epochs_->any_inside()) {
    fabric_->tell_waiters();
    std::this_thread::yield();
  }
  epochs_->close();
  const std::scoped_lock hold(fabric_->mutex());
  life_ = nullptr;
  fabric_->for_each([this](socket& each) {
    if (!has_registration(each)) return;
    each.registered = {};
    if (broken(fault::end_keeps_registrations)) each.registered.port = id_;
  });
  for (const auto& each : queue_.take(std::numeric_limits<std::size_t>::max(), false).packets) {
    if (each.from != queued_packet::origin::accept) continue;
    if (const auto accepted = each.content.accepted())
      if (auto* const untaken = fabric_->find(*accepted)) fabric_->close(*untaken);
  }
}

// ------------------------------------------------------------------------------------------------------ requests

void simulated_port::apply_all(std::span<request> requests) {
  if (broken(fault::requests_apply_backwards)) {
    for (auto each = requests.rbegin(); each != requests.rend(); ++each) each->result = apply_one(*each);
    return;
  }
  for (auto& each : requests) {
    each.result = apply_one(each);
    if (each.result && broken(fault::bad_request_ends_the_array)) return;
  }
}

std::error_code simulated_port::apply_one(const request& wanted) {
  if (broken(fault::leftover_error_is_trusted) && errno == EBADF) return {errno, std::generic_category()};
  if (wanted.op != operation::none && fabric_->fails(fabric::attempt::request)) return out_of_memory();
  auto op = wanted.op;
  if (broken(fault::combined_operations_pass) && has(op, operation::enable)) op = operation::enable;
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
std::error_code simulated_port::require_registered(const socket* at) const {
  if (at == nullptr || !has_registration(*at)) return errc::not_registered;
  return at->registered.now == registration::state::removing ? errc::removing : std::error_code{};
}

std::error_code simulated_port::enable(const request& wanted) {
  auto* const at = fabric_->find(wanted.socket);
  if (!wanted.is_valid_arm() && !broken(fault::contradicting_triggers_pass)) {
    if (at != nullptr && has_registration(*at) && broken(fault::failed_rearm_arms)) {
      at->registered.now = registration::state::armed;
      list(*at);
    }
    return errc::invalid_request;
  }
  if (at == nullptr) return broken(fault::non_socket_is_registered) ? std::error_code{} : errc::not_a_socket;
  auto& mine = at->registered;
  if (mine.port != 0 && mine.port != id_) {
    if (!broken(fault::socket_is_shared)) return errc::registered_elsewhere;
    mine = {};
  }
  bool has_fired = false;
  if (mine.port == id_) {
    if (mine.now == registration::state::removing) return errc::removing;
    if (mine.key != wanted.key && !broken(fault::key_is_changed)) return errc::key_mismatch;
    if (mine.now == registration::state::disabled && broken(fault::disabled_stays_disabled)) return {};
    if (mine.now == registration::state::armed && broken(fault::first_filter_stays)) return {};
    has_fired = mine.now == registration::state::fired;
    if (has_fired && (fabric_->loses_this_rearm() || broken(fault::rearm_is_lost))) return {};
  }
  arm(*at, wanted, has_fired);
  return {};
}

std::error_code simulated_port::add(net::socket_handle socket, std::uint64_t key, interest filter,
                                    registration_id& name) noexcept {
  const std::scoped_lock hold(fabric_->mutex());
  if (is_closing_) return errc::closed;
  if (fabric_->fails(fabric::attempt::call)) return out_of_memory();
  const auto failure = apply_one({.socket = socket, .key = key, .filter = filter, .op = operation::enable});
  if (failure) return failure;
  name = notify::make_registration_id(static_cast<std::uint32_t>(socket), fabric_->find(socket)->registered.generation);
  return {};
}

std::error_code simulated_port::rearm(registration_id which, interest filter, hint) noexcept {
  return apply_named(which, {.filter = filter, .op = operation::enable});
}

std::error_code simulated_port::remove(registration_id which) noexcept {
  return apply_named(which, {.op = operation::remove});
}

/// As a request, of the registration that `which` names alone.
std::error_code simulated_port::apply_named(registration_id which, request wanted) {
  const std::scoped_lock hold(fabric_->mutex());
  if (is_closing_) return errc::closed;
  if (fabric_->fails(fabric::attempt::call)) return out_of_memory();
  wanted.socket = static_cast<net::socket_handle>(static_cast<std::intptr_t>(notify::slot_of(which)));
  const auto* const at = fabric_->find(wanted.socket);
  if (const auto failure = require_registered(at)) return failure;
  if (at->registered.generation != notify::generation_of(which)) return errc::not_registered;
  wanted.key = at->registered.key;
  return apply_one(wanted);
}

void simulated_port::arm(socket& at, const request& wanted, bool has_fired) {
  auto& mine = at.registered;
  if (mine.port != id_) mine.generation = fabric_->next_generation();
  mine.port = id_;
  mine.at = this;
  mine.key = wanted.key;
  mine.now = registration::state::armed;
  mine.filter = wanted.filter;
  mine.how = wanted.how;
  // Strictly: what is so already is no change (N29).
  mine.risen = mine.spurious = event::none;
  mine.needs_change = has(wanted.how, trigger::edge)
                          ? !broken(fault::edge_repeats)
                          : (broken(fault::level_needs_a_change) && !has(wanted.how, trigger::oneshot)) ||
                                (has_fired && broken(fault::rest_is_not_told)) ||
                                (has_fired && at.kind == socket_kind::listener && broken(fault::listener_tells_of_one));
  if (broken(fault::arm_stays_with_its_thread)) mine.thread = std::this_thread::get_id();
  if (fabric_->chances().falls_to(fabric_->conditions().spurious)) {
    const auto one = fabric_->chances().below(2) == 0 ? interest::in : interest::out;
    mine.spurious = has(mine.filter, one) ? static_cast<event>(one) : event::err;
  }
  list(at);
}

std::error_code simulated_port::disable(const request& wanted) {
  auto* const at = fabric_->find(wanted.socket);
  if (const auto failure = require_registered(at)) return failure;
  if (!broken(fault::disable_is_ignored)) at->registered.now = registration::state::disabled;
  return {};
}

std::error_code simulated_port::remove(const request& wanted) {
  auto* const at = fabric_->find(wanted.socket);
  if (at == nullptr && broken(fault::removal_of_closed_is_told)) return {};
  if (const auto failure = require_registered(at))
    return failure == errc::not_registered && broken(fault::removal_of_nothing_succeeds) ? std::error_code{} : failure;
  auto& mine = at->registered;
  mine.now = registration::state::removing;
  if (!broken(fault::accept_is_not_cancelled))
    for (const auto key : mine.accepts)
      push(notify::packet_of_accept(key, -static_cast<std::intptr_t>(std::errc::operation_canceled)),
           queued_packet::origin::accept);
  mine.accepts.clear();
  packet_list removal;
  removal.push_back({.content = packet_of(mine.key, event::remove),
                     .from = queued_packet::origin::removal,
                     .descriptor = static_cast<std::intptr_t>(at->name.handle),
                     .serial = static_cast<std::uint32_t>(at->name.identity)});
  if (broken(fault::removal_waits_for_nobody)) {
    deliver(std::move(removal), packet_queue::taker::others);
  } else if (fabric_->chances().falls_to(fabric_->conditions().late_removal)) {
    later([this, held = std::make_shared<packet_list>(std::move(removal))] {
      epochs_->withhold(std::move(*held), packet_queue::taker::others);
    });
  } else {
    epochs_->withhold(std::move(removal), packet_queue::taker::others);
  }
  return {};
}

std::error_code simulated_port::close(net::socket_handle handle) noexcept {
  const std::scoped_lock hold(fabric_->mutex());
  auto* const at = fabric_->find(handle);
  if (at == nullptr) return errc::not_a_socket;
  if (at->registered.port != 0 && !has_registration(*at)) return errc::registered_elsewhere;
  if (broken(fault::port_close_leaves_socket_open))
    at->registered = {};
  else
    fabric_->close(*at);
  return {};
}

// --------------------------------------------------------------------------------------------------- own packets

void simulated_port::push(packet content, queued_packet::origin from) {
  packet_list one;
  one.push_back({.content = content, .from = from});
  if (from == queued_packet::origin::post)
    static_cast<void>(queue_.push_post(std::move(one)));
  else
    static_cast<void>(queue_.push_events(std::move(one), packet_queue::taker::others));
  fabric_->tell_waiters();
}

std::error_code simulated_port::post(std::uint64_t key, std::uint64_t value) noexcept {
  packet_list one;
  one.push_back({.content = {key, value}});
  if (queue_.push_post(std::move(one)) == packet_queue::push_result::full)
    return std::make_error_code(std::errc::no_buffer_space);
  if (broken(fault::post_reaches_two)) push({key, value}, queued_packet::origin::post);
  fabric_->tell_waiters();
  return {};
}

std::error_code simulated_port::post_after_batches(std::uint64_t key, std::uint64_t value) noexcept {
  packet_list one;
  one.push_back({.content = {key, value}});
  if (!queue_.admit_post()) return std::make_error_code(std::errc::no_buffer_space);
  epochs_->withhold(std::move(one), packet_queue::taker::others);
  return {};
}

void simulated_port::deliver(packet_list&& removals, packet_queue::taker who) noexcept {
  static_cast<void>(queue_.push_events(std::move(removals), who));
  fabric_->tell_waiters();
}

void simulated_port::later(std::function<void()> what) {
  const auto way = static_cast<std::uint64_t>(fabric_->conditions().delay.count()) + 1;
  fabric_->schedule(fabric_->now() + duration(fabric_->chances().below(way)),
                    [life = std::weak_ptr(life_), what = std::move(what)] {
                      if (const auto alive = life.lock()) what();
                    });
}

std::error_code simulated_port::async_accept(net::socket_handle listener, std::uint64_t key) noexcept {
  const std::scoped_lock hold(fabric_->mutex());
  auto* const at = fabric_->find(listener);
  if (const auto failure = require_registered(at)) return failure;
  auto& mine = at->registered;
  if (mine.key == key || at->kind != socket_kind::listener) return errc::invalid_request;
  if (mine.accepts.size() >= accept_limit) return std::make_error_code(std::errc::no_buffer_space);
  mine.accepts.push_back(key);
  complete_accepts(*at);
  return {};
}

void simulated_port::complete_accepts(socket& listener) {
  auto& accepts = listener.registered.accepts;
  while (!accepts.empty() && !listener.backlog.empty()) {
    const auto key = accepts.front();
    accepts.pop_front();
    if (fabric_->fails(fabric::attempt::accept)) {
      push(notify::packet_of_accept(key, -static_cast<std::intptr_t>(std::errc::too_many_files_open)),
           queued_packet::origin::accept);
    } else if (const auto* const taken = fabric_->accept(listener)) {
      push(notify::packet_of_accept(key, static_cast<std::intptr_t>(taken->name.handle)),
           queued_packet::origin::accept);
    } else {
      return accepts.push_front(key);
    }
  }
}

// ----------------------------------------------------------------------------------------------------- readiness

/// What a packet about `at` would say now.
event simulated_port::tellable(const socket& at) const {
  const auto& mine = at.registered;
  if (mine.now != registration::state::armed) return event::none;
  auto asked = static_cast<event>(mine.filter) | event::err;
  if (broken(fault::err_is_withheld)) asked = static_cast<event>(mine.filter);
  if (broken(fault::unrequested_is_told)) asked |= event::hangup;
  return ((mine.needs_change ? mine.risen : at.conditions) & asked) | mine.spurious;
}

void simulated_port::on_change(socket& at) {
  complete_accepts(at);
  list(at);
}

void simulated_port::on_close(socket& at) {
  const auto& mine = at.registered;
  if (mine.now == registration::state::removing) return;
  if (broken(fault::closing_is_told)) push(packet_of(mine.key, event::remove), queued_packet::origin::post);
  // What was on its way may arrive still (N51).
  if (const auto told = tellable(at);
      told != event::none && fabric_->chances().falls_to(fabric_->conditions().stale_packet))
    push(packet_of(mine.key, told), queued_packet::origin::post);
}

void simulated_port::list(socket& at) {
  auto& mine = at.registered;
  if (mine.listing != 0 || tellable(at) == event::none) return;
  mine.listing = ++listings_;
  const listed one{at.name, mine.listing};
  if (broken(fault::first_source_comes_first))
    round_.push_front(one);
  else if (fabric_->chances().falls_to(fabric_->conditions().late_packet))
    later([this, one] { next_round_.push_back(one); });
  else
    next_round_.push_back(one);
  fabric_->tell_waiters();
}

/// Brings the registration to where a delivered packet leaves it.
void simulated_port::fire(socket& at, event told, std::uint64_t call) {
  auto& mine = at.registered;
  mine.served_by = call;
  mine.risen = mine.spurious = event::none;
  const bool stays =
      has(mine.how, trigger::edge) ? broken(fault::edge_oneshot_stays_armed) : broken(fault::oneshot_stays_armed);
  if (has(mine.how, trigger::oneshot) && !stays) {
    mine.now = registration::state::fired;
    const auto left = without(static_cast<event>(mine.filter), told);
    if (broken(fault::delivery_disarms_only_itself) && left != event::none) {
      mine.now = registration::state::armed;
      mine.filter = static_cast<interest>(left);
    }
  }
  if (broken(fault::level_reaches_one_thread)) mine.thread = std::this_thread::get_id();
  list(at);
}

// ------------------------------------------------------------------------------------------------------- waiting

error_or<std::size_t> simulated_port::refuse_call(std::span<request> requests, bool has_room) {
  const std::scoped_lock hold(fabric_->mutex());
  if (broken(fault::failed_call_applies_requests)) apply_all(requests);
  if (broken(fault::waiting_without_room_passes) && !has_room) return std::size_t{0};
  if (++bad_calls_ >= bad_calls_noticed && broken(fault::bad_arguments_pass_in_the_end)) return std::size_t{0};
  return errc::invalid_request;
}

error_or<std::size_t> simulated_port::process(std::span<request> requests, std::span<packet> out,
                                              duration timeout) noexcept {
  if (timeout < duration::zero() || (out.empty() && timeout != duration::zero()))
    return refuse_call(requests, !out.empty());
  auto* const self = epochs_->enrol();
  std::unique_lock hold(fabric_->mutex());
  if (is_closing_) return errc::closed;
  if (self == nullptr || fabric_->fails(fabric::attempt::call)) return out_of_memory();
  if (out.empty()) {
    apply_all(requests);
    return std::size_t{0};
  }
  // As on a kernel: requests first, then the last batch counts as released (N49).
  epochs_->arrive(*self);
  apply_all(requests);
  epochs_->enter(*self);
  const auto count = dequeue(*self, out, timeout, hold);
  const bool closed = is_closing_;
  hold.unlock();
  // The port may be gone as soon as it is seen that no thread is inside; the epochs stay, being this thread's as well.
  auto* const epochs = epochs_.get();
  epochs->leave(*self, count > 0);
  if (closed && count == 0) return errc::closed;
  return count;
}

std::size_t simulated_port::dequeue(batch_epochs::waiter& self, std::span<packet> out, duration timeout,
                                    std::unique_lock<std::mutex>& hold) {
  if (timeout == duration::zero() && broken(fault::poll_finds_nothing)) return 0;
  if (timeout != infinite && broken(fault::timeout_is_early)) timeout -= timeout / 10;
  // A deadline beyond the clock's end is none.
  const bool expires = timeout != infinite && timeout < clock::time_point::max() - fabric_->now();
  const auto deadline = expires ? fabric_->now() + timeout : clock::time_point::max();
  fabric_->advance_to(fabric_->now());
  for (;;) {
    const auto seen = fabric_->changes();
    epochs_->begin_batch(self);
    if (const auto count = take(out); count > 0 || is_closing_) return count;
    // Nothing is in this thread's hands, which may be what a REMOVE event waited for.
    epochs_->enter(self);
    if (!queue_.empty()) continue;
    if (const auto next = fabric_->next_event(); next && *next <= deadline) {
      fabric_->advance_to(*next);
    } else if (expires) {
      if (fabric_->now() >= deadline) return 0;
      fabric_->advance_to(deadline);
    } else {
      hold.unlock();
      fabric_->await_change(seen);
      hold.lock();
      if (broken(fault::post_wakes_everybody)) return take(out);
    }
  }
}

/// Posts and sockets in turn, so that neither starves (N47).
std::size_t simulated_port::take(std::span<packet> out) {
  const auto call = ++calls_;
  std::size_t count = 0;
  while (count < out.size()) {
    is_queues_turn_ = !is_queues_turn_ && !broken(fault::sockets_go_before_posts);
    auto& into = out[count];
    if (is_queues_turn_ ? !take_queued(into) && !take_ready(into, call) : !take_ready(into, call) && !take_queued(into))
      break;
    ++count;
  }
  if (count == out.size() && broken(fault::what_has_no_room_is_lost)) {
    packet lost;
    while (take_queued(lost) || take_ready(lost, call)) continue;
  }
  return count;
}

bool simulated_port::take_queued(packet& into) {
  const auto taken = queue_.take(1, false).packets;
  if (taken.empty()) return false;
  const auto& one = taken.front();
  into = one.content;
  if (one.from == queued_packet::origin::removal) after_removal(one);
  if (one.from == queued_packet::origin::post && broken(fault::posted_value_is_cut)) into.value &= 0xffU;
  return true;
}

void simulated_port::after_removal(const queued_packet& removal) {
  if (broken(fault::removal_is_told_twice)) push(removal.content, queued_packet::origin::post);
  if (broken(fault::packet_follows_removal))
    push(packet_of(removal.content.key, event::in), queued_packet::origin::post);
  // From here on the socket may be registered anew (N5), unless its number is another socket's by now (N51).
  auto* const at = fabric_->find(static_cast<net::socket_handle>(removal.descriptor));
  if (at == nullptr || static_cast<std::uint32_t>(at->name.identity) != removal.serial || !has_registration(*at))
    return;
  if (broken(fault::removal_leaves_registration))
    at->registered.now = registration::state::disabled;
  else
    at->registered = {};
}

bool simulated_port::take_ready(packet& into, std::uint64_t call) {
  for (;;) {
    if (round_.empty()) {
      std::swap(round_, next_round_);
      if (fabric_->conditions().shuffled)
        for (std::size_t left = round_.size(); left > 1; --left)
          std::swap(round_[left - 1], round_[fabric_->chances().below(left)]);
    }
    if (round_.empty()) return false;
    const auto next = round_.front();
    auto* const at = fabric_->find(next.name);
    if (at == nullptr || !has_registration(*at) || at->registered.listing != next.listing) {
      round_.pop_front();
      continue;
    }
    auto& mine = at->registered;
    // At most one packet of a registration at a time (N18).
    if (mine.served_by == call) return false;
    const bool is_anothers = mine.thread != std::thread::id() && mine.thread != std::this_thread::get_id();
    if (is_anothers) return false;
    round_.pop_front();
    mine.listing = 0;
    auto told = tellable(*at);
    if (told == event::none) continue;
    if (broken(fault::conditions_come_one_by_one) && told != lowest(told)) {
      into = packet_of(mine.key, lowest(told));
      mine.spurious = without(told, lowest(told));
      mine.needs_change = true;
      mine.risen = event::none;
      mine.served_by = call;
      list(*at);
      return true;
    }
    into = packet_of(mine.key, told);
    fire(*at, told, call);
    return true;
  }
}

}  // namespace

std::unique_ptr<notify::notification_port> make_port(std::shared_ptr<fabric> in) {
  return std::make_unique<simulated_port>(std::move(in));
}

}  // namespace switchboard::simulated
