#include <utility>

#include <switchboard/error/invariant.hpp>
#include <switchboard/pump/notification_pump.hpp>
#include <switchboard/pump/port_server.hpp>
#include <switchboard/pump/pump_engine.hpp>

namespace switchboard {

notification_pump::notification_pump(std::unique_ptr<notify::notification_port> port)
    : engine_(std::make_shared<pump_engine>(std::move(port))) {}

notification_pump::~notification_pump() {
  stop();
}

std::shared_ptr<notification_pump> notification_pump::create(std::unique_ptr<notify::notification_port> port) {
  SWITCHBOARD_INVARIANT(port != nullptr, "a pump needs a port");
  return std::shared_ptr<notification_pump>(new notification_pump(std::move(port)));
}

error_or<registration_id> notification_pump::open(net::socket_handle socket, caf::strong_actor_ptr owner,
                                                  notify::interest first) {
  SWITCHBOARD_INVARIANT(owner != nullptr, "a registration needs an owner");
  return engine_->open(socket, std::move(owner), first);
}

std::error_code notification_pump::arm(registration_id registration, notify::interest filter) noexcept {
  return engine_->arm(registration, filter);
}

std::error_code notification_pump::remove(registration_id registration) noexcept {
  return engine_->remove(registration);
}

deadline_id notification_pump::schedule(clock::time_point at, caf::strong_actor_ptr owner, std::uint64_t tag) {
  SWITCHBOARD_INVARIANT(owner != nullptr, "a deadline needs an owner");
  return engine_->schedule(at, std::move(owner), tag);
}

bool notification_pump::cancel(deadline_id deadline) noexcept {
  return engine_->cancel(deadline);
}

notification_pump::clock::time_point notification_pump::now() const noexcept {
  return engine_->port().now();
}

std::error_code notification_pump::start(std::size_t threads) {
  return engine_->start(threads);
}

std::size_t notification_pump::serve(notify::notification_port::duration timeout) {
  port_server server{engine_, nullptr};
  server.enter();
  const auto served = server.serve(timeout);
  server.leave();
  engine_->ledger().taken(served.wakes);
  return served.messages;
}

void notification_pump::stop() noexcept {
  engine_->stop();
}

std::size_t notification_pump::registrations() const noexcept {
  return engine_->registrations().size();
}

std::size_t notification_pump::deadlines() const noexcept {
  return engine_->deadlines().size();
}

notify::notification_port& notification_pump::port() noexcept {
  return engine_->port();
}

}  // namespace switchboard
