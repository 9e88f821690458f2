#include <algorithm>

#include <switchboard/simulated/socket_table.hpp>

namespace switchboard::simulated {
namespace {

/// Standard input, output and error have the first ones.
constexpr std::size_t first_number = 3;

}  // namespace

socket& socket_table::add(socket_kind kind) {
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
  ++count_;
  return made;
}

std::unique_ptr<socket> socket_table::remove(const socket& one) {
  const auto number = static_cast<std::size_t>(one.name.handle);
  free_numbers_.insert(number);
  --count_;
  return std::move(sockets_[number]);
}

socket* socket_table::find(net::socket_handle handle) const noexcept {
  const auto number = static_cast<std::size_t>(handle);
  return number < sockets_.size() ? sockets_[number].get() : nullptr;
}

socket* socket_table::find(const socket_name& name) const noexcept {
  auto* const found = find(name.handle);
  return found != nullptr && found->name.identity == name.identity ? found : nullptr;
}

}  // namespace switchboard::simulated
