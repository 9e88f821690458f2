#pragma once

/// A figure that rises and falls: what is there now.
///
/// Why        only add and subtract: what one thread opens another may close, and each writes cells of its own. So a
///            value read while threads count may be off by what they are just counting, and for that moment below zero.
/// Threads    as a counter's.
/// Owns       nothing: the registry that made it must outlive its use. One without a registry counts nothing.
/// Errors     none.

#include <switchboard/metrics/cells.hpp>

namespace switchboard::metrics {

class gauge {
public:
  gauge() = default;

  void add(std::uint64_t amount = 1) const noexcept {
    if (row_ != nullptr) metrics::add(row_, amount);
  }
  void subtract(std::uint64_t amount = 1) const noexcept {
    if (row_ != nullptr) metrics::add(row_, ~amount + 1);
  }
  std::int64_t value() const noexcept { return row_ == nullptr ? 0 : static_cast<std::int64_t>(sum(row_)); }

private:
  template <class Instrument>
  friend class family;
  explicit gauge(cell* row) noexcept : row_(row) {}

  cell* row_ = nullptr;
};

}  // namespace switchboard::metrics
