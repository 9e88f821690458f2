#pragma once

/// The pump's registrations: which actor owns the socket that a packet's key names.
///
/// Why        a packet may outlive its registration; slot and generation together tell, and finding the slot takes no
///            lock.
/// Threads    any. One slot's content is guarded by the slot's own lock, the free list by the table's.
/// Owns       an actor handle per slot in use.
/// Errors     `closed` after close(), `registrations_exhausted` at max_registrations.

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include <caf/actor_control_block.hpp>

#include <switchboard/error/error_or.hpp>
#include <switchboard/net/socket_handle.hpp>
#include <switchboard/pump/readiness_messages.hpp>
#include <switchboard/pump/spin_lock.hpp>

namespace switchboard {

/// More than a process can have descriptors under Linux's default ceiling (fs.nr_open).
inline constexpr std::uint32_t max_registrations = std::uint32_t{1} << 21;

class registration_table {
public:
  enum class state : std::uint8_t { free, open, removing };

  struct slot {
    spin_lock lock;
    state now = state::free;
    std::uint32_t generation = 0;
    std::uint32_t next_free = 0;
    net::socket_handle socket = net::socket_handle::invalid;
    notify::interest wanted = notify::interest::none;  ///< of the latest arm
    std::uint32_t arms = 0;                            ///< so far, which tells the latest from others
    caf::strong_actor_ptr owner;
  };

  /// A slot whose lock is held, or nothing.
  class held_slot {
  public:
    held_slot() = default;
    /// @pre `held` is locked.
    explicit held_slot(slot* held) noexcept : slot_(held) {}
    held_slot(held_slot&& other) noexcept : slot_(std::exchange(other.slot_, nullptr)) {}
    held_slot& operator=(held_slot&&) = delete;
    ~held_slot() {
      if (slot_ != nullptr) slot_->lock.unlock();
    }
    explicit operator bool() const noexcept { return slot_ != nullptr; }
    slot* operator->() const noexcept { return slot_; }

  private:
    slot* slot_ = nullptr;
  };

  struct added {
    registration_id id;
    held_slot held;  ///< locked, so that nothing happens to the registration before the port knows it
  };

  registration_table() = default;
  ~registration_table();
  registration_table(const registration_table&) = delete;
  registration_table& operator=(const registration_table&) = delete;

  error_or<added> add(net::socket_handle socket, caf::strong_actor_ptr owner);
  /// The slot of a registration that still is; nothing for a stale id.
  held_slot find(registration_id id) noexcept;
  /// Ends a registration and hands out its owner. The handle is released by the caller, without a lock: it may be the
  /// last.
  caf::strong_actor_ptr take(registration_id id, held_slot held) noexcept;
  struct removed {
    registration_id id;
    caf::strong_actor_ptr owner;
  };
  /// Ends every registration, and refuses new ones from now on. Hands out those whose removal was under way.
  std::vector<removed> close();

  bool closed() const noexcept { return closed_.load(std::memory_order_acquire); }
  std::size_t size() const noexcept { return size_.load(std::memory_order_relaxed); }

private:
  static constexpr std::uint32_t slots_per_chunk = 1024;
  static constexpr std::uint32_t no_slot = ~std::uint32_t{0};
  using chunk = std::array<slot, slots_per_chunk>;

  static constexpr std::uint32_t index_of(registration_id id) noexcept {
    return static_cast<std::uint32_t>(static_cast<std::uint64_t>(id));
  }
  static constexpr std::uint32_t generation_of(registration_id id) noexcept {
    return static_cast<std::uint32_t>(static_cast<std::uint64_t>(id) >> 32);
  }
  slot* at(std::uint32_t index) noexcept;
  void give_back(std::uint32_t index, slot& freed) noexcept;

  // Chunks never move and never go, so that a slot is found without a lock.
  std::array<std::atomic<chunk*>, max_registrations / slots_per_chunk> chunks_{};
  std::mutex lock_;  // guards the free list and growing
  std::uint32_t first_free_ = no_slot;
  std::uint32_t made_ = 0;
  std::atomic<std::size_t> size_{0};
  std::atomic<bool> closed_{false};
};

}  // namespace switchboard
