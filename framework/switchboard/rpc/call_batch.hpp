#pragma once

/// The calls that one read of a connection opens at one service, and the ends of calls that it learns of, as one message.
///
/// Why        a message per call costs more than the bare socket work of a call; calls that arrive together travel
///            together. Where a service has an actor for each key, a batch has the calls of one key, so that it goes to
///            its actor as it is.
/// Order      an end comes after the calls that were added before it, and so do the connection's later batches: the
///            actor that watches a call hears of its end after it was handed every earlier call of that client.
/// Threads    filled by the connection, then owned by the service's mailbox and handler.
/// Owns       the requests' bytes, the calls and the notices. Destroyed, it ends the calls that were not taken with
///            UNAVAILABLE and delivers the notices: this is what happens in the mailbox of a service that died.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <switchboard/rpc/answers.hpp>
#include <switchboard/rpc/call.hpp>
#include <switchboard/rpc/incoming_call.hpp>
#include <switchboard/rpc/method.hpp>
#include <switchboard/rpc/only_moved.hpp>
#include <switchboard/rpc/stream_queue.hpp>

namespace switchboard::rpc {

class call_batch {
public:
  /// `key`: which of the service's actors it goes to, where each key has its own (actors/routing_key.hpp).
  explicit call_batch(std::shared_ptr<const caller> from, std::shared_ptr<const std::string> key = nullptr);
  call_batch(call_batch&&) noexcept = default;
  call_batch& operator=(call_batch&&) = delete;
  ~call_batch();

  /// `credit` and `requests` are those of a streaming call; `metadata` is what the call keeps of it.
  void add(std::uint64_t call, const rpc::method& to, std::string_view request, time_point deadline,
           std::uint32_t credit = 0, std::shared_ptr<stream_queue> requests = nullptr,
           std::shared_ptr<const rpc::metadata> metadata = nullptr) {
    calls_.push_back(
        {call, &to, requests_.size(), request.size(), deadline, credit, std::move(requests), std::move(metadata)});
    requests_.append(request);
  }

  /// The end of a call, whose watcher hears of it after the calls that were added before.
  void add_end(end_notice notice) {
    if (!ends_) ends_ = std::make_unique<end_list>();
    ends_->all.push_back({calls_.size(), std::move(notice)});
  }

  enum class part : unsigned char { call, end };
  /// Passes each call to `use(const method&, incoming_call&)` and each end to the last argument, in the order in which they were
  /// added, as long as `more(part)` is true before each; true if it came to the end. What is left can be taken later.
  template <class More, class Use, class Tell>
  bool take_each(More&& more, Use&& use, Tell&& tell) {
    for (;;) {
      while (ends_ && ends_->told < ends_->all.size() && ends_->all[ends_->told].after == taken_) {
        if (!more(part::end)) return false;
        tell(ends_->all[ends_->told++].notice);
      }
      if (taken_ == calls_.size()) return true;
      if (!more(part::call)) return false;
      auto call = take();
      use(*calls_[taken_ - 1].to, call);
    }
  }
  template <class Use>
  void take_each(Use&& use) {
    while (taken_ < calls_.size()) {
      auto call = take();
      use(*calls_[taken_ - 1].to, call);
    }
  }
  /// The next call, out of the batch. @pre size() > 0
  incoming_call take() {
    auto& next = calls_[taken_++];
    return {call_handle{call_context{from_, next.call, next.deadline, next.to, std::move(next.metadata)}, next.credit},
            std::string_view{requests_}.substr(next.offset, next.size), std::move(next.requests)};
  }
  /// What the next call asks of which method. @pre size() > 0
  const rpc::method& next_method() const noexcept { return *calls_[taken_].to; }
  std::string_view next_request() const noexcept {
    return std::string_view{requests_}.substr(calls_[taken_].offset, calls_[taken_].size);
  }
  /// Passes each end that is left to `look(const call_ended&)`.
  template <class Look>
  void each_end(Look&& look) const {
    for (auto at = ends_ ? ends_->told : 0; ends_ && at < ends_->all.size(); ++at) look(ends_->all[at].notice.what());
  }

  /// Calls not taken yet, and the bytes of their requests.
  std::size_t size() const noexcept { return calls_.size() - taken_; }
  std::size_t request_bytes() const noexcept {
    return taken_ == calls_.size() ? 0 : requests_.size() - calls_[taken_].offset;
  }
  const std::shared_ptr<const caller>& from() const noexcept { return from_; }
  /// @pre it was made with one
  const std::string& key() const noexcept { return *key_; }

private:
  /// The most calls that space is reserved for before they arrive.
  static constexpr std::size_t expected_calls_max = 64;

  struct entry {
    std::uint64_t call;
    const rpc::method* to;
    std::size_t offset;
    std::size_t size;
    time_point deadline;
    std::uint32_t credit;
    std::shared_ptr<stream_queue> requests;
    std::shared_ptr<const rpc::metadata> metadata;
  };
  struct end {
    std::size_t after;  ///< that many of the calls
    end_notice notice;
  };
  struct end_list {
    std::vector<end> all;
    std::size_t told = 0;
  };
  std::shared_ptr<const caller> from_;
  std::shared_ptr<const std::string> key_;
  std::size_t taken_ = 0;
  std::vector<entry> calls_;
  std::unique_ptr<end_list> ends_;  ///< few batches have any, and all are moved
  std::string requests_;
};

using calls = only_moved<call_batch>;

}  // namespace switchboard::rpc
