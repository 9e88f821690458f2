#include <caf/actor_control_block.hpp>

#include <switchboard/rpc/actor_ref.hpp>

namespace switchboard::rpc {

actor_ref::actor_ref(caf::strong_actor_ptr from) noexcept : block_(from.detach()) {}

actor_ref::actor_ref(caf::actor_control_block* of) noexcept : block_(of) {
  if (block_) intrusive_ptr_add_ref(block_);
}

caf::strong_actor_ptr actor_ref::strong() const& noexcept {
  return caf::strong_actor_ptr{block_};
}

caf::strong_actor_ptr actor_ref::strong() && noexcept {
  return {std::exchange(block_, nullptr), false};
}

void actor_ref::release() noexcept {
  intrusive_ptr_release(block_);
}

}  // namespace switchboard::rpc
