#pragma once

/// The calls of one connection that have not ended for both the client and their service, by number.
///
/// Why        numbers only grow, so the calls are a sorted array: opened at the back, found by their distance from the
///            first or by bisection, removed by a mark. An idle connection's table owns nothing: its room goes to the next
///            connection that the thread serves.
/// Threads    one at a time: the connection's actor.
/// States     rpc/call_state.hpp

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <switchboard/actors/service_directory.hpp>
#include <switchboard/pump/notification_pump.hpp>
#include <switchboard/rpc/answers.hpp>
#include <switchboard/rpc/call.hpp>
#include <switchboard/rpc/call_state.hpp>
#include <switchboard/rpc/stream_queue.hpp>
#include <switchboard/wire/thread_stock.hpp>

namespace switchboard::actors {

/// What only some calls have: those that stream, that carry metadata, that are watched, or that go to an actor of their key.
struct call_extras {
  bool stalled = false;                         ///< its stream waits until output goes on
  std::uint32_t opening_credit = 0;             ///< for replies, which its service knows of from the start
  std::uint64_t last_message = 0;               ///< the place in the stream lane where its latest message ends
  std::shared_ptr<rpc::stream_queue> requests;  ///< where they stream
  std::shared_ptr<rpc::source> replies;         ///< where they stream, once its service has said from what
  std::shared_ptr<const rpc::metadata>
      metadata;                            ///< what is kept of its request's; charged as long as the call is here
  std::shared_ptr<const std::string> key;  ///< of its service's actor, where each key has one
  caf::strong_actor_ptr watcher;           ///< hears of its end, unless the service has ended it
  rpc::code how = rpc::code::ok;           ///< it ended, where it is held
};

/// A cache line: a short call that carries nothing else touches no more.
struct open_call {
  std::uint64_t number = 0;
  const method_entry* entry = nullptr;  ///< of its method, in the directory
  rpc::call_machine state{rpc::method_kind::unary};
  std::uint32_t request_bytes = 0;  ///< of its requests that its service has yet to deal with
  deadline_id deadline = deadline_id::none;
  rpc::time_point deadline_at = rpc::time_point::max();
  rpc::time_point opened_at{};
  std::unique_ptr<call_extras> own_extras{};

  const call_extras& extras() const noexcept {
    static const call_extras none;
    return own_extras ? *own_extras : none;
  }
  call_extras& make_extras() {
    if (!own_extras) own_extras = std::make_unique<call_extras>();
    return *own_extras;
  }
};
static_assert(sizeof(open_call) <= 64);

class call_table {
public:
  enum class which : unsigned char { streams, all };

  /// A call of `entry`, which its service is to have. @pre `number` is above every number opened before
  open_call& open(std::uint64_t number, const method_entry& entry) {
    ++open_;
    if (entry.method->kind == rpc::method_kind::unary) ++unary_;
    if (calls_.capacity() == 0) calls_ = spare_rooms::take();
    auto& call = calls_.emplace_back();
    call.number = number;
    call.entry = &entry;
    call.state = rpc::call_machine{entry.method->kind};
    return call;
  }
  /// Null where no call with that number is open, or it is cancelled.
  open_call* find(std::uint64_t number) noexcept {
    auto* const call = find_open(number);
    return call && !is_cancelled(*call) ? call : nullptr;
  }
  /// Null where no call with that number is open, be it cancelled or not.
  open_call* find_open(std::uint64_t number) noexcept {
    auto* const call = at(number);
    return call && !call->state.ended() ? call : nullptr;
  }
  /// A call that has ended for the client, while its service still has it; null where there is none.
  open_call* find_held(std::uint64_t number) noexcept {
    auto* const call = at(number);
    return call && call->state.held() ? call : nullptr;
  }
  /// Reserves what its answer takes at most, until its service releases it. @pre its request is charged
  void reserve_answer(const open_call& call) noexcept { bytes_.answers += answer_bytes_max(call); }
  /// What happens to a call; it is counted as what it then is.
  rpc::call_effect apply(open_call& call, rpc::call_event what) noexcept {
    const bool was_held = call.state.held();
    const bool was_in_service = call.state.in_service();
    const auto effect = call.state.apply(what);
    if (was_in_service && !call.state.in_service()) bytes_.answers -= answer_bytes_max(call);
    if (effect == rpc::call_effect::ended) {
      --open_;
      if (is_unary(call)) --unary_;
      if (call.state.held()) ++held_;
    } else if (was_held && call.state.closed()) {
      --held_;
    }
    return effect;
  }
  /// Charges bytes of requests that its service has yet to deal with, or no longer those.
  void charge(open_call& call, std::size_t bytes) noexcept {
    call.request_bytes += static_cast<std::uint32_t>(bytes);
    bytes_.requests += bytes;
  }
  void discharge(open_call& call, std::uint32_t bytes) noexcept {
    const auto released = std::min(bytes, call.request_bytes);
    call.request_bytes -= released;
    bytes_.requests -= released;
  }
  void discharge(open_call& call) noexcept { discharge(call, call.request_bytes); }
  /// What a call keeps of its request's metadata is charged until it is removed.
  void keep(open_call& call, std::shared_ptr<const rpc::metadata> metadata) {
    if (!metadata) return;
    bytes_.metadata += metadata->cost();
    call.make_extras().metadata = std::move(metadata);
  }

