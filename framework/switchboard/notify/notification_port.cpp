#include <switchboard/notify/notification_port.hpp>

namespace switchboard::notify {
namespace {

template <class Flags>
constexpr bool only(Flags set, Flags allowed) noexcept {
  return (set & allowed) == set;
}

}  // namespace

bool request::is_valid_arm() const noexcept {
  constexpr auto known = trigger::oneshot | trigger::persistent | trigger::level | trigger::edge;
  return only(filter, interest::all) && only(how, known) && has(how, trigger::level) != has(how, trigger::edge) &&
         !(has(how, trigger::oneshot) && has(how, trigger::persistent));
}

error_or<net::socket_handle> packet::accepted() const noexcept {
  const auto outcome = static_cast<std::int64_t>(value);
  if (outcome >= 0) return static_cast<net::socket_handle>(outcome);
  const std::error_code failure(static_cast<int>(-outcome), std::generic_category());
  // By the name that net::listener gives it, so that a caller knows when to refuse.
  if (failure == std::errc::too_many_files_open || failure == std::errc::too_many_files_open_in_system)
    return errc::out_of_descriptors;
  return failure;
}

}  // namespace switchboard::notify
