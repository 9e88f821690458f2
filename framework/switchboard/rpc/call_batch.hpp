#pragma once

/// The calls opened in one read that go to one service, as one message.
///
/// Why        a message per call costs more than the bare socket work of a call; calls that arrive together travel
///            together.
/// Threads    filled by the connection, then owned by the service's mailbox and handler.
/// Owns       the requests' bytes and the calls: those nobody took when it is destroyed end with UNAVAILABLE, which is
///            what happens in the mailbox of a service that died.

#include <string>
#include <vector>

#include <caf/allowed_unsafe_message_type.hpp>

#include <switchboard/rpc/call.hpp>
#include <switchboard/rpc/method.hpp>
#include <switchboard/rpc/only_moved.hpp>
#include <switchboard/rpc/stream_queue.hpp>

namespace switchboard::rpc {

/// A call on its way into a handler.
struct incoming_call {
  call_handle handle;
  std::string_view request;                ///< serialized; of methods whose requests do not stream
  std::shared_ptr<stream_queue> requests;  ///< of those whose requests do
};

class call_batch {
public:
  /// `expected_bytes`: what the requests may come to, so that they are copied once.
  explicit call_batch(std::shared_ptr<const caller> from, std::size_t expected_bytes = 0);
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

  /// Takes over a call of the same caller from another batch.
  void pass_on(incoming_call&& call) {
    const auto credit = call.handle.credit();
    const auto of = call.handle.release();
    add(of.number(), of.method(), call.request, of.deadline(), credit, std::move(call.requests), of.shared_metadata());
  }

  /// Gives `use(const method&, incoming_call&)` each call in the order they were opened, as long as `more()` says so
  /// before each; whether it came to the end. What is left can be taken later.
  template <class More, class Use>
  bool take_each(More&& more, Use&& use) {
    while (taken_ < calls_.size()) {
      if (!more()) return false;
      auto& next = calls_[taken_++];
      incoming_call call{
          call_handle{call_context{from_, next.call, next.deadline, next.to, std::move(next.metadata)}, next.credit},
          std::string_view{requests_}.substr(next.offset, next.size), std::move(next.requests)};
      use(*next.to, call);
    }
    return true;
  }
  template <class Use>
  void take_each(Use&& use) {
    take_each([] { return true; }, std::forward<Use>(use));
  }

  /// Calls not taken yet, and the bytes of their requests.
  std::size_t size() const noexcept { return calls_.size() - taken_; }
  std::size_t request_bytes() const noexcept {
    return taken_ == calls_.size() ? 0 : requests_.size() - calls_[taken_].offset;
  }
  const std::shared_ptr<const caller>& from() const noexcept { return from_; }

private:
  /// Calls that room is set aside for at most before they are there.
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
  std::shared_ptr<const caller> from_;
  std::size_t taken_ = 0;
  std::vector<entry> calls_;
  std::string requests_;
};

using calls = only_moved<call_batch>;

}  // namespace switchboard::rpc

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(switchboard::rpc::calls)
