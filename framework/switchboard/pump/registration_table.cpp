#include <new>
#include <utility>

#include <switchboard/pump/registration_table.hpp>

namespace switchboard {

registration_table::~registration_table() {
  for (auto& made : chunks_) delete made.load(std::memory_order_relaxed);
}

registration_table::slot* registration_table::at(std::uint32_t index) noexcept {
  if (index >= max_registrations) return nullptr;
  auto* const found = chunks_[index / slots_per_chunk].load(std::memory_order_acquire);
  return found == nullptr ? nullptr : &(*found)[index % slots_per_chunk];
}

error_or<registration_table::added> registration_table::add(net::socket_handle socket, caf::strong_actor_ptr owner) {
  const std::lock_guard guard(lock_);
  if (closed()) return errc::closed;
  std::uint32_t index = first_free_;
  if (index != no_slot) {
    first_free_ = at(index)->next_free;
  } else {
    if (made_ == max_registrations) return errc::registrations_exhausted;
    index = made_;
    if (index % slots_per_chunk == 0) {
      auto* const fresh = new (std::nothrow) chunk;
      if (fresh == nullptr) return std::make_error_code(std::errc::not_enough_memory);
      chunks_[index / slots_per_chunk].store(fresh, std::memory_order_release);
    }
    ++made_;
  }
  // Still under the table's lock: close() must not pass by between a slot's allocation and its owner's arrival.
  auto& fresh = *at(index);
  fresh.lock.lock();
  fresh.now = state::open;
  fresh.socket = socket;
  fresh.owner = std::move(owner);
  size_.fetch_add(1, std::memory_order_relaxed);
  const auto id = static_cast<registration_id>(std::uint64_t{fresh.generation} << 32 | index);
  return added{id, held_slot{&fresh}};
}

registration_table::held_slot registration_table::find(registration_id id) noexcept {
  auto* const found = at(index_of(id));
  if (found == nullptr) return {};
  found->lock.lock();
  if (found->now == state::free || found->generation != generation_of(id)) {
    found->lock.unlock();
    return {};
  }
  return held_slot{found};
}

caf::strong_actor_ptr registration_table::take(registration_id id, held_slot held) noexcept {
  caf::strong_actor_ptr owner;
  slot* freed = nullptr;
  {
    const held_slot locked(std::move(held));
    freed = locked.operator->();
    owner.swap(freed->owner);
    freed->now = state::free;
    ++freed->generation;
  }
  size_.fetch_sub(1, std::memory_order_relaxed);
  give_back(index_of(id), *freed);
  return owner;
}

void registration_table::give_back(std::uint32_t index, slot& freed) noexcept {
  const std::lock_guard guard(lock_);
  freed.next_free = first_free_;
  first_free_ = index;
}

std::vector<registration_table::removed> registration_table::close() {
  std::vector<removed> awaiting_removal;
  std::uint32_t made = 0;
  {
    const std::lock_guard guard(lock_);
    closed_.store(true, std::memory_order_release);
    made = made_;
  }
  for (std::uint32_t index = 0; index != made; ++index) {
    caf::strong_actor_ptr owner;
    auto& each = *at(index);
    const std::lock_guard guard(each.lock);
    if (each.now == state::free) continue;
    // The last handle may end an actor whose destructor calls the pump, so it leaves the slot before it is released.
    owner.swap(each.owner);
    const bool removing = each.now == state::removing;
    const auto id = static_cast<registration_id>(std::uint64_t{each.generation} << 32 | index);
    each.now = state::free;
    ++each.generation;
    size_.fetch_sub(1, std::memory_order_relaxed);
    if (removing) awaiting_removal.push_back({id, std::move(owner)});
  }
  return awaiting_removal;
}

}  // namespace switchboard
