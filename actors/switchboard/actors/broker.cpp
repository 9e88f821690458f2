#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <unordered_map>
#include <unordered_set>

#include <caf/actor_cast.hpp>
#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/mailbox_element.hpp>

#include <switchboard/actors/acceptor.hpp>
#include <switchboard/actors/broker.hpp>
#include <switchboard/actors/broker_metrics.hpp>
#include <switchboard/actors/connection.hpp>
#include <switchboard/actors/server_memory.hpp>
#include <switchboard/actors/service_host.hpp>
#include <switchboard/actors/service_router.hpp>
#include <switchboard/logging/logging.hpp>

namespace switchboard::actors {

/// To the broker actor, first of all.
struct start_broker {
  std::shared_ptr<const connection_environment> environment;
};
/// To the broker actor.
struct start_acceptor {
  rpc::only_moved<std::unique_ptr<net::listener>> listener;
};
struct drain_broker {};
struct stop_broker {};

}  // namespace switchboard::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(switchboard::actors::start_broker)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(switchboard::actors::start_acceptor)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(switchboard::actors::drain_broker)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(switchboard::actors::stop_broker)

namespace switchboard::actors {

struct broker::shared_state {
  explicit shared_state(std::shared_ptr<metrics::registry> count_in) : figures(std::move(count_in)) {}

  const broker_metrics figures;

  std::mutex mutex;
  std::condition_variable ended_changed;
  bool ended = false;
};

/// Keeps account of the actors of one broker.
///
///     message            from           effect
///     start_broker       broker         the services start
///     start_acceptor     broker         an acceptor serves the listener
///     connection_opened  acceptors      the connection counts
///     connection_closed  connections    it counts no more
///     connection_drained connections    it has no unary calls left
///     acceptor_closed    acceptors
///     down_msg           service hosts  a new one is started, after a pause if it keeps dying
///     deadline_expired   pump           the drain timeout, or a restart's pause
///     drain_broker       broker         serving → draining
///     stop_broker        broker         → ending
class broker_actor : public caf::event_based_actor {
public:
  broker_actor(caf::actor_config& config, std::shared_ptr<broker::shared_state> state,
               std::shared_ptr<service_directory> directory)
      : caf::event_based_actor(config), state_(std::move(state)), directory_(std::move(directory)) {
    set_down_handler([this](caf::down_msg& down) { on_down(down); });
  }

  const char* name() const override { return "switchboard.broker"; }

