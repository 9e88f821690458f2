#include "running_system.hpp"

#include <utility>

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <switchboard/notify/port_backend.hpp>
#include <switchboard/pump/scheduler.hpp>

namespace switchboard::pump_test {

std::string name_of(const setup& which) {
  auto name = (which.run_by == runner::pump_is_scheduler ? "Scheduler" : "OwnThreads") + std::to_string(which.workers);
  return which.port == "epoll" ? name : name + "IoUring";
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

void socket_pair::take_number_of(socket_pair& other) {
  const int number = std::exchange(other.ours_, -1);
  EXPECT_EQ(::dup2(ours_, number), number);
  ::close(std::exchange(ours_, number));
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
  // Longer than any watch waits, and than any near deadline allows.
  constexpr auto until_woken = std::chrono::minutes(1);
  if (out.empty()) return port_->process(requests, out, timeout);
  ++counts_->waits;
  if (counts_->waits_to_fail.fetch_sub(1) > 0) return std::make_error_code(std::errc::not_enough_memory);
  ++counts_->waits_to_fail;
  counts_->parked += timeout > until_woken;
  auto done = port_->process(requests, out, timeout);
  counts_->parked -= timeout > until_woken;
  return done;
}

std::error_code watched_port::post(std::uint64_t key, std::uint64_t value) noexcept {
  ++counts_->posts;
  return port_->post(key, value);
}

std::error_code watched_port::rearm(registration_id which, notify::interest filter, notify::hint known) noexcept {
  if (counts_->rearms_to_fail.fetch_sub(1) > 0) return std::make_error_code(std::errc::not_enough_memory);
  ++counts_->rearms_to_fail;
  counts_->rearms_of_drained += has(known, notify::hint::drained);
  ++(has(known, notify::hint::wait_follows) ? counts_->rearms_before_a_wait : counts_->rearms_at_once);
  return port_->rearm(which, filter, known);
}

std::error_code watched_port::remove(registration_id which) noexcept {
  if (counts_->removals_to_fail.fetch_sub(1) > 0) return std::make_error_code(std::errc::not_enough_memory);
  ++counts_->removals_to_fail;
  return port_->remove(which);
}

std::unique_ptr<notify::notification_port> system_port(std::string_view name) {
  auto made = notify::port_backend::find(name)->make();
  EXPECT_TRUE(made) << made.error().message();
  return std::move(made).value();
}

running_system::running_system(const setup& how)
    : threads_(static_cast<int>(how.workers)), config_(std::make_unique<caf::actor_system_config>()) {
  auto port = std::make_unique<watched_port>(system_port(how.port));
  seen_ = port->seen();
  pump_ = notification_pump::create(std::move(port), figures_);
  config_->set("scheduler.max-threads", how.workers);
  if (how.run_by == runner::pump_is_scheduler) use_pump_scheduler(*config_, pump_);
  system_ = std::make_unique<caf::actor_system>(*config_);
  if (how.run_by == runner::pump_has_threads) {
    const auto failed = pump_->start(how.workers);
    EXPECT_FALSE(failed) << failed.message();
  }
}

testing::AssertionResult running_system::falls_asleep() const {
  if (eventually([this] { return seen_->parked == threads_; })) return testing::AssertionSuccess();
  return testing::AssertionFailure() << seen_->parked << " of " << threads_ << " threads are parked";
}

running_system::~running_system() {
  // What an application with another scheduler has to do; harmless with the pump's own.
  if (pump_) pump_->stop();
}

void running_system::end_system() {
  system_.reset();
}

bool eventually(const std::function<bool()>& condition, clock::duration within) {
  const auto until = clock::now() + within;
  while (!condition()) {
    if (clock::now() >= until) return false;
    ::poll(nullptr, 0, 1);
  }
  return true;
}

namespace {

/// Processor time the process has used.
clock::duration cpu_used() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto as_duration = [](const timeval& time) {
    return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
  };
  return as_duration(used.ru_utime) + as_duration(used.ru_stime);
}

}  // namespace

clock::duration cpu_used_within(clock::duration time) {
  const auto before = cpu_used();
  // Not for an event: what an idle process uses is measured over a time in which nothing happens.
  std::this_thread::sleep_for(time);
  return cpu_used() - before;
}

}  // namespace switchboard::pump_test
