#pragma once

/// Immutable bytes with any number of owners: encoded once, sent to many.
///
/// Form       a pointer to one block: how many owners it has, the size, the bytes. A room keeps 100,000 of them, so eight bytes
///            here and twelve there count: a std::shared_ptr beside a size takes three times as much.
/// Threads    a value; the bytes never change, so owners may be on different threads.
/// Errors     more than 4 GiB is a broken precondition; out of memory, std::bad_alloc.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <string_view>
#include <utility>

namespace switchboard::wire {

class shared_bytes {
public:
  shared_bytes() = default;
  explicit shared_bytes(std::string_view content)
      : shared_bytes(content.size(), [&](char* to) { std::memcpy(to, content.data(), content.size()); }) {}
  /// `size` bytes that `fill(char*)` writes in place; it does not throw.
  template <class Fill>
  shared_bytes(std::size_t size, Fill&& fill) {
    if (size == 0) return;
    block_ = new (::operator new(sizeof(block) + size)) block{{1}, static_cast<std::uint32_t>(size)};
    fill(block_->content());
  }
  shared_bytes(const shared_bytes& other) noexcept : block_(other.block_) {
    if (block_ != nullptr) block_->owners.fetch_add(1, std::memory_order_relaxed);
  }
  shared_bytes(shared_bytes&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  shared_bytes& operator=(shared_bytes other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~shared_bytes() {
    if (block_ != nullptr && block_->owners.fetch_sub(1, std::memory_order_acq_rel) == 1) ::operator delete(block_);
  }

  const char* data() const noexcept { return block_ == nullptr ? nullptr : block_->content(); }
  std::size_t size() const noexcept { return block_ == nullptr ? 0 : block_->size; }
  bool empty() const noexcept { return block_ == nullptr; }
  std::string_view view() const noexcept { return {data(), size()}; }

  /// What they take of the heap: the block, the allocator's own eight bytes before it, and rounding up to sixteen (glibc's
  /// malloc, "Chunks"). One of many owners cannot say whose they are.
  std::size_t footprint() const noexcept { return empty() ? 0 : heap_bytes(sizeof(block) + size()); }
  /// The same for any allocation of `bytes`.
  static constexpr std::size_t heap_bytes(std::size_t bytes) noexcept {
    constexpr std::size_t header = 8, rounding = 16, least = 32;
    const auto chunk = (bytes + header + rounding - 1) / rounding * rounding;
    return chunk < least ? least : chunk;
  }

private:
  struct block {
    std::atomic<std::uint32_t> owners;
    std::uint32_t size;

    char* content() noexcept { return reinterpret_cast<char*>(this + 1); }
    const char* content() const noexcept { return reinterpret_cast<const char*>(this + 1); }
  };

  block* block_ = nullptr;
};

}  // namespace switchboard::wire
