#pragma once

/// A server's interceptors, as one (rpc/interceptor.hpp).
/// Threads    the connection's.

#include <chrono>
#include <memory>
#include <vector>

#include <switchboard/rpc/interceptor.hpp>
#include <switchboard/rpc/status.hpp>

namespace switchboard::actors {

class interceptor_chain {
public:
  /// `all` live longer.
  explicit interceptor_chain(const std::vector<std::shared_ptr<rpc::interceptor>>& all) noexcept : all_(all) {}

  bool empty() const noexcept { return all_.empty(); }
  /// Asks each; those that let a call through that another refuses hear of its end.
  rpc::status opened(const rpc::call_context& call) const {
    for (std::size_t i = 0; i < all_.size(); ++i) {
      auto verdict = all_[i]->opened(call);
      if (verdict.ok()) continue;
      while (i-- > 0) all_[i]->ended(call, verdict.code, {});
      return verdict;
    }
    return {};
  }
  void ending(const rpc::call_context& call, rpc::code how, rpc::metadata& trailing) const {
    for (const auto& each : all_) each->ending(call, how, trailing);
  }
  void ended(const rpc::call_context& call, rpc::code how, std::chrono::nanoseconds took) const {
    for (const auto& each : all_) each->ended(call, how, took);
  }

private:
  const std::vector<std::shared_ptr<rpc::interceptor>>& all_;
};

}  // namespace switchboard::actors
