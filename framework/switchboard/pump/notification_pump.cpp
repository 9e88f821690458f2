#include <utility>

#include <caf/detail/set_thread_name.hpp>

#include <switchboard/error/invariant.hpp>
#include <switchboard/pump/notification_pump.hpp>
#include <switchboard/pump/port_server.hpp>

namespace switchboard {

using notify::notification_port;

notification_pump::notification_pump(std::unique_ptr<notification_port> port,
                                     std::shared_ptr<metrics::registry> figures)
    : figures_(std::move(figures)),
      port_(std::move(port)),
      deadlines_(port_->now()),
      parking_lot_(*port_, deadlines_),
      owners_(*port_) {}

std::shared_ptr<notification_pump> notification_pump::create(std::unique_ptr<notification_port> port,
                                                             std::shared_ptr<metrics::registry> figures) {
  SWITCHBOARD_INVARIANT(port != nullptr, "a pump needs a port");
  std::shared_ptr<notification_pump> memory(new notification_pump(std::move(port), std::move(figures)));
  memory->self_ = memory;
  auto* const pump = memory.get();
  return {pump, [memory = std::move(memory)](notification_pump* used) mutable {
            used->stop();
            memory = nullptr;
          }};
}

error_or<registration_id> notification_pump::open(net::socket_handle socket, caf::strong_actor_ptr owner,
                                                  notify::interest first) {
  SWITCHBOARD_INVARIANT(owner != nullptr, "a registration needs an owner");
  const auto made = owners_.open(socket, std::move(owner), first);
  if (made) figures_.registrations.add();
  return made;
}

std::error_code notification_pump::arm(registration_id registration, notify::interest filter,
                                       notify::hint known) noexcept {
  if (port_server::serves_here(*this)) known |= notify::hint::wait_follows;
  const auto failed = port_->rearm(registration, filter, known);
  return failed && owners_.closed() ? errc::closed : failed;
}

std::error_code notification_pump::remove(registration_id registration) noexcept {
  return owners_.remove(registration);
}

deadline_id notification_pump::schedule(clock::time_point at, caf::strong_actor_ptr owner, std::uint64_t tag) {
  SWITCHBOARD_INVARIANT(owner != nullptr, "a deadline needs an owner");
  const auto made = deadlines_.schedule(at, std::move(owner), tag);
  if (made.id != deadline_id::none) figures_.deadlines.add();
  // A thread that serves the port looks at the deadlines itself before it parks.
  if (made.is_nearest && !port_server::serves_here(*this)) parking_lot_.wake_one();
  return made.id;
}

std::error_code notification_pump::start(std::size_t threads) {
  if (owners_.closed()) return errc::closed;
  try {
    while (threads_.size() < threads) threads_.emplace_back([self = self_.lock()] { self->serve_until_exit(); });
  } catch (const std::system_error& refused) {
    return refused.code();
  }
  return {};
}

void notification_pump::serve_until_exit() {
  caf::detail::set_thread_name("pump.port");
  port_server server(self_.lock(), nullptr);
  server.enter();
  for (;;) {
    // These threads run no handlers, so none of them needs to be watched: as if each were the only one.
    const auto role = parking_lot_.park(1, false);
    const auto done = server.serve(parking_lot_.patience(role));
    parking_lot_.unpark(role, done.wakes);
    if (!done.exit) continue;
    server.leave();
    parking_lot_.post(parking_lot::exit_key);
    return;
  }
}

std::size_t notification_pump::serve(notification_port::duration timeout) {
  port_server server(self_.lock(), nullptr);
  server.enter();
  const auto served = server.serve(timeout);
  server.leave();
  parking_lot_.taken(served.wakes);
  return served.messages;
}

void notification_pump::stop() noexcept {
  owners_.close();
  deadlines_.close();
  await_ends();
  if (threads_.empty()) return;
  parking_lot_.post(parking_lot::exit_key);
  for (auto& each : std::exchange(threads_, {})) {
    // On a thread of its own the pump's end is a message's last effect; that thread leaves by itself.
    if (each.get_id() == std::this_thread::get_id()) {
      each.detach();
    } else {
      each.join();
    }
  }
}

/// Serves the port beside the others, which may be held up, until every registration has ended.
void notification_pump::await_ends() noexcept {
  // Another thread may take the last event, and this one would wait for it in vain.
  constexpr auto look_again = std::chrono::milliseconds(1);
  if (owners_.size() == 0) return;
  std::size_t wakes = 0;
  port_server server(self_.lock(), nullptr);
  while (owners_.size() != 0) wakes += server.serve(look_again).wakes;
  // What came for a worker.
  parking_lot_.taken(wakes);
  if (wakes != 0) parking_lot_.wake_one();
}

}  // namespace switchboard
