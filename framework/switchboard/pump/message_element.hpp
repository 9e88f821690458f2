#pragma once

/// One message for an actor's mailbox, in room that its thread used for an earlier one.
///
/// Why        a message lives for microseconds, and each call takes three of them: the allocator's own stock of a thread is
///            seven pieces of a size, and a worker that takes fifty packets at once makes fifty messages at once.
/// How        CAF's mailbox_element is virtually deleted (caf/memory_managed.hpp), so this one can keep its room.
/// Threads    any; each has its own stock, of the messages that it has deleted.
/// Limits     a stock keeps at most `kept_max` rooms for each type of message. With a sanitizer none: it would see no use after
///            the end.
/// Errors     std::bad_alloc.

#include <array>
#include <cstddef>
#include <new>
#include <tuple>
#include <typeinfo>
#include <utility>

#include <caf/mailbox_element.hpp>
#include <caf/message_id.hpp>

namespace switchboard {

/// Rooms of a type that a thread keeps.
template <class Kept>
class room_stock {
public:
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  static constexpr std::size_t kept_max = 0;
#else
  static constexpr std::size_t kept_max = 256;
#endif

  static void* take() {
    return mine.count_ == 0 ? ::operator new(sizeof(Kept)) : mine.kept_[--mine.count_];
  }
  static void give_back(void* room) noexcept {
    if (mine.count_ >= mine.limit_) return ::operator delete(room);
    static thread_local const thread_end empties;
    mine.kept_[mine.count_++] = room;
  }

private:
  /// What is given back to a thread after this is not kept. The stock itself has no destructor, so it may be used until then.
  struct thread_end {
    thread_end() noexcept {}
    ~thread_end() {
      mine.limit_ = 0;
      while (mine.count_ != 0) ::operator delete(mine.kept_[--mine.count_]);
    }
  };

  static constinit thread_local room_stock mine;

  std::array<void*, kept_max> kept_{};
  std::size_t count_ = 0;
  std::size_t limit_ = kept_max;
};

template <class Kept>
constinit thread_local room_stock<Kept> room_stock<Kept>::mine{};

template <class Message>
class message_element final : public caf::mailbox_element,
                              public caf::detail::tuple_vals_impl<caf::type_erased_tuple, Message> {
public:
  explicit message_element(Message&& content)
      : caf::mailbox_element(nullptr, caf::make_message_id(), {}),
        caf::detail::tuple_vals_impl<caf::type_erased_tuple, Message>(std::move(content)) {}

  caf::type_erased_tuple& content() override { return *this; }
  const caf::type_erased_tuple& content() const override { return *this; }
  caf::message move_content_to_message() override { return caf::make_message(std::move(std::get<0>(this->data()))); }
  caf::message copy_content_to_message() const override {
    if constexpr (std::is_copy_constructible_v<Message>)
      return caf::make_message(std::get<0>(this->data()));
    else
      return {};
  }

  static void* operator new(std::size_t) { return room_stock<message_element>::take(); }
  static void operator delete(void* room) noexcept { room_stock<message_element>::give_back(room); }
};

/// An anonymous message of one element.
template <class Message>
caf::mailbox_element_ptr make_message_element(Message content) {
  return caf::mailbox_element_ptr{new message_element<Message>(std::move(content))};
}

/// What `in` carries, where it is one of these; null where it is any other message. Both are to be made in one program: in two
/// shared libraries that share no symbols they would be two types.
template <class Message>
Message* content_of(caf::mailbox_element& in) noexcept {
  if (&typeid(in) != &typeid(message_element<Message>)) return nullptr;
  return &std::get<0>(static_cast<message_element<Message>&>(in).data());
}

}  // namespace switchboard
