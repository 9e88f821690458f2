#include <switchboard/link/arming.hpp>

namespace switchboard::link {
namespace {

using notify::event;
using notify::interest;

interest interest_in(net::readiness waited_for) noexcept {
  switch (waited_for) {
    case net::readiness::none:
      return interest::none;
    case net::readiness::readable:
      return interest::in;
    case net::readiness::writable:
      return interest::out;
  }
  return interest::none;
}

bool brings(event events, interest waited_for) noexcept {
  return (events & static_cast<event>(waited_for)) != event::none;
}

}  // namespace

std::error_code arming::open(net::socket_handle socket, bool with_hangup) {
  const auto first = wanted(true, with_hangup);
  const auto failure = driver_.open(socket, first);
  if (!failure) armed_for_ = first;
  return failure;
}

std::error_code arming::arm(bool reading, bool with_hangup) noexcept {
  const auto filter = wanted(reading, with_hangup);
  if (armed_for_ && (filter & *armed_for_) == filter) return {};
  // While the present arm holds, another readiness may be on its way, of input that no read has seen. One of an arm before it
  // may be as well, after the arm was widened; then the turn of that readiness reads.
  const auto known = drained_ && !armed_for_ ? notify::hint::drained : notify::hint::none;
  const auto failure = driver_.arm(filter, known);
  if (!failure) armed_for_ = filter;
  return failure;
}

interest arming::wanted(bool reading, bool with_hangup) const noexcept {
  auto filter = write_waits_for_;
  if (reading) filter |= read_waits_for_;
  if (with_hangup && !hangup_seen_) filter |= interest::hangup;
  return filter;
}

bool arming::fired(event events) noexcept {
  if (!armed_for_) return false;
  armed_for_ = std::nullopt;
  fired_ = events;
  drained_ = false;
  if (has(events, event::hangup)) hangup_seen_ = true;
  if (has(events, event::err) || brings(events, write_waits_for_)) write_waits_for_ = interest::none;
  return true;
}

bool arming::read_fired() const noexcept {
  return has(fired_, event::err) || has(fired_, event::hangup) || brings(fired_, read_waits_for_);
}

void arming::note_read(const net::io_result& result) noexcept {
  drained_ = result.drained;
  read_waits_for_ = result.outcome == net::io_outcome::would_block ? interest_in(result.waits_for) : interest::in;
  // The input that a write waits for may have been read already, and then no readiness will report it again.
  if (write_waits_for_ == interest::in) write_waits_for_ = interest::none;
}

void arming::note_write(const net::io_result& result) noexcept {
  write_waits_for_ = interest_in(result.waits_for);
}

}  // namespace switchboard::link
