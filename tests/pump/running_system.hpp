#pragma once

/// An actor system and a pump, in every way they may run together, and the means by which tests observe them.

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <gtest/gtest.h>

#include <switchboard/notify/notification_port.hpp>
#include <switchboard/pump/notification_pump.hpp>

namespace switchboard::pump_test {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

/// How long a test waits for what must happen.
inline constexpr auto patience = 10s;
/// How long a test watches for what must not happen.
inline constexpr auto short_while = 50ms;

enum class runner { pump_is_scheduler, pump_has_threads };

struct setup {
  runner run_by = runner::pump_is_scheduler;
  std::size_t workers = 1;
  std::string_view port = "epoll";
};
std::string name_of(const setup& which);

/// Two connected stream sockets, closed with the object unless given away.
class socket_pair {
public:
  socket_pair();
  ~socket_pair();
  socket_pair(socket_pair&& other) noexcept;
  net::socket_handle ours() const noexcept { return static_cast<net::socket_handle>(ours_); }
  /// What the peer does.
  void peer_sends(const std::string& bytes) const;
  void close_peer();
  void close_ours();
  /// Ours becomes what `other` has as its own, which is closed: as if it had been opened after that.
  void take_number_of(socket_pair& other);
  static std::string read(net::socket_handle socket);

private:
  int ours_ = -1;
  int peers_ = -1;
};

/// What happened, reported by actors and awaited by the test.
class happenings {
public:
  void tell(std::string what);
  /// Whether `count` have been reported in time.
  bool await(std::size_t count, clock::duration within = patience) const;
  bool await(const std::string& what, clock::duration within = patience) const;
  std::vector<std::string> all() const;
  std::size_t count() const { return all().size(); }

private:
  mutable std::mutex lock_;
  mutable std::condition_variable changed_;
  std::vector<std::string> told_;
};

/// Blocks a handler until the test opens it.
class gate {
public:
  void open();
  /// Holds an actor's thread until it is opened, and shows that one has arrived.
  void pass();
  bool await_arrival() const;

private:
  mutable std::mutex lock_;
  mutable std::condition_variable changed_;
  bool open_ = false;
  int arrived_ = 0;
};

/// Another port's calls, counted, and made to fail.
class watched_port final : public notify::notification_port {
public:
  struct counts {
    std::atomic<int> waits{0};   ///< calls with room for packets
    std::atomic<int> parked{0};  ///< threads inside one that no watch and no near deadline ends
    std::atomic<int> posts{0};
    std::atomic<int> rearms_at_once{0};
    std::atomic<int> rearms_before_a_wait{0};  ///< of which the kernel may hear with the next wait
    std::atomic<int> rearms_of_drained{0};     ///< of sockets that their owner said it had drained
    std::atomic<int> rearms_to_fail{0};        ///< that many of the next ones fail
    std::atomic<int> waits_to_fail{0};
    std::atomic<int> removals_to_fail{0};
  };

  explicit watched_port(std::unique_ptr<notify::notification_port> port) : port_(std::move(port)) {}
  std::shared_ptr<counts> seen() const noexcept { return counts_; }

  error_or<std::size_t> process(std::span<notify::request> requests, std::span<notify::packet> out,
                                duration timeout) noexcept override;
  std::error_code post(std::uint64_t key, std::uint64_t value) noexcept override;
  std::error_code post_after_batches(std::uint64_t key, std::uint64_t value) noexcept override {
    return port_->post_after_batches(key, value);
  }
  std::error_code async_accept(net::socket_handle listener, std::uint64_t key) noexcept override {
    return port_->async_accept(listener, key);
  }
  std::error_code add(net::socket_handle socket, std::uint64_t key, notify::interest filter,
                      registration_id& name) noexcept override {
    return port_->add(socket, key, filter, name);
  }
  std::error_code rearm(registration_id which, notify::interest filter, notify::hint known) noexcept override;
  std::error_code remove(registration_id which) noexcept override;
  void release() noexcept override { port_->release(); }
  std::error_code close(net::socket_handle socket) noexcept override { return port_->close(socket); }
  clock::time_point now() const noexcept override { return port_->now(); }

private:
  const std::unique_ptr<notify::notification_port> port_;
  const std::shared_ptr<counts> counts_ = std::make_shared<counts>();
};

/// A port of the system's, by the name that --port has for it.
std::unique_ptr<notify::notification_port> system_port(std::string_view name = "epoll");

/// An actor system that a pump serves. The system ends before the pump's handle here does.
class running_system {
public:
  explicit running_system(const setup& how);
  ~running_system();

  caf::actor_system& system() noexcept { return *system_; }
  notification_pump& pump() noexcept { return *pump_; }
  std::shared_ptr<notification_pump> shared_pump() const noexcept { return pump_; }
  void release_pump() { pump_.reset(); }
  watched_port::counts& seen() noexcept { return *seen_; }
  /// What the pump has counted by now.
  metrics::snapshot figures() const { return figures_->read(); }
  /// Waits until every thread that serves the port is parked in it, and none watches.
  testing::AssertionResult falls_asleep() const;
  /// Ends the system, as its destructor does; the pump stays.
  void end_system();

private:
  const int threads_;
  const std::shared_ptr<metrics::registry> figures_ = std::make_shared<metrics::registry>();
  std::shared_ptr<watched_port::counts> seen_;
  std::shared_ptr<notification_pump> pump_;
  std::unique_ptr<caf::actor_system_config> config_;
  std::unique_ptr<caf::actor_system> system_;
};

/// Spawns an actor that does as `body` says. CAF 0.17 reads through a null pointer where a spawned function has no
/// argument besides `self`, which the sanitizers trap; so the body is the argument.
template <caf::spawn_options Options = caf::no_spawn_options, class Spawner, class Body>
caf::actor spawn_acting(Spawner& where, Body body) {
  return where.template spawn<Options>([](caf::event_based_actor* self, Body given) { return given(self); },
                                       std::move(body));
}

/// Processor time that the process uses within the next `time`.
clock::duration cpu_used_within(clock::duration time);
/// Polls until `condition` holds, or not in time.
bool eventually(const std::function<bool()>& condition, clock::duration within = patience);

}  // namespace switchboard::pump_test
