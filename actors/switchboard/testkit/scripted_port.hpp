#pragma once

/// A notification port whose readiness the test decides: nothing happens until fire().
///
/// Threads    one: the test's, which also steps the pump.
/// Owns       nothing but its queue. The clock stands still until advance().
/// Errors     as the contract has them for registrations that are not there.

#include <deque>
#include <map>

#include <switchboard/notify/notification_port.hpp>

namespace switchboard::testkit {

class scripted_port final : public notify::notification_port {
public:
  struct registration {
    std::uint64_t key = 0;
    std::uint32_t generation = 0;
    notify::interest filter = notify::interest::none;
    bool armed = false;
    std::size_t arms = 0;  ///< ENABLEs so far
  };

  error_or<std::size_t> process(std::span<notify::request> requests, std::span<notify::packet> out,
                                duration) noexcept override {
    for (auto& each : requests) each.result = handle(each);
    std::size_t count = 0;
    while (count < out.size() && !queue_.empty()) {
      out[count++] = queue_.front();
      queue_.pop_front();
    }
    return count;
  }
  std::error_code post(std::uint64_t key, std::uint64_t value) noexcept override {
    queue_.push_back({key, value});
    return {};
  }
  std::error_code async_accept(net::socket_handle, std::uint64_t) noexcept override {
    return std::make_error_code(std::errc::operation_not_supported);
  }
  std::error_code add(net::socket_handle socket, std::uint64_t key, notify::interest filter,
                      notify::registration_id& name) noexcept override {
    if (const auto failure = handle({.socket = socket, .key = key, .filter = filter, .op = notify::operation::enable}))
      return failure;
    auto& entry = registrations_[socket];
    if (entry.arms == 1) entry.generation = ++generations_;
    name = notify::make_registration_id(static_cast<std::uint32_t>(socket), entry.generation);
    return {};
  }
  std::error_code rearm(notify::registration_id which, notify::interest filter, notify::hint) noexcept override {
    return handle_named(which, {.filter = filter, .op = notify::operation::enable});
  }
  std::error_code remove(notify::registration_id which) noexcept override {
    return handle_named(which, {.op = notify::operation::remove});
  }
  std::error_code post_after_batches(std::uint64_t key, std::uint64_t value) noexcept override {
    return post(key, value);
  }
  void release() noexcept override {}
  std::error_code close(net::socket_handle socket) noexcept override {
    registrations_.erase(socket);
    return {};
  }
  clock::time_point now() const noexcept override { return now_; }

  /// Queues what of `events` the armed registration asked for (err unasked), and disarms it. False where it has no arm
  /// for any.
  bool fire(net::socket_handle socket, notify::event events) {
    const auto found = registrations_.find(socket);
    if (found == registrations_.end() || !found->second.armed) return false;
    const auto asked = static_cast<notify::event>(found->second.filter) | notify::event::err;
    if (!has(asked, events)) return false;
    found->second.armed = false;
    queue_.push_back({found->second.key, static_cast<std::uint64_t>(asked & events)});
    return true;
  }
  /// The registration of `socket`; null where there is none.
  const registration* find(net::socket_handle socket) const {
    const auto found = registrations_.find(socket);
    return found == registrations_.end() ? nullptr : &found->second;
  }
  void advance(duration by) { now_ += by; }

private:
  std::error_code handle(const notify::request& wanted) {
    const auto found = registrations_.find(wanted.socket);
    switch (wanted.op) {
      case notify::operation::enable: {
        auto& entry = registrations_[wanted.socket];
        if (entry.arms > 0 && entry.key != wanted.key) return errc::key_mismatch;
        entry = {wanted.key, entry.generation, wanted.filter, true, entry.arms + 1};
        return {};
      }
      case notify::operation::remove:
        if (found == registrations_.end()) return errc::not_registered;
        queue_.push_back({found->second.key, static_cast<std::uint64_t>(notify::event::remove)});
        registrations_.erase(found);
        return {};
      default:
        return errc::invalid_request;
    }
  }

  std::error_code handle_named(notify::registration_id which, notify::request wanted) {
    wanted.socket = static_cast<net::socket_handle>(std::intptr_t{notify::slot_of(which)});
    const auto* const entry = find(wanted.socket);
    if (entry == nullptr || entry->generation != notify::generation_of(which)) return errc::not_registered;
    wanted.key = entry->key;
    return handle(wanted);
  }

  std::map<net::socket_handle, registration> registrations_;
  std::uint32_t generations_ = 0;
  std::deque<notify::packet> queue_;
  clock::time_point now_{std::chrono::hours{1}};
};

}  // namespace switchboard::testkit
