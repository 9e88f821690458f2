#pragma once

/// A value, or the reason why there is none (C++20 has no std::expected).
/// Threads    as the value's own type.
/// Errors     value() and error() of the other state are broken invariants and abort.

#include <system_error>
#include <utility>
#include <variant>

#include <switchboard/error/invariant.hpp>

namespace switchboard {

template <class T>
class [[nodiscard]] error_or {
public:
  error_or(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  /// @pre `error` is set: a default std::error_code means success and has no value to give.
  error_or(std::error_code error) : state_(std::in_place_index<1>, error) {
    SWITCHBOARD_INVARIANT(error, "an error_or without a value needs an error");
  }
  template <class Enum>
  requires std::is_error_code_enum_v<Enum> error_or(Enum code) : error_or(std::error_code(make_error_code(code))) {}

  bool has_value() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }

  T& value() & { return checked(); }
  const T& value() const& { return const_cast<error_or*>(this)->checked(); }
  T&& value() && { return std::move(checked()); }
  T& operator*() & { return checked(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(checked()); }
  T* operator->() { return &checked(); }
  const T* operator->() const { return &value(); }

  /// The reason, or a default error_code where there is a value.
  std::error_code error() const noexcept { return has_value() ? std::error_code{} : std::get<1>(state_); }

private:
  T& checked() {
    SWITCHBOARD_INVARIANT(has_value(), "the value of an error_or that holds an error was taken");
    return std::get<0>(state_);
  }

  std::variant<T, std::error_code> state_;
};

}  // namespace switchboard
