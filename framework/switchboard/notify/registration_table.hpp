#pragma once

/// Which port has which socket, for the whole process: the one table of registrations, with the descriptor as the slot
/// (N3, N4, N5, N51).
///
/// Why        epoll and io_uring know registrations per set only and take a descriptor into several; and a packet or a
///            re-arm names a descriptor, so finding its registration must cost no more than an index.
/// Threads    find() and reach() from any; a registration's members under its lock.
/// Owns       the registrations, which are never freed, so a pointer to one stays good and a late event finds an entry
///            to be compared with. They may be stale: a socket closed without REMOVE leaves its entry (N51), and
///            it is recognised by the kernel's identity of the socket.
/// Limit      descriptor_limit; memory grows by chunks as high descriptors appear.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <switchboard/notify/notification_port.hpp>

namespace switchboard::notify {

/// A four-byte mutex: a registration with its lock then fills one cache line, and neighbours do not disturb each other.
class small_lock {
public:
  void lock() noexcept {
    if (state_.exchange(held, std::memory_order_acquire) == free) return;
    while (state_.exchange(contended, std::memory_order_acquire) != free) sleep_while_contended();
  }
  void unlock() noexcept {
    if (state_.exchange(free, std::memory_order_release) == contended) wake_one();
  }

private:
  enum : std::uint32_t { free, held, contended };
  /// Returns once woken, at once if the state is another, and may return for no reason.
  void sleep_while_contended() noexcept;
  void wake_one() noexcept;
  std::atomic<std::uint32_t> state_{free};
};

enum class registration_state : std::uint8_t {
  absent,
  armed,
  fired,     ///< a one-shot delivered: disabled (N32), at the kernel too unless its registration there stands
  disabled,  ///< by DISABLE; the kernel no longer has it (N9)
  removing,  ///< REMOVE asked, its event not yet delivered (N11)
};

/// Whether a one-shot's registration at the kernel is an edge-triggered one that stands, while the one-shot is armed and fires
/// in the table: then arming it again need not cost a system call (N56).
enum class standing_edge : std::uint8_t {
  none,   ///< it does not: each arm is the kernel's
  clear,  ///< it does, and has reported nothing beyond the packets that were delivered
  missed,  ///< it does, and reported an edge after the last packet, or an end with it: the next arm has to ask the kernel
};

/// What a backend keeps for a registration beside the entry.
class attachment {
public:
  /// The registration has ended; the attachment frees itself as soon as the kernel does not refer to it any more.
  virtual void abandon() noexcept = 0;

protected:
  ~attachment() = default;
};

struct alignas(64) registration {
  small_lock lock;
  /// How many registrations the slot has had: with the slot, the name of the one there is.
  std::uint32_t generation = 0;
  /// How many arms, disarms and removals. Part of the token the kernel keeps, so what it reports of an earlier arm is
  /// recognised.
  std::uint32_t serial = 0;
  const notification_port* port = nullptr;
  /// The user's: of a pointer's size.
  std::uint64_t key = 0;
  /// The kernel's name for the socket, never used twice.
  std::uint64_t identity = 0;
  registration_state state = registration_state::absent;
  interest filter = interest::none;
  trigger how = trigger::none;
  bool is_stream = false;
  bool in_kernel_set = false;
  /// Level interest handed to the kernel as edge, because it reports what was not asked for and cannot be masked.
  bool is_muted = false;
  standing_edge standing = standing_edge::none;
  attachment* attached = nullptr;

  /// Why the registration of that name is not one to work with for `on`.
  std::error_code check(registration_id name, const notification_port& on) const noexcept {
    if (port != &on || generation != generation_of(name)) return errc::not_registered;
    return state == registration_state::removing ? errc::removing : std::error_code{};
  }
  /// Whether the kernel will report all that `wanted`, an ENABLE, is to be notified of, without being asked.
  bool stands_for(const request& wanted) const noexcept {
    return standing == standing_edge::clear && state == registration_state::fired && has(wanted.known, hint::drained) &&
           wanted.filter == filter && wanted.how == how;
  }
  void detach() noexcept {
    if (attached != nullptr) std::exchange(attached, nullptr)->abandon();
  }
  void forget() noexcept {
    detach();
    ++serial;
    port = nullptr;
    state = registration_state::absent;
    in_kernel_set = is_muted = false;
    standing = standing_edge::none;
  }
};

class registration_table {
public:
  static constexpr std::size_t descriptor_limit = std::size_t{1} << 22;

  static registration_table& of_process() noexcept;

  /// The entry of `descriptor`; nullptr where it never had one.
  registration* find(std::intptr_t descriptor) const noexcept;
  /// The entry of `descriptor`, made if need be; nullptr above the limit or out of memory.
  registration* reach(std::intptr_t descriptor) noexcept;
  /// Forgets everything `port` has, silently (N55).
  void forget_all(const notification_port& port) noexcept;

private:
  static constexpr std::size_t chunk_size = 1024;
  using chunk = registration[chunk_size];

  std::atomic<registration*> chunks_[descriptor_limit / chunk_size]{};
};

}  // namespace switchboard::notify
