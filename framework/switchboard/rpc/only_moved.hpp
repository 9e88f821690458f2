#pragma once

/// Lets a move-only value travel in a CAF message, which demands copyable types but copies only when a message is
/// shared.
/// Threads    as the value.
/// Errors     an actual copy is a broken invariant and aborts: a message that is sent to one actor only is never
///            copied.

#include <type_traits>
#include <utility>

#include <switchboard/error/invariant.hpp>
#include <switchboard/rpc/caf_forward.hpp>

namespace switchboard::rpc {

template <class T>
class only_moved {
public:
  only_moved(T&& value) : value_(std::move(value)) {}
  only_moved(only_moved&&) noexcept = default;
  only_moved& operator=(only_moved&&) noexcept = default;
  only_moved(const only_moved&) : value_(refuse()) {}
  only_moved& operator=(const only_moved&) {
    refuse();
    return *this;
  }

  T& operator*() noexcept { return value_; }
  T* operator->() noexcept { return &value_; }
  T take() { return std::move(value_); }

private:
  [[noreturn]] static T refuse() {
    invariant_broken("false", "a message with a move-only value was copied: send it to one actor only", __FILE__,
                     __LINE__);
  }

  T value_;
};

}  // namespace switchboard::rpc

template <class T>
struct caf::allowed_unsafe_message_type<switchboard::rpc::only_moved<T>> : std::true_type {};
