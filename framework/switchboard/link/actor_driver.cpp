#include <utility>

#include <switchboard/link/actor_driver.hpp>
#include <switchboard/pump/message_element.hpp>

namespace switchboard::link {

std::error_code actor_driver::open(net::socket_handle socket, notify::interest first) {
  const auto opened = pump_->open(socket, self_ptr(), first);
  if (!opened) return opened.error();
  registration_ = *opened;
  return {};
}

bool actor_driver::remove() noexcept {
  // After the pump's end there is no REMOVE event to wait for, nor anything that could still hold a packet.
  return registration_ != registration_id::none && !pump_->remove(registration_);
}

void actor_driver::set_deadline(clock::time_point at) {
  cancel_deadline();
  deadline_ = pump_->schedule(at, self_ptr(), deadline_tag_ += 4);
}

void actor_driver::cancel_deadline() noexcept {
  if (deadline_ == deadline_id::none) return;
  pump_->cancel(std::exchange(deadline_, deadline_id::none));
  deadline_tag_ += 4;
}

bool actor_driver::owns(const deadline_expired& expired) noexcept {
  if (expired.tag != deadline_tag_ || deadline_ == deadline_id::none) return false;
  deadline_ = deadline_id::none;
  return true;
}

void actor_driver::queue_turn() {
  self_.enqueue(make_message_element(link_turn{}), self_.context());
}

bool actor_driver::has_more() const noexcept {
  return !self_.mailbox().empty();
}

}  // namespace switchboard::link
