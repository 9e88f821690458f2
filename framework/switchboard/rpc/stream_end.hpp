#pragma once

/// One end of a stream as the actor that reads or writes it holds it: its turn comes as a message.
///
/// Why        what arrives or is granted on another thread must reach the handlers inside their actor. A stream asks
///            for a turn once and gets it once, however much has come by then.
/// Threads    turn() and drop(): the actor. A stream_turn that is never delivered (its actor has ended) drops the end
///            wherever it is destroyed.
/// Owns       an end owns the handlers it was given, until it has ended or is dropped.

#include <memory>

#include <switchboard/rpc/caf_forward.hpp>
#include <switchboard/rpc/only_moved.hpp>
#include <switchboard/rpc/source.hpp>

namespace switchboard::rpc {

class stream_end {
public:
  virtual ~stream_end() = default;
  /// Does what there is to do. May throw what the handlers throw, after which the end is dropped.
  virtual void turn(caf::execution_unit* context) = 0;
  /// Destroys the handlers. Any thread, while the actor runs none of them or has ended.
  virtual void drop() noexcept = 0;
};

/// A turn on its way to its actor.
class turn_notice {
public:
  explicit turn_notice(std::shared_ptr<stream_end> of) noexcept : of_(std::move(of)) {}
  turn_notice(turn_notice&&) noexcept = default;
  turn_notice& operator=(turn_notice&&) = delete;
  ~turn_notice();
  std::shared_ptr<stream_end> take() noexcept { return std::move(of_); }

private:
  std::shared_ptr<stream_end> of_;
};

/// To an actor that reads or writes streams.
using stream_turn = only_moved<turn_notice>;

/// What an actor of one's own that reads or writes streams has in its behavior, `message_handler.or_else(…)`; services
/// have it. What a stream's handlers throw ends that stream and is not seen elsewhere.
caf::message_handler stream_turns(caf::local_actor* self);

/// The execution unit of the actor whose turn it is on this thread (rpc/turn.hpp); null outside of turns.
caf::execution_unit* current_context() noexcept;

namespace detail {

/// The actor whose turn it is. @pre there is one
caf::local_actor* running_actor() noexcept;
/// Gives `end` its turns in `self`.
waker waker_of(caf::local_actor* self, const std::shared_ptr<stream_end>& end);

}  // namespace detail

}  // namespace switchboard::rpc
