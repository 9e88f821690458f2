#pragma once

/// The turn of an actor: one handler, or several in a row, that run on this thread now, and what belongs to it: whose it
/// is, what the calls that are made in it inherit, the answers given in it, and whether the actor ends with it.
///
///     void on_calls(rpc::calls& batch) {
///       const rpc::turn turn{this};
///       batch->take_each(…);
///     }  // the answers leave, one message a connection
///
/// Why        a call is answered, a stream opened and a call made in the depth of a handler; what these depend on is found
///            here, through one pointer, instead of being passed down.
/// Threads    its own, on which it is found. Turns nest: the innermost counts, and begins with nothing inherited.
/// Owns       answers, until it ends. Without a turn each answer is a message of its own.
/// Limits     answers gathered for connections_max connections, and frame_bytes_max of one, leave early.

#include <cstddef>
#include <memory>
#include <vector>

#include <caf/fwd.hpp>

#include <switchboard/rpc/answers.hpp>
#include <switchboard/rpc/call.hpp>
#include <switchboard/rpc/inheritance.hpp>
#include <switchboard/rpc/stream_end.hpp>

namespace switchboard::rpc {

class turn {
public:
  /// Of `self`. `ends` keeps account of the streams opened in it; may be null.
  explicit turn(caf::local_actor* self, std::vector<std::weak_ptr<stream_end>>* ends = nullptr) noexcept
      : turn(self, ends, {}) {}
  /// Of no actor: for answers that are to travel together.
  turn() noexcept : turn(nullptr) {}
  /// In which `self`, if it is not null, ends: calls dropped unanswered end with UNAVAILABLE instead of INTERNAL, because
  /// it is the service that fails and not its handling of one call.
  static turn ending(caf::local_actor* self) noexcept { return {self, nullptr, {.actor_ends = true}}; }
  /// For scopes that are opened where no handler runs: what is answered there leaves at once.
  static std::unique_ptr<turn> of_no_handler();
  ~turn();
  turn(const turn&) = delete;
  turn& operator=(const turn&) = delete;

  /// The innermost one of this thread; null outside.
  static turn* current() noexcept { return innermost; }

  static constexpr std::size_t connections_max = 32;         ///< gathered for before all leaves early
  static constexpr std::size_t frame_bytes_max = 64 * 1024;  ///< of one connection, likewise

  /// Whose turn it is; null where it is no actor's.
  caf::local_actor* self() const noexcept { return self_; }
  /// Its execution unit; null where it is no actor's, and in its last turn.
  caf::execution_unit* context() const noexcept;
  bool actor_ends() const noexcept { return kind_.actor_ends; }

  inheritance& inherited() noexcept { return inherited_; }
  const inheritance& inherited() const noexcept { return inherited_; }

  void opened(const std::shared_ptr<stream_end>& end);

  /// Reserves space for `count` answers to one connection of about `bytes` in all; for speed only.
  void expect(const std::shared_ptr<const caller>& to, std::size_t count, std::size_t bytes);
  /// Has `fill` add to what leaves for `to`: with this thread's turn, or at once where there is none.
  template <class Fill>
  static void answer(const std::shared_ptr<const caller>& to, Fill&& fill) {
    if (auto* now = current(); now && now->kind_.gathers) return fill(now->gathered_for(to));
    answers single;
    fill(single);
    send(*to, std::move(single), nullptr);
  }
  /// Has what there is for one connection leave ahead of the turn's end.
  static void flush(const std::shared_ptr<const caller>& to);

private:
  struct kind {
    bool gathers = true;
    bool actor_ends = false;
  };
  struct parcel {
    std::shared_ptr<const caller> to;
    answers content;
  };
  static constexpr std::size_t ends_swept_from = 64;

  turn(caf::local_actor* self, std::vector<std::weak_ptr<stream_end>>* ends, kind of) noexcept;
  answers& gathered_for(const std::shared_ptr<const caller>& to);
  void flush_all();
  void leave(parcel& early);
  static void send(const caller& to, answers&& content, caf::execution_unit* context);

  caf::local_actor* const self_;
  std::vector<std::weak_ptr<stream_end>>* const ends_;
  static inline constinit thread_local turn* innermost = nullptr;

  turn* const outer_;
  const kind kind_;
  inheritance inherited_;
  parcel first_;  ///< most turns answer one connection
  std::vector<parcel> others_;
};

}  // namespace switchboard::rpc