  /// Takes out a call that is closed. Invalidates references to calls.
  void remove(open_call& call) {
    discharge(call);
    if (const auto& kept = call.extras().metadata) bytes_.metadata -= kept->cost();
    // Its place is freed only with those after it, but nothing that it holds stays.
    call.own_extras = nullptr;
    while (!calls_.empty() && calls_.back().state.closed()) calls_.pop_back();
    if (calls_.empty())
      spare_rooms::give_back(std::move(calls_));
    else if (calls_.size() >= compacted_from && open_ + held_ < calls_.size() / 2)
      std::erase_if(calls_, [](const open_call& each) { return each.state.closed(); });
  }

  /// These calls are not answered any more, though they are open until each is ended. For good: none is opened after that.
  void cancel(which those) noexcept { cancelled_ = std::max(cancelled_.value_or(those), those); }
  bool is_cancelled(const open_call& call) const noexcept {
    return cancelled_ && (*cancelled_ == which::all || !is_unary(call));
  }
  /// How many cancelled calls are open.
  std::size_t cancelled() const noexcept {
    return !cancelled_ ? 0 : *cancelled_ == which::all ? open_ : open_ - unary_;
  }

  std::size_t size() const noexcept { return open_; }
  std::size_t unary() const noexcept { return unary_; }  ///< of the open ones
  std::size_t held() const noexcept { return held_; }
  std::size_t request_bytes() const noexcept { return bytes_.requests + bytes_.metadata; }
  /// Of them, what calls keep of their metadata.
  std::size_t metadata_bytes() const noexcept { return bytes_.metadata; }
  /// What open calls take of their client's allowance: requests, and answers in the making.
  std::size_t allowance_bytes() const noexcept { return bytes_.requests + bytes_.answers; }

  /// The open calls that `choose(const open_call&)` chooses, the first `most` of them.
  template <class Choose>
  std::vector<std::uint64_t> numbers(Choose&& choose,
                                     std::size_t most = std::numeric_limits<std::size_t>::max()) const {
    std::vector<std::uint64_t> chosen;
    for (auto call = calls_.begin(); call != calls_.end() && chosen.size() < most; ++call)
      if (!call->state.ended() && choose(*call)) chosen.push_back(call->number);
    return chosen;
  }

private:
  using spare_rooms = wire::thread_stock<std::vector<open_call>>;
  static constexpr std::size_t compacted_from = 64;

  /// An answer may hold its request; one to a stream of them is not taken to.
  static std::size_t answer_bytes_max(const open_call& call) noexcept {
    return call.entry->answer_bytes_max + (rpc::streams_requests(call.state.kind()) ? 0 : call.request_bytes);
  }
  static bool is_unary(const open_call& call) noexcept { return call.state.kind() == rpc::method_kind::unary; }
  open_call* at(std::uint64_t number) noexcept {
    if (calls_.empty()) return nullptr;
    // A client's numbers are odd, and most clients leave none out.
    if (const auto place = (number - calls_.front().number) / 2;
        place < calls_.size() && calls_[place].number == number)
      return &calls_[place];
    const auto it = std::lower_bound(calls_.begin(), calls_.end(), number,
                                     [](const open_call& call, std::uint64_t wanted) { return call.number < wanted; });
    return it != calls_.end() && it->number == number ? &*it : nullptr;
  }

  std::vector<open_call> calls_;
  std::optional<which> cancelled_;
  std::size_t open_ = 0;
  std::size_t unary_ = 0;
  std::size_t held_ = 0;
  struct {
    std::size_t requests = 0;
    std::size_t metadata = 0;
    std::size_t answers = 0;  ///< reserved
  } bytes_;
};

}  // namespace switchboard::actors
