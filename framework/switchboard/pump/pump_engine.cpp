#include <algorithm>
#include <utility>

#include <caf/detail/set_thread_name.hpp>
#include <caf/mailbox_element.hpp>
#include <caf/message_id.hpp>

#include <switchboard/error/invariant.hpp>
#include <switchboard/pump/port_server.hpp>
#include <switchboard/pump/pump_engine.hpp>

namespace switchboard {

using notify::event;
using notify::notification_port;

namespace {

notify::request request_of(registration_id registration, const registration_table::slot& held) noexcept {
  return {.socket = held.socket,
          .key = static_cast<std::uint64_t>(registration),
          .filter = held.wanted,
          .op = notify::operation::enable};
}

}  // namespace

pump_engine::pump_engine(std::unique_ptr<notification_port> port)
    : port_(std::move(port)), batches_(port_->batches_requests()), deadlines_(port_->now()) {}

error_or<registration_id> pump_engine::open(net::socket_handle socket, caf::strong_actor_ptr owner,
                                            notify::interest first) {
  auto added = registrations_.add(socket, std::move(owner));
  if (!added) return added.error();
  const auto id = added->id;
  const auto failed = port_->apply(
      {.socket = socket, .key = static_cast<std::uint64_t>(id), .filter = first, .op = notify::operation::enable});
  if (!failed) return id;
  registrations_.take(id, std::move(added->held));
  return failed;
}

bool pump_engine::make_request(const re_arm& noted, notify::request& made) noexcept {
  const auto held = registrations_.find(noted.registration);
  if (!held || held->now != registration_table::state::open || held->arms != noted.number) return false;
  made = request_of(noted.registration, *held.operator->());
  return true;
}

std::error_code pump_engine::apply(const re_arm& noted) noexcept {
  const auto held = registrations_.find(noted.registration);
  if (!held || held->now != registration_table::state::open || held->arms != noted.number) return {};
  return port_->apply(request_of(noted.registration, *held.operator->()));
}

std::error_code pump_engine::apply_later_than(const re_arm& applied) noexcept {
  const auto held = registrations_.find(applied.registration);
  if (!held || held->now != registration_table::state::open || held->arms == applied.number) return {};
  return port_->apply(request_of(applied.registration, *held.operator->()));
}

std::error_code pump_engine::arm(registration_id registration, notify::interest filter) noexcept {
  re_arm noted{registration, 0};
  auto* const here = port_server::current();
  const bool may_wait = batches_ && here != nullptr && &here->engine() == this;
  {
    const auto held = registrations_.find(registration);
    if (!held) return registrations_.closed() ? errc::closed : errc::not_registered;
    if (held->now != registration_table::state::open) return errc::removing;
    held->wanted = filter;
    noted.number = ++held->arms;
    if (!may_wait) return port_->apply(request_of(registration, *held.operator->()));
  }
  return here->defer(noted) ? std::error_code{} : apply(noted);
}

std::error_code pump_engine::remove(registration_id registration) noexcept {
  auto held = registrations_.find(registration);
  if (!held) return registrations_.closed() ? errc::closed : errc::not_registered;
  if (held->now == registration_table::state::removing) return {};
  held->now = registration_table::state::removing;
  std::error_code failed;
  for (int tries = 0; tries != max_tries; ++tries) {
    failed = port_->apply(
        {.socket = held->socket, .key = static_cast<std::uint64_t>(registration), .op = notify::operation::remove});
    if (!failed) return {};
    if (failed == errc::not_registered) break;
  }
  // Closed by its owner too soon, or refused for good (N52): no REMOVE event will come. The owner waits for the end all
  // the same, and packets still under way are stale from here on.
  auto* const here = port_server::current();
  const auto owner = registrations_.take(registration, std::move(held));
  owner->enqueue(caf::make_mailbox_element(nullptr, caf::make_message_id(), {}, registration_closed{registration}),
                 here != nullptr && &here->engine() == this ? here->unit() : nullptr);
  return {};
}

std::size_t pump_engine::deliver(const notify::packet& socket_packet, caf::execution_unit* unit) {
  const auto id = static_cast<registration_id>(socket_packet.key);
  const auto events = socket_packet.events();
  auto held = registrations_.find(id);
  if (!held) return 0;  // stale: a packet that was queued before the table let go of it
  if (has(events, event::remove)) {
    const auto owner = registrations_.take(id, std::move(held));
    owner->enqueue(caf::make_mailbox_element(nullptr, caf::make_message_id(), {}, registration_closed{id}), unit);
    return 1;
  }
  if (held->now != registration_table::state::open) return 0;  // only registration_closed is of interest now
  const auto owner = held->owner;
  { const auto unlocked = std::move(held); }
  owner->enqueue(caf::make_mailbox_element(nullptr, caf::make_message_id(), {}, socket_ready{id, events}), unit);
  return 1;
}

std::size_t pump_engine::deliver_failed_arm(registration_id registration, caf::execution_unit* unit) {
  return deliver({.key = static_cast<std::uint64_t>(registration), .value = static_cast<std::uint64_t>(event::err)},
                 unit);
}

deadline_id pump_engine::schedule(clock::time_point at, caf::strong_actor_ptr owner, std::uint64_t tag) {
  const auto made = deadlines_.schedule(at, std::move(owner), tag);
  // A thread that serves the port looks at the deadlines itself before it sleeps.
  const auto* const here = port_server::current();
  if (made.is_nearest && (here == nullptr || &here->engine() != this)) wake_one();
  return made.id;
}

void pump_engine::post(std::uint64_t key) noexcept {
  std::error_code failed;
  for (int tries = 0; tries != max_tries; ++tries) {
    failed = port_->post(key, 0);
    if (!failed) return;
  }
  SWITCHBOARD_INVARIANT(!failed, "the pump cannot post to its port: a lost wake-up is a hang (N44)");
}

pump_engine::duration pump_engine::patience(sleep_ledger::role held) noexcept {
  const auto nearest = deadlines_.nearest();
  if (held == sleep_ledger::role::watch) {
    const auto now = port_->now();
    const auto until = std::min(nearest, now + watch_period);
    watched_until_.store(until.time_since_epoch().count(), std::memory_order_relaxed);
    return std::max(until - now, duration::zero());
  }
  if (nearest == deadline_wheel::none()) return notification_port::infinite;
  // The watch looks at the deadlines when it wakes; only what comes before that is another sleeper's business.
  if (held == sleep_ledger::role::sleeper &&
      nearest.time_since_epoch().count() >= watched_until_.load(std::memory_order_relaxed))
    return notification_port::infinite;
  return std::max(nearest - port_->now(), duration::zero());
}

void pump_engine::serve_until_exit() {
  caf::detail::set_thread_name("pump.port");
  port_server server(shared_from_this(), nullptr);
  server.enter();
  for (;;) {
    // These threads run no handlers, so nobody needs to watch them: as if each were the only one.
    const auto role = ledger_.fall_asleep(1, false);
    const auto done = server.serve(patience(role));
    ledger_.wake_up(role, done.wakes);
    if (!done.exit) continue;
    server.leave();
    post(exit_key);
    return;
  }
}

std::error_code pump_engine::start(std::size_t threads) {
  if (registrations_.closed()) return errc::closed;
  try {
    while (threads_.size() < threads) threads_.emplace_back([self = shared_from_this()] { self->serve_until_exit(); });
  } catch (const std::system_error& refused) {
    return refused.code();
  }
  return {};
}

void pump_engine::stop() noexcept {
  // Whoever asked for a removal was promised its end, and may be waiting for nothing else.
  for (auto& [id, owner] : registrations_.close())
    owner->enqueue(caf::make_mailbox_element(nullptr, caf::make_message_id(), {}, registration_closed{id}), nullptr);
  deadlines_.close();
  if (threads_.empty()) return;
  post(exit_key);
  for (auto& each : std::exchange(threads_, {})) {
    // On a thread of its own the pump's end is a message's last effect; that thread leaves by itself.
    if (each.get_id() == std::this_thread::get_id()) {
      each.detach();
    } else {
      each.join();
    }
  }
}

}  // namespace switchboard
