#include <utility>

#include <switchboard/rooms/roster.hpp>

namespace switchboard::rooms {

rpc::status roster::refusal(call_key call, const std::string& nickname, const std::string& resume_token) const {
  const auto own = by_caller_.find(call.caller);
  if (own != by_caller_.end() && own->second->first != nickname)
    return {rpc::code::already_exists, "this connection is in the room under another nickname"};
  const auto holder = members_.find(nickname);
  if (holder == members_.end()) return {};
  if (resume_token.empty() || resume_token != holder->second.resume_token)
    return {rpc::code::already_exists, "the nickname is taken"};
  return {};
}

roster::entrance roster::enter(call_key call, const std::string& nickname, std::string resume_token) {
  entrance entered;
  auto [member, is_new] = members_.try_emplace(nickname);
  if (is_new) {
    member->second.id = ++memberships_;
    member->second.resume_token = std::move(resume_token);
    show_size();
  } else {
    entered.displaced = member->second.holder;
    by_caller_.erase(member->second.holder.caller);
  }
  member->second.holder = call;
  by_caller_[call.caller] = member;
  entered.membership = member->second.id;
  return entered;
}

std::optional<roster::departure> roster::leave(call_key call) {
  const auto found = by_caller_.find(call.caller);
  if (found == by_caller_.end() || found->second->second.holder != call) return std::nullopt;
  const auto member = found->second;
  departure left{member->second.id, member->first};
  by_caller_.erase(found);
  members_.erase(member);
  show_size();
  return left;
}

const std::string* roster::nickname_of(std::uint64_t caller) const {
  const auto found = by_caller_.find(caller);
  return found == by_caller_.end() ? nullptr : &found->second->first;
}

members_page roster::page(const room_members& wanted) const {
  members_page page;
  auto at = members_.upper_bound(wanted.after);
  for (; at != members_.end() && page.names.size() < wanted.limit; ++at) page.names.push_back(at->first);
  page.more = at != members_.end();
  return page;
}

void roster::clear() {
  by_caller_.clear();
  members_.clear();
  show_size();
}

void roster::show_size() noexcept {
  const auto before = size_->exchange(static_cast<std::uint32_t>(members_.size()), std::memory_order_release);
  in_rooms_.add(members_.size());
  in_rooms_.subtract(before);
}

}  // namespace switchboard::rooms