  void on_exit() override {
    for (auto& route : directory_->routes()) route.host(nullptr);
    connections_.clear();
    acceptors_.clear();
    environment_ = nullptr;
    accepting_ = {};
    const std::lock_guard lock{state_->mutex};
    state_->ended = true;
    state_->ended_changed.notify_all();
  }

protected:
  caf::behavior make_behavior() override {
    return {
        [this](connection_opened& opened) { on_opened(opened); },
        [this](const connection_closed& closed) { on_closed(closed); },
        [this](const connection_drained& drained) { on_drained(drained.id); },
        [this](const deadline_expired& expired) {
          if (expired.tag == drain_tag)
            finish_drain_of_all();
          else
            start_host(static_cast<std::size_t>(expired.tag));
        },
        [this](start_broker& start) { on_start(std::move(start.environment)); },
        [this](start_acceptor& start) { on_start_acceptor(start.listener.take()); },
        [this](const acceptor_closed& closed) {
          acceptors_.erase(closed.acceptor);
          step_to_end();
        },
        [this](const drain_broker&) { begin_drain_of_all(); },
        [this](const stop_broker&) { stop_all(); },
    };
  }

private:
  enum class phase : unsigned char {
    serving,
    draining,   ///< unary calls are still answered
    finishing,  ///< connections flush and close
    stopping,   ///< connections close at once
    ending,     ///< all connections are gone; services end
  };
  static constexpr std::uint64_t drain_tag = ~std::uint64_t{0};
  static constexpr std::chrono::milliseconds first_pause{50};
  static constexpr std::chrono::milliseconds longest_pause{5'000};
  /// A service that lived this long starts anew at once.
  static constexpr std::chrono::seconds proven_life{10};

  struct connection_entry {
    caf::strong_actor_ptr actor;
    bool drained = false;
  };
  struct host_entry {
    caf::actor_addr address;
    bool alive = false;
    notification_pump::clock::time_point started{};
    std::chrono::milliseconds pause{0};
    deadline_id restart = deadline_id::none;
    metrics::counter restarts;
  };

  template <class Message>
  void tell(const caf::strong_actor_ptr& whom, Message message) {
    whom->enqueue(caf::make_mailbox_element(nullptr, caf::make_message_id(), {}, std::move(message)), context());
  }

  notification_pump& pump() { return *environment_->pump; }

  void on_start(std::shared_ptr<const connection_environment> environment) {
    environment_ = std::move(environment);
    const auto& limits = environment_->limits;
    accepting_ = {environment_, std::make_shared<std::atomic<std::uint64_t>>(1),
                  std::make_shared<open_connections>(limits.connections_max, limits.connections_per_address_max)};
    hosts_.resize(directory_->routes().size());
    for (std::size_t i = 0; i < hosts_.size(); ++i) {
      hosts_[i].restarts = state_->figures.restarts_of(directory_->routes()[i].definition().name());
      start_host(i);
    }
  }

  void start_host(std::size_t index) {
    hosts_[index].restart = deadline_id::none;
    if (phase_ == phase::ending) return step_to_end();
    auto& route = directory_->routes()[index];
    auto& host = hosts_[index];
    // The directory keeps the definition.
    const std::shared_ptr<const rpc::service_definition> definition{directory_, &route.definition()};
    const auto actor = definition->hosting() == rpc::hosting::one_for_all
                           ? caf::actor_cast<caf::actor>(spawn<service_host>(environment_->pump, definition))
                           : caf::actor_cast<caf::actor>(spawn<service_router>(environment_->pump, definition));
    monitor(actor);
    host.address = actor.address();
    host.alive = true;
    host.started = pump().now();
    route.host(caf::actor_cast<caf::strong_actor_ptr>(actor));
  }

  void on_down(const caf::down_msg& down) {
    const auto found = std::find_if(hosts_.begin(), hosts_.end(),
                                    [&](const host_entry& host) { return host.alive && host.address == down.source; });
    if (found == hosts_.end()) return;
    const auto index = static_cast<std::size_t>(found - hosts_.begin());
    auto& route = directory_->routes()[index];
    found->alive = false;
    route.host(nullptr);
    if (phase_ == phase::ending) return step_to_end();
    const auto now = pump().now();
    if (now - found->started >= proven_life) found->pause = {};
    logging::error("{} died ({}) and is started anew {}", route.definition().name(), caf::to_string(down.reason),
                   found->pause.count() == 0 ? "at once" : "in " + std::to_string(found->pause.count()) + " ms");
    found->restarts.add();
    if (found->pause.count() == 0)
      start_host(index);
    else
      found->restart = pump().schedule(now + found->pause, caf::strong_actor_ptr{ctrl()}, index);
    found->pause = std::clamp(found->pause * 2, first_pause, longest_pause);
  }

  void on_start_acceptor(std::unique_ptr<net::listener> listener) {
    if (phase_ != phase::serving) return;
    const auto actor = spawn<acceptor>(
        accepting_, std::move(listener),
        [environment = environment_](caf::event_based_actor& by, std::uint64_t id,
                                     std::unique_ptr<net::transport> transport, connection_place place) {
          return caf::actor_cast<caf::strong_actor_ptr>(
              by.spawn<connection>(environment, id, std::move(transport), std::move(place)));
        });
    acceptors_.emplace(actor.id(), caf::actor_cast<caf::strong_actor_ptr>(actor));
  }

  void on_opened(connection_opened& opened) {
    state_->figures.opened.add();
    state_->figures.open.add();
    if (closed_early_.erase(opened.id) > 0) return step_to_end();
    const auto& entry = connections_.emplace(opened.id, connection_entry{std::move(opened.connection)}).first->second;
    if (phase_ == phase::draining) tell(entry.actor, begin_drain{});
    if (phase_ == phase::finishing) tell(entry.actor, finish_drain{});
    if (phase_ == phase::stopping) tell(entry.actor, close_connection{});
    if (phase_ == phase::draining) ++undrained_;
  }

  void on_closed(const connection_closed& closed) {
    state_->figures.closed[static_cast<std::size_t>(closed.reason)].add();
    state_->figures.open.subtract();
    const auto found = connections_.find(closed.id);
    if (found == connections_.end()) {
      // It ended before its acceptor's word of it came.
      closed_early_.insert(closed.id);
      return;
    }
    on_drained(closed.id);
    connections_.erase(found);
    step_to_end();
  }

  void on_drained(std::uint64_t id) {
    if (phase_ != phase::draining) return;
    const auto found = connections_.find(id);
    if (found == connections_.end() || std::exchange(found->second.drained, true)) return;
    if (--undrained_ == 0) finish_drain_of_all();
  }

  void begin_drain_of_all() {
    if (phase_ != phase::serving) return;
    phase_ = phase::draining;
    for (auto& [id, actor] : acceptors_) tell(actor, close_acceptor{});
    undrained_ = connections_.size();
    for (auto& [id, entry] : connections_) tell(entry.actor, begin_drain{});
    drain_deadline_ =
        pump().schedule(pump().now() + environment_->limits.drain_timeout, caf::strong_actor_ptr{ctrl()}, drain_tag);
    if (undrained_ == 0) finish_drain_of_all();
  }

  void finish_drain_of_all() {
    if (phase_ != phase::draining) return;
    phase_ = phase::finishing;
    for (auto& [id, entry] : connections_) tell(entry.actor, finish_drain{});
    step_to_end();
  }

  void stop_all() {
    if (phase_ == phase::stopping || phase_ == phase::ending) return;
    if (phase_ == phase::serving)
      for (auto& [id, actor] : acceptors_) tell(actor, close_acceptor{});
    phase_ = phase::stopping;
    for (auto& [id, entry] : connections_) tell(entry.actor, close_connection{});
    step_to_end();
  }

  /// Connections first, because services may still have answers for them; then the services; then the broker itself.
  void step_to_end() {
    if (phase_ == phase::serving || phase_ == phase::draining) return;
    if (!acceptors_.empty() || !connections_.empty()) return;
    if (phase_ != phase::ending) {
      phase_ = phase::ending;
      if (drain_deadline_ != deadline_id::none) pump().cancel(drain_deadline_);
      for (std::size_t i = 0; i < hosts_.size(); ++i) {
        if (hosts_[i].restart != deadline_id::none) pump().cancel(hosts_[i].restart);
        // After the ends of calls that its connections have sent it, so not as urgent as exits otherwise are.
        if (const auto host = directory_->routes()[i].host())
          tell(host, caf::exit_msg{address(), caf::exit_reason::user_shutdown});
      }
    }
    if (std::none_of(hosts_.begin(), hosts_.end(), [](const host_entry& host) { return host.alive; })) quit();
  }

  const std::shared_ptr<broker::shared_state> state_;
  const std::shared_ptr<service_directory> directory_;
  std::shared_ptr<const connection_environment> environment_;
  acceptor_environment accepting_;
  phase phase_ = phase::serving;
  std::unordered_map<std::uint64_t, connection_entry> connections_;
  std::unordered_set<std::uint64_t> closed_early_;
  std::unordered_map<caf::actor_id, caf::strong_actor_ptr> acceptors_;
  std::vector<host_entry> hosts_;
  std::size_t undrained_ = 0;
  deadline_id drain_deadline_ = deadline_id::none;
};

broker::broker(caf::actor_system& system, std::shared_ptr<notification_pump> pump, actors::limits limits,
               net::network& network, std::shared_ptr<metrics::registry> figures,
               std::shared_ptr<budget::ledger> memory)
    : system_(system),
      pump_(std::move(pump)),
      limits_(limits),
      network_(network),
      figures_(std::move(figures)),
      memory_(memory ? std::move(memory) : server_memory(limits_.memory_max, figures_)),
      directory_(std::make_shared<service_directory>()),
      state_(std::make_shared<shared_state>(figures_)) {}

broker::~broker() {
  stop();
}

std::string broker::add(rpc::service_definition service) {
  SWITCHBOARD_INVARIANT(!environment_, "a service was added to a broker that serves already");
  return directory_->add(std::move(service));
}

void broker::intercept(std::shared_ptr<rpc::interceptor> around) {
  SWITCHBOARD_INVARIANT(!environment_, "an interceptor was added to a broker that serves already");
  interceptors_.push_back(std::move(around));
}

void broker::demand_authentication(authenticator check) {
  SWITCHBOARD_INVARIANT(!environment_, "authentication was demanded of a broker that serves already");
  authenticate_ = std::move(check);
}

caf::strong_actor_ptr broker::host_of(std::string_view service) const {
  for (const auto& route : directory_->routes())
    if (route.definition().name() == service && route.definition().hosting() == rpc::hosting::one_for_all)
      return route.host();
  return nullptr;
}

template <class Message>
void broker::tell(Message message) {
  environment_->broker->enqueue(caf::make_mailbox_element(nullptr, caf::make_message_id(), {}, std::move(message)),
                                nullptr);
}

void broker::start() {
  directory_->seal(figures_);
  auto environment = std::make_shared<connection_environment>();
  environment->pump = pump_;
  environment->directory = directory_;
  environment->limits = limits_;
  environment->interceptors = interceptors_;
  environment->authenticate = authenticate_;
  environment->figures = figures_;
  environment->memory = memory_;
  environment->link_figures = link::link_metrics{figures_};
  environment->waiting_calls =
      figures_->new_gauge("switchboard_calls_waiting", "Calls that wait for room in their connection's allowance.");
  environment->hits = std::make_shared<limit_hits>(figures_);
  environment->broker = caf::actor_cast<caf::strong_actor_ptr>(system_.spawn<broker_actor>(state_, directory_));
  environment_ = std::move(environment);
  tell(start_broker{environment_});
}

error_or<net::endpoint> broker::listen(const net::endpoint& at) {
  auto listener = network_.listen(at);
  if (!listener) return listener.error();
  auto local = (*listener)->local();
  serve(std::move(*listener));
  return local;
}

void broker::serve(std::unique_ptr<net::listener> listener) {
  if (!environment_) start();
  tell(start_acceptor{std::move(listener)});
}

void broker::begin_drain() {
  if (environment_) tell(drain_broker{});
}

bool broker::ended() const {
  const std::lock_guard lock{state_->mutex};
  return state_->ended;
}

void broker::drain() {
  if (!environment_) return;
  begin_drain();
  std::unique_lock lock{state_->mutex};
  state_->ended_changed.wait(lock, [&] { return state_->ended; });
}

void broker::stop() {
  if (!environment_) return;
  tell(stop_broker{});
  {
    std::unique_lock lock{state_->mutex};
    state_->ended_changed.wait(lock, [&] { return state_->ended; });
  }
  environment_ = nullptr;
}

}  // namespace switchboard::actors
