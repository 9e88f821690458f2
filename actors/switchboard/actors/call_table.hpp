#pragma once

/// The open calls of one connection, by number.
///
/// Why        numbers only grow, so the calls are a sorted array: opened at the back, found by bisection, closed by a
///            mark. An idle connection's table owns nothing: its room goes to the next connection that the thread
///            serves.
/// Threads    one at a time: the connection's actor.

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include <switchboard/actors/service_directory.hpp>
#include <switchboard/pump/notification_pump.hpp>
#include <switchboard/rpc/call.hpp>
#include <switchboard/rpc/stream_queue.hpp>

namespace switchboard {

struct open_call {
  std::uint64_t number = 0;
  bool open = true;
  bool abandoned = false;            ///< ended for the client, while its service still has it
  bool streaming = false;            ///< not unary
  bool stalled = false;              ///< a stream that waits until output goes on
  bool client_ended = false;         ///< no more requests come
  bool answered = false;             ///< its service has answered
  bool outlasts_drain = false;       ///< a stream that goes on while the server drains
  bool server_ended = false;         ///< answered in full, while the client may still send requests
  std::uint32_t credit = 0;          ///< stream messages that may still be sent
  std::uint32_t opening_credit = 0;  ///< of that, what its service knows of from the start
  std::uint32_t request_credit = 0;  ///< messages of a stream of requests that may still come
  std::uint32_t request_bytes = 0;
  std::shared_ptr<rpc::stream_queue> requests;  ///< where the requests stream
  deadline_id deadline = deadline_id::none;
  std::uint64_t last_message = 0;  ///< the place in the outbound stream lane behind its latest message
  std::shared_ptr<rpc::source> source;
  caf::strong_actor_ptr watcher;
  service_route* route = nullptr;  ///< of the service that was called; null where the connection answers itself
  const rpc::method* method = nullptr;
  std::shared_ptr<const rpc::metadata> metadata;  ///< what is kept of its request's; charged until the call is gone
  rpc::time_point deadline_at = rpc::time_point::max();
  rpc::time_point opened_at{};    ///< where interceptors want to know
  rpc::code how = rpc::code::ok;  ///< it ended for the client, where it is abandoned
};

class call_table {
public:
  /// @pre `call.number` is above every number opened before.
  open_call& open(open_call call) {
    ++open_;
    if (calls_.capacity() == 0) calls_.swap(spare());
    return calls_.emplace_back(std::move(call));
  }
  /// Null where no open call has that number.
  open_call* find(std::uint64_t number) noexcept {
    auto* const call = at(number);
    return call && call->open ? call : nullptr;
  }
  /// A call that has ended for the client, while its service still has it; null where there is none.
  open_call* find_abandoned(std::uint64_t number) noexcept {
    auto* const call = at(number);
    return call && call->abandoned ? call : nullptr;
  }
  /// Ends a call for the client. It counts as abandoned until its service lets go of it, or a client could have any
  /// number of calls run by cancelling them at once.
  void abandon(open_call& call, rpc::code how) noexcept {
    call.open = false;
    call.how = how;
    call.abandoned = true;
    --open_;
    ++abandoned_;
    call.watcher = nullptr;
    call.requests = nullptr;
  }
  /// Invalidates references to calls.
  void close(open_call& call) {
    --(call.abandoned ? abandoned_ : open_);
    call.open = false;
    call.abandoned = false;
    call.source = nullptr;
    call.requests = nullptr;
    call.metadata = nullptr;
    call.watcher = nullptr;
    while (!calls_.empty() && !counts(calls_.back())) calls_.pop_back();
    if (calls_.empty()) {
      if (calls_.capacity() <= capacity_kept && spare().capacity() < calls_.capacity()) calls_.swap(spare());
      std::vector<open_call>{}.swap(calls_);
    } else if (calls_.size() >= compacted_from && open_ + abandoned_ < calls_.size() / 2) {
      std::erase_if(calls_, [](const open_call& each) { return !counts(each); });
    }
  }
  std::size_t size() const noexcept { return open_; }
  std::size_t abandoned() const noexcept { return abandoned_; }

  /// Calls `use(open_call&)` for each open call; it must not open or close any.
  template <class Use>
  void for_each(Use&& use) {
    for (auto& call : calls_)
      if (call.open) use(call);
  }

private:
  /// Room for calls that a thread keeps for the next connection with any.
  static constexpr std::size_t capacity_kept = 256;
  static std::vector<open_call>& spare() noexcept {
    static thread_local std::vector<open_call> kept;
    return kept;
  }
  static constexpr std::size_t compacted_from = 16;

  static bool counts(const open_call& call) noexcept { return call.open || call.abandoned; }
  open_call* at(std::uint64_t number) noexcept {
    const auto it = std::lower_bound(calls_.begin(), calls_.end(), number,
                                     [](const open_call& call, std::uint64_t wanted) { return call.number < wanted; });
    return it != calls_.end() && it->number == number ? &*it : nullptr;
  }

  std::vector<open_call> calls_;
  std::size_t open_ = 0;
  std::size_t abandoned_ = 0;
};

}  // namespace switchboard
