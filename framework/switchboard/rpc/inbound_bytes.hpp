#pragma once

/// A stream of messages in serialized form, as its reader holds it: one that parses it (inbound), or one that passes it on.
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
    inbound_bytes gone{std::move(call_), std::move(from_)};
    gone.ended_ = ended_;
    call_ = std::move(other.call_);
    from_ = std::move(other.from_);
    ended_ = other.ended_;
    return *this;
  }
  ~inbound_bytes() { let_go(); }

  explicit operator bool() const noexcept { return from_ != nullptr; }
  const call_context& context() const noexcept { return call_; }
  bool of_call() const noexcept { return call_.shared_caller() != nullptr; }

  /// Called once, before the first next().
  void attach(waker to) { from_->attach(std::move(to)); }
  source::outcome next(payload& out) {
    const auto drawn = from_->next(out);
    ended_ = drawn == source::outcome::end;
    return drawn;
  }
  status result() const { return from_->result(); }
  /// Whether next() would say end: the end costs no credit.
  bool ended() { return from_->ended(); }
  /// The drawer takes `messages` more, and has dealt with `bytes` of what it drew.
  void grant(std::uint32_t messages, std::size_t bytes);

private:
  void let_go() noexcept;

  call_context call_;
  std::shared_ptr<source> from_;
  bool ended_ = false;  // next() has said so
};

}  // namespace switchboard::rpc
