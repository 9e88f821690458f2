#pragma once

/// A counted reference to an actor, as caf::strong_actor_ptr is one, in headers that do without CAF's.
///
/// Threads    a value; messages may be sent to the actor from any thread.
/// Owns       the actor's memory, and the actor as long as it waits for messages that only its holders can send.

#include <cstddef>
#include <utility>

#include <switchboard/rpc/caf_forward.hpp>

namespace switchboard::rpc {

class actor_ref {
public:
  actor_ref() noexcept = default;
  actor_ref(std::nullptr_t) noexcept {}
  /// Takes the count over.
  actor_ref(caf::strong_actor_ptr from) noexcept;
  /// Counts once more.
  explicit actor_ref(caf::actor_control_block* of) noexcept;
  actor_ref(const actor_ref& other) noexcept : actor_ref(other.block_) {}
  actor_ref(actor_ref&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  actor_ref& operator=(actor_ref other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~actor_ref() {
    if (block_) release();
  }

  explicit operator bool() const noexcept { return block_ != nullptr; }
  caf::actor_control_block* get() const noexcept { return block_; }
  caf::actor_control_block* operator->() const noexcept { return block_; }
  friend bool operator==(const actor_ref&, const actor_ref&) noexcept = default;

  /// The same as CAF's functions take it.
  caf::strong_actor_ptr strong() const& noexcept;
  /// The same, which gives the count away.
  caf::strong_actor_ptr strong() && noexcept;

private:
  void release() noexcept;

  caf::actor_control_block* block_ = nullptr;
};

}  // namespace switchboard::rpc
