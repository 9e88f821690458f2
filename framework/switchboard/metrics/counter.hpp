#pragma once

/// A figure that only grows: events, bytes.
///
/// Threads    add(): any, about 1 ns, without a lock or a look-up. value(): any, for tests and exporters.
/// Owns       nothing: the registry that made it must outlive its use. One without a registry counts nothing.
/// Errors     none.

#include <switchboard/metrics/cells.hpp>

namespace switchboard::metrics {

class counter {
public:
  counter() = default;

  void add(std::uint64_t amount = 1) const noexcept {
    if (row_ != nullptr) metrics::add(row_, amount);
  }
  std::uint64_t value() const noexcept { return row_ == nullptr ? 0 : sum(row_); }

private:
  template <class Instrument>
  friend class family;
  explicit counter(cell* row) noexcept : row_(row) {}

  cell* row_ = nullptr;
};

}  // namespace switchboard::metrics
