#pragma once

/// Calls of a client that wait until its allowance has room for them, in the order in which they came.
///
/// Why        what comes after a call that waits waits too, so that services get a client's calls in order. The requests, which lie
///            in the input while a frame is handled, are copied only for calls that wait.
/// Threads    the connection's.
/// Owns       their requests; the calls are open, and the table's (call_table.hpp). Empty it owns nothing. It counts them in a
///            figure, until each runs or ends.

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <switchboard/actors/service_directory.hpp>
#include <switchboard/metrics/gauge.hpp>
#include <switchboard/rpc/answers.hpp>

namespace switchboard::actors {

class waiting_calls {
public:
  struct call {
    std::uint64_t number = 0;
    std::string request;
    std::uint32_t credit = 0;
    std::size_t bytes = 0;  ///< what it takes of the allowance when it runs
  };
  /// Of a stream: what its service is to hear after the calls that came before.
  struct end {
    service_route* to;
    std::shared_ptr<const std::string> key;
    rpc::end_notice notice;
  };

  explicit waiting_calls(const metrics::gauge& figure) noexcept : figure_(figure) {}

  bool empty() const noexcept { return calls_.empty(); }
  /// What all of them take when they run.
  std::size_t bytes() const noexcept { return bytes_; }

  /// @pre its number is above those of all that wait
  void add(call added) {
    bytes_ += added.bytes;
    figure_.add();
    const auto number = added.number;
    calls_.emplace_hint(calls_.end(), number, std::move(added));
  }
  /// @pre not empty
  std::size_t bytes_of_first() const noexcept { return calls_.begin()->second.bytes; }
  call take_first() {
    auto first = std::move(calls_.extract(calls_.begin()).mapped());
    note_gone(first);
    return first;
  }
  /// Whether it waited.
  bool remove(std::uint64_t number) noexcept {
    const auto found = calls_.find(number);
    if (found == calls_.end()) return false;
    note_gone(found->second);
    calls_.erase(found);
    return true;
  }

  /// @pre not empty: after all that wait now
  void add_end(end added) { ends_.emplace_back(calls_.rbegin()->first, std::move(added)); }
  /// The next end, where none of the calls waits any more that came before.
  std::optional<end> take_due_end() {
    if (ends_.empty() || (!calls_.empty() && calls_.begin()->first <= ends_.front().first)) return std::nullopt;
    auto due = std::move(ends_.front().second);
    ends_.pop_front();
    return due;
  }

private:
  void note_gone(const call& gone) noexcept {
    bytes_ -= gone.bytes;
    figure_.subtract();
  }

  const metrics::gauge figure_;
  std::map<std::uint64_t, call> calls_;  ///< by number
  std::size_t bytes_ = 0;
  /// Each with the call that was the last to wait before it. A list: an empty deque takes 576 bytes, for each connection.
  std::list<std::pair<std::uint64_t, end>> ends_;
};

}  // namespace switchboard::actors
