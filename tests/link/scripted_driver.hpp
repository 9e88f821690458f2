#pragma once

/// A link's driver whose readiness, time and turns the test decides.

#include <optional>

#include <switchboard/link/driver.hpp>

namespace switchboard::link {

class scripted_driver final : public driver {
public:
  std::error_code open(net::socket_handle, notify::interest first) override {
    if (open_failure) return open_failure;
    registered = true;
    armed_for = first;
    return {};
  }
  std::error_code arm(notify::interest filter, notify::hint known) noexcept override {
    if (arm_failure) return arm_failure;
    ++arms;
    armed_for = filter;
    said_drained = has(known, notify::hint::drained);
    return {};
  }
  bool remove() noexcept override {
    if (!registered) return false;
    registered = false;
    removing = true;
    return true;
  }
  void set_deadline(clock::time_point at) override { deadline = at; }
  void cancel_deadline() noexcept override { deadline = std::nullopt; }
  bool has_deadline() const noexcept override { return deadline.has_value(); }
  clock::time_point now() const noexcept override { return time; }
  void queue_turn() override { ++turns; }
  bool has_more() const noexcept override { return more; }

  bool registered = false;
  bool removing = false;                      ///< the end of the registration is to be reported
  std::optional<notify::interest> armed_for;  ///< cleared by the test as it fires
  std::size_t arms = 0;                       ///< but for the first, of open()
  bool said_drained = false;                  ///< with the last of those
  std::optional<clock::time_point> deadline;
  clock::time_point time{std::chrono::hours{1}};
  std::size_t turns = 0;  ///< asked for and not given yet
  bool more = false;
  std::error_code open_failure;
  std::error_code arm_failure;
};

}  // namespace switchboard::link
