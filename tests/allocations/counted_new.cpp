#include "counted_new.hpp"

#include <atomic>
#include <cstdlib>
#include <new>

namespace switchboard::allocations {
namespace {

std::atomic<std::uint64_t> count{0};
thread_local bool exempt = false;

}  // namespace

std::uint64_t made() noexcept {
  return count.load();
}

void exempt_this_thread() noexcept {
  exempt = true;
}

void* counted(void* made) {
  if (made == nullptr) throw std::bad_alloc{};
  if (!exempt) count.fetch_add(1, std::memory_order_relaxed);
  return made;
}

}  // namespace switchboard::allocations

void* operator new(std::size_t size) {
  return switchboard::allocations::counted(std::malloc(size));
}

void* operator new(std::size_t size, std::align_val_t alignment) {
  const auto unit = static_cast<std::size_t>(alignment);
  return switchboard::allocations::counted(std::aligned_alloc(unit, (size + unit - 1) / unit * unit));
}

void operator delete(void* freed) noexcept {
  std::free(freed);
}

void operator delete(void* freed, std::size_t) noexcept {
  std::free(freed);
}

void operator delete(void* freed, std::align_val_t) noexcept {
  std::free(freed);
}

void operator delete(void* freed, std::size_t, std::align_val_t) noexcept {
  std::free(freed);
}
