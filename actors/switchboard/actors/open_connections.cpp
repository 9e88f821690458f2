#include <switchboard/actors/open_connections.hpp>

namespace switchboard::actors {

connection_place::~connection_place() {
  if (among_) among_->free_place(address_);
}

open_connections::verdict open_connections::take_place(const net::endpoint& peer) {
  const std::lock_guard lock{mutex_};
  if (in_all_max_ != 0 && in_all_ >= in_all_max_) return {{}, refusal::in_all};
  connections_of_address* address = nullptr;
  if (per_address_max_ != 0 && peer.kind() == net::endpoint::family::tcp) {
    address = &*by_address_.try_emplace(peer.host()).first;
    if (address->second >= per_address_max_) return {{}, refusal::per_address};
    ++address->second;
  }
  ++in_all_;
  return {{shared_from_this(), address}, refusal::none};
}

void open_connections::free_place(connections_of_address* address) noexcept {
  const std::lock_guard lock{mutex_};
  --in_all_;
  if (address != nullptr && --address->second == 0) by_address_.erase(by_address_.find(address->first));
}

}  // namespace switchboard::actors
