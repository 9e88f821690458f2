#include <mutex>
#include <new>

#include <switchboard/notify/registration_table.hpp>

namespace switchboard::notify {

registration_table& registration_table::of_process() noexcept {
  // Constant-initialised and without a destructor to run: threads may still use it while the process ends.
  static constinit registration_table instance;
  return instance;
}

registration* registration_table::find(std::intptr_t descriptor) const noexcept {
  const auto index = static_cast<std::size_t>(descriptor);
  if (index >= descriptor_limit) return nullptr;
  auto* const entries = chunks_[index / chunk_size].load(std::memory_order_acquire);
  return entries == nullptr ? nullptr : entries + index % chunk_size;
}

registration* registration_table::reach(std::intptr_t descriptor) noexcept {
  if (auto* const existing = find(descriptor)) return existing;
  const auto index = static_cast<std::size_t>(descriptor);
  if (index >= descriptor_limit) return nullptr;
  auto* const made = new (std::nothrow) registration[chunk_size];
  if (made == nullptr) return nullptr;
  registration* expected = nullptr;
  auto& entries = chunks_[index / chunk_size];
  if (!entries.compare_exchange_strong(expected, made, std::memory_order_acq_rel, std::memory_order_acquire))
    delete[] made;
  return find(descriptor);
}

void registration_table::forget_all(const notification_port& port) noexcept {
  for (auto& slot : chunks_) {
    auto* const entries = slot.load(std::memory_order_acquire);
    if (entries == nullptr) continue;
    for (auto* each = entries; each != entries + chunk_size; ++each) {
      const std::scoped_lock hold(each->lock);
      if (each->port == &port) each->forget();
    }
  }
}

}  // namespace switchboard::notify
