#include "running_system.hpp"

#include <utility>

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <switchboard/notify/epoll_port.hpp>
#include <switchboard/pump/scheduler.hpp>

namespace switchboard::pump_test {

std::string name_of(const setup& which) {
  return (which.run_by == runner::pump_is_scheduler ? "Scheduler" : "OwnThreads") + std::to_string(which.workers);
}

socket_pair::socket_pair() {
  int both[2] = {-1, -1};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, both) != 0)
    ADD_FAILURE() << "no socket pair";
  ours_ = both[0];
  peers_ = both[1];
}

socket_pair::~socket_pair() {
  close_ours();
  close_peer();
}

socket_pair::socket_pair(socket_pair&& other) noexcept
    : ours_(std::exchange(other.ours_, -1)), peers_(std::exchange(other.peers_, -1)) {}

void socket_pair::peer_sends(const std::string& bytes) const {
  EXPECT_EQ(::write(peers_, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
}

void socket_pair::close_peer() {
  if (peers_ >= 0) ::close(std::exchange(peers_, -1));
}

void socket_pair::close_ours() {
  if (ours_ >= 0) ::close(std::exchange(ours_, -1));
}

std::string socket_pair::read(net::socket_handle socket) {
  char buffer[64];
  const auto got = ::read(static_cast<int>(socket), buffer, sizeof buffer);
  return got > 0 ? std::string(buffer, static_cast<std::size_t>(got)) : std::string();
}

void happenings::tell(std::string what) {
  const std::lock_guard guard(lock_);
  told_.push_back(std::move(what));
  changed_.notify_all();
}

bool happenings::await(std::size_t count, clock::duration within) const {
  std::unique_lock guard(lock_);
  return changed_.wait_for(guard, within, [&] { return told_.size() >= count; });
}

bool happenings::await(const std::string& what, clock::duration within) const {
  std::unique_lock guard(lock_);
  return changed_.wait_for(guard, within, [&] { return std::find(told_.begin(), told_.end(), what) != told_.end(); });
}

std::vector<std::string> happenings::all() const {
  const std::lock_guard guard(lock_);
  return told_;
}

void gate::open() {
  const std::lock_guard guard(lock_);
  open_ = true;
  changed_.notify_all();
}

void gate::pass() {
  std::unique_lock guard(lock_);
  ++arrived_;
  changed_.notify_all();
  EXPECT_TRUE(changed_.wait_for(guard, patience, [this] { return open_; })) << "nobody opened the gate";
}

bool gate::await_arrival() const {
  std::unique_lock guard(lock_);
  return changed_.wait_for(guard, patience, [this] { return arrived_ != 0; });
}

error_or<std::size_t> watched_port::process(std::span<notify::request> requests, std::span<notify::packet> out,
                                            duration timeout) noexcept {
  if (out.empty()) {
    counts_->separate_requests += static_cast<int>(requests.size());
    return port_->process(requests, out, timeout);
  }
  ++counts_->waits;
  if (counts_->calls_to_fail.fetch_sub(1) > 0) return std::make_error_code(std::errc::not_enough_memory);
  ++counts_->calls_to_fail;
  if (requests.empty()) return port_->process(requests, out, timeout);
  ++counts_->waits_with_requests;
  counts_->requests_in_waits += static_cast<int>(requests.size());
  std::vector<std::size_t> failing;
  for (std::size_t each = 0; each != requests.size() && counts_->enables_to_fail > 0; ++each) {
    --counts_->enables_to_fail;
    requests[each].op = notify::operation::none;
    failing.push_back(each);
  }
  auto done = port_->process(requests, out, failing.empty() ? timeout : duration::zero());
  for (const auto each : failing) requests[each].result = std::make_error_code(std::errc::not_enough_memory);
  return done;
}

std::error_code watched_port::post(std::uint64_t key, std::uint64_t value) noexcept {
  ++counts_->posts;
  return port_->post(key, value);
}

std::unique_ptr<notify::notification_port> system_port() {
  auto made = notify::make_epoll_port();
  EXPECT_TRUE(made) << made.error().message();
  return std::move(made).value();
}

running_system::running_system(const setup& how, std::unique_ptr<notify::notification_port> port)
    : pump_(notification_pump::create(std::move(port))), config_(std::make_unique<caf::actor_system_config>()) {
  config_->set("scheduler.max-threads", how.workers);
  if (how.run_by == runner::pump_is_scheduler) use_pump_scheduler(*config_, pump_);
  system_ = std::make_unique<caf::actor_system>(*config_);
  if (how.run_by == runner::pump_has_threads) {
    const auto failed = pump_->start(how.workers);
    EXPECT_FALSE(failed) << failed.message();
  }
}

running_system::~running_system() {
  // What an application with another scheduler has to do; harmless with the pump's own.
  if (pump_) pump_->stop();
}

void running_system::end_system() {
  system_.reset();
}

void let_pass(clock::duration time) {
  const auto until = clock::now() + time;
  for (auto now = clock::now(); now < until; now = clock::now()) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - now);
    ::poll(nullptr, 0, static_cast<int>(left.count()));
  }
}

bool eventually(const std::function<bool()>& condition, clock::duration within) {
  const auto until = clock::now() + within;
  while (!condition()) {
    if (clock::now() >= until) return false;
    ::poll(nullptr, 0, 1);
  }
  return true;
}

clock::duration cpu_used() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto as_duration = [](const timeval& time) {
    return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
  };
  return as_duration(used.ru_utime) + as_duration(used.ru_stime);
}

}  // namespace switchboard::pump_test
