#include "notification_port_contract.hpp"

#include <cstdlib>

#include <poll.h>
#include <time.h>
#include <unistd.h>

#include <switchboard/notify/epoll_port.hpp>
#include <switchboard/notify/io_uring_port.hpp>
#include <switchboard/simulated/world.hpp>

namespace switchboard::notify {
namespace {

bool await_readable_socket(net::socket_handle socket) {
  pollfd state{.fd = static_cast<int>(socket), .events = POLLIN, .revents = 0};
  return ::poll(&state, 1, std::chrono::milliseconds(patience).count()) == 1;
}

net::socket_handle detach_socket(std::unique_ptr<net::transport> from) {
  return static_cast<net::socket_handle>(::dup(static_cast<int>(from->handle())));
}

std::string name_of(const testing::TestParamInfo<backend>& info) {
  return info.param.name;
}

/// The rule that simulated ports shall break, for tests of these tests; null for none.
const char* wanted_fault() {
  return std::getenv("SWITCHBOARD_TEST_FAULT");
}

/// The world of all simulated ports here.
simulated::world& one_world() {
  static simulated::world instance;
  static const bool is_prepared = [] {
    if (const char* const name = wanted_fault()) instance.break_rule(simulated::find_fault(name).value());
    return true;
  }();
  static_cast<void>(is_prepared);
  return instance;
}

error_or<std::unique_ptr<notification_port>> make_simulated_port() noexcept {
  return one_world().make_port();
}

net::network& simulated_network() noexcept {
  return one_world().network();
}

bool await_readable_simulated(net::socket_handle socket) {
  while (!one_world().is_readable(socket))
    if (!one_world().advance(patience)) return false;
  return true;
}

const backend epoll{"Epoll", make_epoll_port, net::system_network, await_readable_socket, detach_socket, patience};
const backend io_uring{"IoUring",     make_io_uring_port, net::system_network, await_readable_socket,
                       detach_socket, patience};
// A wait with a deadline is over at once in simulated time, whatever another thread is about to do.
const backend simulated_one{"Simulated",       make_simulated_port,        simulated_network, await_readable_simulated,
                            simulated::detach, notification_port::infinite};

INSTANTIATE_TEST_SUITE_P(Backends, NotificationPortContract, testing::Values(epoll, io_uring, simulated_one), name_of);
INSTANTIATE_TEST_SUITE_P(Backends, NotificationPortOnSystemSockets, testing::Values(epoll, io_uring), name_of);
INSTANTIATE_TEST_SUITE_P(Backends, NotificationPortIncidents, testing::Values(epoll, io_uring, simulated_one), name_of);
INSTANTIATE_TEST_SUITE_P(Backends, NotificationPortIncidentsOnSystemSockets, testing::Values(epoll, io_uring), name_of);

}  // namespace

void send(net::transport& to, std::string_view text) {
  const net::const_buffer piece{text.data(), text.size()};
  const auto sent = to.write({&piece, 1});
  ASSERT_EQ(sent.outcome, net::io_outcome::done) << sent.error.message();
  ASSERT_EQ(sent.bytes, text.size());
}

std::string drain(net::transport& from) {
  std::string all;
  std::array<std::byte, 4096> chunk;
  for (;;) {
    const auto got = from.read(chunk);
    if (got.outcome != net::io_outcome::done) return all;
    all.append(reinterpret_cast<const char*>(chunk.data()), got.bytes);
  }
}

net::io_outcome outcome_of_read(net::transport& from) {
  std::byte one;
  return from.read({&one, 1}).outcome;
}

std::size_t fill(net::transport& to) {
  const std::string block(4096, 'x');
  const net::const_buffer piece{block.data(), block.size()};
  std::size_t all = 0;
  for (;;) {
    const auto sent = to.write({&piece, 1});
    if (sent.outcome != net::io_outcome::done) return all;
    all += sent.bytes;
  }
}

std::chrono::nanoseconds cpu_time() {
  timespec used{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

std::chrono::nanoseconds patience_with_threads() {
  static const std::chrono::nanoseconds how_long = wanted_fault() ? 200ms : patience;
  return how_long;
}

bool eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + patience_with_threads();
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    ::poll(nullptr, 0, 1);
  }
  return true;
}

std::unique_ptr<notification_port> NotificationPortContract::make_port() const {
  auto made = GetParam().make_port();
  if (!made) throw std::system_error(made.error(), "no port");
  return std::move(*made);
}

std::unique_ptr<net::listener> NotificationPortContract::listen() const {
  auto made = GetParam().network().listen(net::endpoint::tcp("127.0.0.1", 0));
  if (!made) throw std::system_error(made.error(), "no listener");
  return std::move(*made);
}

link NotificationPortContract::make_link() const {
  const auto listener = listen();
  auto near = GetParam().network().connect(listener->local());
  if (!near) throw std::system_error(near.error(), "no connection");
  if (!GetParam().await_readable(listener->handle())) throw std::runtime_error("nothing to accept");
  auto far = listener->accept();
  if (!far || *far == nullptr) throw std::runtime_error("nothing accepted");
  return {std::move(*near), std::move(*far)};
}

std::unique_ptr<net::transport> NotificationPortContract::accept_completed(const std::optional<packet>& completed,
                                                                           std::uint64_t key) const {
  if (!completed || completed->key != key) return nullptr;
  const auto socket = completed->accepted();
  EXPECT_TRUE(socket) << socket.error().message();
  if (!socket) return nullptr;
  auto made = GetParam().network().adopt(*socket);
  EXPECT_TRUE(made) << made.error().message();
  return made ? std::move(*made) : nullptr;
}

void NotificationPortContract::await_readable(const net::transport& at) const {
  ASSERT_TRUE(GetParam().await_readable(at.handle()));
}

void NotificationPortContract::reset(link& pair) const {
  send(*pair.near, "never read");
  await_readable(*pair.far);
  pair.far.reset();
  await_readable(*pair.near);
}

request NotificationPortContract::arm(net::socket_handle socket, std::uint64_t key, interest filter, trigger how) {
  return {.socket = socket, .key = key, .filter = filter, .op = operation::enable, .how = how};
}

request NotificationPortContract::arm(const net::transport& socket, std::uint64_t key, interest filter, trigger how) {
  return arm(socket.handle(), key, filter, how);
}

request NotificationPortContract::disable(const net::transport& socket) {
  return {.socket = socket.handle(), .op = operation::disable};
}

request NotificationPortContract::remove(const net::transport& socket) {
  return {.socket = socket.handle(), .op = operation::remove};
}

std::vector<packet> NotificationPortContract::take(notification_port& from, notification_port::duration timeout) {
  std::vector<packet> out(64);
  const auto count = from.wait(out, timeout);
  EXPECT_FALSE(count.error()) << count.error().message();
  out.resize(count ? *count : 0);
  return out;
}

std::optional<packet> NotificationPortContract::next(notification_port& from, notification_port::duration timeout) {
  std::array<packet, 1> out;
  const auto count = from.wait(out, timeout);
  EXPECT_FALSE(count.error()) << count.error().message();
  if (!count || *count == 0) return std::nullopt;
  return out[0];
}

testing::AssertionResult NotificationPortContract::is_quiet(notification_port& port,
                                                            notification_port::duration how_long) {
  if (const auto unexpected = next(port, how_long))
    return testing::AssertionFailure() << "a packet came: key " << unexpected->key << ", value " << unexpected->value;
  return testing::AssertionSuccess();
}

testing::AssertionResult NotificationPortContract::is_quiet_without_cpu(notification_port& port) {
  const auto before = cpu_time();
  if (auto quiet = is_quiet(port, watch_time); !quiet) return quiet;
  const auto used = cpu_time() - before;
  if (used < idle_cpu_limit) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "waiting used " << used / 1us << " us of a processor";
}

holder::holder(notification_port& port, std::function<void()> then)
    : thread_([this, &port, then = std::move(then)] {
        std::array<packet, 1> batch;
        const auto count = port.wait(batch, patience);
        if (!count || *count == 0) return;
        taken_.release();
        go_.acquire();
        then();
      }) {}

void holder::let_go() {
  if (!std::exchange(told_, true)) go_.release();
}

void holder::join() {
  let_go();
  thread_.join();
}

}  // namespace switchboard::notify
