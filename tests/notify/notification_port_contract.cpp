#include "notification_port_contract.hpp"

namespace switchboard::notify {

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

std::string read_once(net::transport& from) {
  std::array<std::byte, 4096> chunk;
  const auto got = from.read(chunk);
  return {reinterpret_cast<const char*>(chunk.data()), got.bytes};
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

bool eventually(const std::function<bool()>& condition, std::chrono::steady_clock::duration within) {
  const auto deadline = std::chrono::steady_clock::now() + within;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
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

request NotificationPortContract::arm_drained(const net::transport& socket, std::uint64_t key, interest filter) {
  auto wanted = arm(socket, key, filter);
  wanted.known = hint::drained;
  return wanted;
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

void NotificationPortDrained::pass_message(std::string_view text) {
  send(*pair.far, text);
  const auto got = next(port());
  ASSERT_TRUE(got && has(got->events(), event::in)) << text;
  ASSERT_EQ(read_once(*pair.near), text);
}

void NotificationPortDrained::arm_drained_for(interest filter) {
  ASSERT_FALSE(port().apply(arm_drained(*pair.near, 1, filter)));
}

void NotificationPortDrained::begin(interest filter) {
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, filter)));
  for (const auto* const text : {"first", "second"}) {
    pass_message(text);
    arm_drained_for(filter);
  }
}

void NotificationPortDrained::begin_fired(interest filter) {
  begin(filter);
  pass_message("third");
}

void NotificationPortDrained::arrive(std::string_view text) {
  send(*pair.far, text);
  await_readable(*pair.near);
}

void NotificationPortDrained::expect_end() {
  const auto got = next(port());
  ASSERT_TRUE(got);
  EXPECT_TRUE(has(got->events(), event::in | event::hangup));
  EXPECT_EQ(outcome_of_read(*pair.near), net::io_outcome::end_of_stream);
}

std::vector<std::jthread> NotificationPortDrained::serve_with(std::size_t threads,
                                                              const std::function<void(const packet&)>& serve) {
  std::vector<std::jthread> started;
  for (std::size_t n = 0; n < threads; ++n)
    started.emplace_back([this, serve] {
      while (const auto got = next(port(), GetParam().longest_wait)) {
        if (got->key != 0) {
          serve(*got);
          continue;
        }
        EXPECT_FALSE(port().post(0, 0));
        return;
      }
    });
  return started;
}

registration_id NotificationPortNames::add(const net::transport& socket, std::uint64_t key, interest filter) {
  auto name = registration_id::none;
  EXPECT_FALSE(port().add(socket.handle(), key, filter, name));
  return name;
}

void gate::open() {
  const std::scoped_lock hold(lock_);
  is_open_ = true;
  opened_.notify_one();
}

void gate::pass() {
  std::unique_lock hold(lock_);
  opened_.wait(hold, [this] { return is_open_; });
  is_open_ = false;
}

bool gate::passes_within(std::chrono::steady_clock::duration limit) {
  std::unique_lock hold(lock_);
  if (!opened_.wait_for(hold, limit, [this] { return is_open_; })) return false;
  is_open_ = false;
  return true;
}

waiter::waiter(std::function<void()> waiting)
    : thread_([this, waiting = std::move(waiting)] {
        thread_number_ = thread_number();
        waiting();
      }) {}

bool waiter::is_asleep() const {
  return eventually([this] { return thread_number_ != 0 && notify::is_asleep(thread_number_); });
}

holder::holder(notification_port& port, std::function<void()> then)
    : thread_([this, &port, then = std::move(then)] {
        std::array<packet, 1> batch;
        const auto count = port.wait(batch, patience);
        if (!count || *count == 0) return;
        taken_.open();
        go_.pass();
        then();
      }) {}

void holder::release() {
  if (!std::exchange(is_released_, true)) go_.open();
}

void holder::join() {
  release();
  thread_.join();
}

}  // namespace switchboard::notify
