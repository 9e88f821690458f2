#include <algorithm>

#include <switchboard/notify/port_backend.hpp>

namespace switchboard::notify {

const port_backend* port_backend::find(std::string_view name) noexcept {
  const auto known = all();
  const auto found = std::ranges::find(known, name, &port_backend::name);
  return found == known.end() ? nullptr : &*found;
}

std::string port_backend::names() {
  std::string text;
  for (const auto& each : all()) text.append(text.empty() ? "" : " or ").append(each.name);
  return text;
}

}  // namespace switchboard::notify
