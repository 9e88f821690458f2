#include "epoll_accepts.hpp"

#include <array>
#include <cerrno>
#include <new>

#include <sys/epoll.h>
#include <sys/socket.h>

#include <switchboard/net/linux/accept_next.hpp>

namespace switchboard::notify {
namespace {

/// Most listeners looked at with one system call.
constexpr std::size_t batch_limit = 16;

std::error_code last_error() noexcept {
  return {errno, std::system_category()};
}

}  // namespace

std::error_code epoll_accepts::open_set(int port_set, std::uint64_t token) noexcept {
  net::descriptor made(::epoll_create1(EPOLL_CLOEXEC));
  if (!made) return last_error();
  // Edge-triggered: each arrival wakes one thread, and complete() empties the set.
  epoll_event wanted{};
  wanted.events = EPOLLIN | EPOLLET;
  wanted.data.u64 = token;
  if (::epoll_ctl(port_set, EPOLL_CTL_ADD, made.get(), &wanted) != 0) return last_error();
  set_ = std::move(made);
  return {};
}

std::error_code epoll_accepts::begin(int listener, std::uint64_t identity, std::uint64_t key, int port_set,
                                     std::uint64_t token) noexcept try {
  if (!net::is_listening(listener)) return errc::invalid_request;
  packet_list one;
  one.push_back({.content = {key, 0}, .from = queued_packet::origin::accept});
  const std::scoped_lock hold(mutex_);
  if (!set_)
    if (const auto failure = open_set(port_set, token)) return failure;
  auto& at = listeners_[listener];
  if (at.identity != identity) {
    // The number was another listener's, closed without REMOVE (N51).
    at.pending.clear();
    at.identity = identity;
    at.is_armed = false;
  }
  if (at.pending.size() >= notification_port::accept_limit) return std::make_error_code(std::errc::no_buffer_space);
  if (const auto failure = arm(listener, at)) return failure;
  at.pending.splice(at.pending.end(), one);
  return {};
} catch (const std::bad_alloc&) {
  return std::make_error_code(std::errc::not_enough_memory);
}

std::error_code epoll_accepts::arm(int listener, listening& at) noexcept {
  if (at.is_armed) return {};
  epoll_event wanted{};
  wanted.events = EPOLLIN | EPOLLONESHOT;
  wanted.data.fd = listener;
  if (::epoll_ctl(set_.get(), EPOLL_CTL_MOD, listener, &wanted) != 0 &&
      (errno != ENOENT || ::epoll_ctl(set_.get(), EPOLL_CTL_ADD, listener, &wanted) != 0))
    return last_error();
  at.is_armed = true;
  return {};
}

void epoll_accepts::complete() noexcept {
  const std::scoped_lock hold(mutex_);
  std::array<epoll_event, batch_limit> ready;
  packet_list done;
  for (int count = batch_limit; count == batch_limit;) {
    count = ::epoll_wait(set_.get(), ready.data(), batch_limit, 0);
    for (int n = 0; n < count; ++n) serve(ready[static_cast<std::size_t>(n)].data.fd, done);
  }
  // Still under the lock, so that what was accepted is queued ahead of the REMOVE event that cancels the rest.
  if (!done.empty()) static_cast<void>(completions_->push_events(std::move(done), packet_queue::taker::caller_too));
}

void epoll_accepts::serve(int listener, packet_list& done) noexcept {
  const auto found = listeners_.find(listener);
  if (found == listeners_.end()) return;
  auto& at = found->second;
  at.is_armed = false;
  while (!at.pending.empty()) {
    auto taken = net::accept_next(listener, nullptr);
    if (taken.error == EAGAIN) break;
    auto& completed = at.pending.front().content;
    completed = packet_of_accept(completed.key, taken.socket ? taken.socket.release() : -taken.error);
    done.splice(done.end(), at.pending, at.pending.begin());
  }
  if (!at.pending.empty()) static_cast<void>(arm(listener, at));
}

packet_queue::push_result epoll_accepts::cancel(int listener, packet_queue::taker who) noexcept {
  const std::scoped_lock hold(mutex_);
  const auto found = listeners_.find(listener);
  if (found == listeners_.end()) return packet_queue::push_result::queued;
  auto cancelled = std::move(found->second.pending);
  if (set_) ::epoll_ctl(set_.get(), EPOLL_CTL_DEL, listener, nullptr);
  listeners_.erase(found);
  if (cancelled.empty()) return packet_queue::push_result::queued;
  for (auto& each : cancelled) each.content = packet_of_accept(each.content.key, -ECANCELED);
  return completions_->push_events(std::move(cancelled), who);
}

void epoll_accepts::drop(int listener) noexcept {
  const std::scoped_lock hold(mutex_);
  if (listeners_.erase(listener) > 0) ::epoll_ctl(set_.get(), EPOLL_CTL_DEL, listener, nullptr);
}

}  // namespace switchboard::notify
