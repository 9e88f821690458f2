#pragma once

/// A stream of messages in serialized form, as whoever draws it holds it: who parses it (inbound), or who passes it on.
///
/// Why        a call's stream and a pipe's give credit in different ways; everything else about drawing is the same.
/// Threads    as the source: the drawer's actor, one at a time; may be moved to another before attach().
/// Owns       the source, which is detached with it.

#include <cstdint>
#include <memory>
#include <utility>

#include <switchboard/rpc/call.hpp>
#include <switchboard/rpc/source.hpp>

namespace switchboard::rpc {

class inbound_bytes {
public:
  inbound_bytes() = default;
  /// `call`: whose stream of requests it is; a default one for a pipe.
  inbound_bytes(call_context call, std::shared_ptr<source> from) noexcept
      : call_(std::move(call)), from_(std::move(from)) {}
  inbound_bytes(inbound_bytes&&) noexcept = default;
  inbound_bytes& operator=(inbound_bytes&& other) noexcept {
    const auto gone = std::exchange(from_, std::exchange(other.from_, nullptr));
    call_ = std::exchange(other.call_, {});
    if (gone) gone->detach();
    return *this;
  }
  ~inbound_bytes() {
    if (from_) from_->detach();
  }

  explicit operator bool() const noexcept { return from_ != nullptr; }
  const call_context& context() const noexcept { return call_; }
  bool of_call() const noexcept { return call_.shared_caller() != nullptr; }

  /// Called once, before the first next().
  void attach(waker to) { from_->attach(std::move(to)); }
  source::outcome next(payload& out) { return from_->next(out); }
  status result() const { return from_->result(); }
  /// Whether next() would say end: the end costs no credit.
  bool ended() { return from_->ended(); }
  /// The drawer takes `messages` more, and has dealt with `bytes` of what it drew.
  void grant(std::uint32_t messages, std::size_t bytes);

private:
  call_context call_;
  std::shared_ptr<source> from_;
};

}  // namespace switchboard::rpc
