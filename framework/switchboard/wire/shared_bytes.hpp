#pragma once

/// Immutable bytes with any number of owners: encoded once, sent to many.
/// Threads    a value; the bytes never change, so owners may be on different threads.

#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>

namespace switchboard::wire {

class shared_bytes {
public:
  shared_bytes() = default;
  explicit shared_bytes(std::string_view content)
      : shared_bytes(content.size(), [&](char* to) { std::memcpy(to, content.data(), content.size()); }) {}
  /// `size` bytes that `fill(char*)` writes in place.
  template <class Fill>
  shared_bytes(std::size_t size, Fill&& fill) : size_(size) {
    if (size == 0) return;
    auto storage = std::make_shared_for_overwrite<char[]>(size);
    fill(storage.get());
    data_ = std::move(storage);
  }

  const char* data() const noexcept { return data_.get(); }
  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  std::string_view view() const noexcept { return {data_.get(), size_}; }

private:
  std::shared_ptr<const char[]> data_;
  std::size_t size_ = 0;
};

}  // namespace switchboard::wire
