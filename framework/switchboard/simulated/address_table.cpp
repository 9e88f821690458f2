#include <utility>

#include <switchboard/error/errc.hpp>
#include <switchboard/simulated/address_table.hpp>

namespace switchboard::simulated {

std::error_code address_table::bind(socket& by, const net::endpoint& wanted) {
  auto local = wanted;
  if (wanted.kind() == net::endpoint::family::tcp && wanted.port() == 0)
    local = net::endpoint::tcp(wanted.host(), next_port());
  if (!bound_.emplace(std::pair{by.kind, local.to_string()}, by.name).second) return errc::address_in_use;
  by.local = std::move(local);
  return {};
}

void address_table::release(const socket& by) {
  const auto found = bound_.find({by.kind, by.local.to_string()});
  if (found != bound_.end() && found->second.identity == by.name.identity) bound_.erase(found);
}

socket_name address_table::find(socket_kind kind, const std::string& address) const {
  const auto found = bound_.find({kind, address});
  return found == bound_.end() ? socket_name{} : found->second;
}

}  // namespace switchboard::simulated
