#pragma once

/// What an operation came to: its value, or the status it failed with.
/// Threads    a value.
/// Errors     a result made of an OK status, and a value asked of a failed one, are broken invariants and abort.

#include <utility>
#include <variant>

#include <switchboard/error/invariant.hpp>
#include <switchboard/rpc/status.hpp>

namespace switchboard::rpc {

template <class T>
class [[nodiscard]] result {
public:
  result(T value) : content_(std::in_place_index<0>, std::move(value)) {}
  /// @pre !failure.ok()
  result(rpc::status failure) : content_(std::in_place_index<1>, std::move(failure)) {
    SWITCHBOARD_INVARIANT(!std::get<1>(content_).ok(), "a result was made of the status OK without a value");
  }

  bool ok() const noexcept { return content_.index() == 0; }
  explicit operator bool() const noexcept { return ok(); }

  /// @pre ok()
  T& operator*() noexcept { return value(); }
  const T& operator*() const noexcept { return const_cast<result&>(*this).value(); }
  T* operator->() noexcept { return &value(); }
  const T* operator->() const noexcept { return &const_cast<result&>(*this).value(); }

  /// OK where there is a value.
  rpc::status status() const { return ok() ? rpc::status{} : std::get<1>(content_); }

private:
  T& value() noexcept {
    SWITCHBOARD_INVARIANT(ok(), "a failed result was asked for its value");
    return *std::get_if<0>(&content_);
  }

  std::variant<T, rpc::status> content_;
};

}  // namespace switchboard::rpc
