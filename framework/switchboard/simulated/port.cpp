#include <limits>
#include <optional>
#include <thread>
#include <utility>

#include <switchboard/notify/batch_epochs.hpp>
#include <switchboard/notify/packet_queue.hpp>
#include <switchboard/simulated/fabric.hpp>
#include <switchboard/simulated/port.hpp>
#include <switchboard/simulated/registrar.hpp>

namespace switchboard::simulated {
namespace {

using notify::batch_epochs;
using notify::hint;
using notify::interest;
using notify::operation;
using notify::packet;
using notify::packet_list;
using notify::packet_queue;
using notify::queued_packet;
using notify::registration_id;
using notify::request;

/// With fault::bad_arguments_pass_in_the_end the bad calls after these succeed.
constexpr int bad_calls_noticed = 3;

std::error_code out_of_memory() noexcept {
  return std::make_error_code(std::errc::not_enough_memory);
}

class simulated_port final : public notify::notification_port, private batch_epochs::sink {
public:
  explicit simulated_port(std::shared_ptr<fabric> in)
      : fabric_(std::move(in)), epochs_(std::make_shared<batch_epochs>(static_cast<batch_epochs::sink&>(*this))) {
    const std::scoped_lock hold(fabric_->mutex());
    registrar_.emplace(*fabric_, *epochs_, queue_);
  }
  ~simulated_port() override;

  error_or<std::size_t> process(std::span<request> requests, std::span<packet> out, duration timeout) noexcept override;
  std::error_code post(std::uint64_t key, std::uint64_t value) noexcept override;
  std::error_code post_after_batches(std::uint64_t key, std::uint64_t value) noexcept override;
  std::error_code async_accept(net::socket_handle listener, std::uint64_t key) noexcept override;
  std::error_code add(net::socket_handle socket, std::uint64_t key, interest filter,
                      registration_id& name) noexcept override;
  std::error_code rearm(registration_id which, interest filter, hint known) noexcept override;
  std::error_code remove(registration_id which) noexcept override;
  void release() noexcept override {
    if (auto* const self = epochs_->find()) epochs_->release(*self);
  }
  std::error_code close(net::socket_handle socket) noexcept override;
  clock::time_point now() const noexcept override {
    const std::scoped_lock hold(fabric_->mutex());
    return fabric_->time().now();
  }

private:
  error_or<std::size_t> refuse_call(std::span<request> requests, bool has_room);
  std::error_code try_to_call() const;
  std::size_t dequeue(batch_epochs::waiter& self, std::span<packet> out, duration timeout,
                      std::unique_lock<std::mutex>& hold);
  std::size_t take(std::span<packet> out);
  bool take_queued(packet& into);
  void deliver(packet_list&& removals, packet_queue::taker who) noexcept override;
  bool broken(fault rule) const noexcept { return fabric_->faults().broken(rule); }

  const std::shared_ptr<fabric> fabric_;
  const std::shared_ptr<batch_epochs> epochs_;
  packet_queue queue_;
  std::optional<registrar> registrar_;
  std::uint64_t calls_ = 0;
  int bad_calls_ = 0;
  bool is_queues_turn_ = false;
  bool is_closing_ = false;
};

simulated_port::~simulated_port() {
  {
    const std::scoped_lock hold(fabric_->mutex());
    is_closing_ = true;
  }
  while (epochs_->any_inside()) {
    fabric_->changes().advance();
    std::this_thread::yield();
  }
  epochs_->close();
  const std::scoped_lock hold(fabric_->mutex());
  registrar_->end_all();
  for (const auto& each : queue_.take(std::numeric_limits<std::size_t>::max(), false).packets) {
    if (each.from != queued_packet::origin::accept) continue;
    if (const auto accepted = each.content.accepted())
      if (auto* const untaken = fabric_->sockets().find(*accepted)) fabric_->close(*untaken);
  }
}

// ------------------------------------------------------------------------------------------------- registrations

/// Why a call fails: the port is being destroyed, or a transient failure.
std::error_code simulated_port::try_to_call() const {
  if (is_closing_) return errc::closed;
  return fabric_->faults().fails(attempt::call) ? out_of_memory() : std::error_code{};
}

std::error_code simulated_port::add(net::socket_handle socket, std::uint64_t key, interest filter,
                                    registration_id& name) noexcept {
  const std::scoped_lock hold(fabric_->mutex());
  if (const auto failure = try_to_call()) return failure;
  return registrar_->add(socket, key, filter, name);
}

std::error_code simulated_port::rearm(registration_id which, interest filter, hint known) noexcept {
  const std::scoped_lock hold(fabric_->mutex());
  if (const auto failure = try_to_call()) return failure;
  return registrar_->apply_named(which, {.filter = filter, .op = operation::enable, .known = known});
}

std::error_code simulated_port::remove(registration_id which) noexcept {
  const std::scoped_lock hold(fabric_->mutex());
  if (const auto failure = try_to_call()) return failure;
  return registrar_->apply_named(which, {.op = operation::remove});
}

std::error_code simulated_port::async_accept(net::socket_handle listener, std::uint64_t key) noexcept {
  const std::scoped_lock hold(fabric_->mutex());
  return registrar_->async_accept(listener, key);
}

std::error_code simulated_port::close(net::socket_handle socket) noexcept {
  const std::scoped_lock hold(fabric_->mutex());
  return registrar_->close(socket);
}

// --------------------------------------------------------------------------------------------------- own packets

std::error_code simulated_port::post(std::uint64_t key, std::uint64_t value) noexcept {
  packet_list one;
  one.push_back({.content = {key, value}});
  if (queue_.push_post(std::move(one)) == packet_queue::push_result::full)
    return std::make_error_code(std::errc::no_buffer_space);
  if (broken(fault::post_reaches_two)) {
    one.push_back({.content = {key, value}});
    static_cast<void>(queue_.push_post(std::move(one)));
  }
  fabric_->changes().advance();
  return {};
}

std::error_code simulated_port::post_after_batches(std::uint64_t key, std::uint64_t value) noexcept {
  packet_list one;
  one.push_back({.content = {key, value}});
  if (!queue_.admit_post()) return std::make_error_code(std::errc::no_buffer_space);
  epochs_->withhold(std::move(one), packet_queue::taker::others);
  return {};
}

void simulated_port::deliver(packet_list&& removals, packet_queue::taker who) noexcept {
  static_cast<void>(queue_.push_events(std::move(removals), who));
  fabric_->changes().advance();
}

// ------------------------------------------------------------------------------------------------------- waiting

error_or<std::size_t> simulated_port::refuse_call(std::span<request> requests, bool has_room) {
  const std::scoped_lock hold(fabric_->mutex());
  if (broken(fault::failed_call_applies_requests)) registrar_->apply_all(requests);
  if (broken(fault::waiting_without_room_passes) && !has_room) return std::size_t{0};
  if (++bad_calls_ >= bad_calls_noticed && broken(fault::bad_arguments_pass_in_the_end)) return std::size_t{0};
  return errc::invalid_request;
}

error_or<std::size_t> simulated_port::process(std::span<request> requests, std::span<packet> out,
                                              duration timeout) noexcept {
  if (timeout < duration::zero() || (out.empty() && timeout != duration::zero()))
    return refuse_call(requests, !out.empty());
  auto* const self = epochs_->enrol();
  std::unique_lock hold(fabric_->mutex());
  if (self == nullptr) return out_of_memory();
  if (const auto failure = try_to_call()) return failure;
  if (out.empty()) {
    registrar_->apply_all(requests);
    return std::size_t{0};
  }
  // As on a kernel: requests first, then the last batch counts as released (N49).
  epochs_->arrive(*self);
  registrar_->apply_all(requests);
  epochs_->enter(*self);
  const auto count = dequeue(*self, out, timeout, hold);
  const bool closed = is_closing_;
  hold.unlock();
  // The port may be destroyed as soon as no thread is inside; this thread shares the epochs, so they stay.
  auto* const epochs = epochs_.get();
  epochs->leave(*self, count > 0);
  if (closed && count == 0) return errc::closed;
  return count;
}

std::size_t simulated_port::dequeue(batch_epochs::waiter& self, std::span<packet> out, duration timeout,
                                    std::unique_lock<std::mutex>& hold) {
  if (timeout == duration::zero() && broken(fault::poll_finds_nothing)) return 0;
  if (timeout != infinite && broken(fault::timeout_is_early)) timeout -= timeout / 10;
  // A deadline beyond the clock's range is no deadline.
  const bool expires = timeout != infinite && timeout < clock::time_point::max() - fabric_->time().now();
  const auto deadline = expires ? fabric_->time().now() + timeout : clock::time_point::max();
  fabric_->time().advance_to(fabric_->time().now());
  for (;;) {
    const auto seen = fabric_->changes().read();
    epochs_->begin_batch(self);
    if (const auto count = take(out); count > 0 || is_closing_) return count;
    // This thread holds no batch any more, which may be what a REMOVE event waited for.
    if (!broken(fault::waiting_holds_batch)) epochs_->enter(self);
    if (!queue_.empty()) continue;
    if (const auto next = fabric_->time().next_event(); next && *next <= deadline) {
      fabric_->time().advance_to(*next);
    } else if (expires) {
      if (fabric_->time().now() >= deadline) return 0;
      fabric_->time().advance_to(deadline);
    } else {
      if (broken(fault::infinite_wait_expires)) return 0;
      hold.unlock();
      fabric_->changes().await(seen);
      hold.lock();
      if (broken(fault::post_wakes_all)) return take(out);
    }
  }
}

/// Posts and sockets in turn, so that neither starves (N47).
std::size_t simulated_port::take(std::span<packet> out) {
  const auto call = ++calls_;
  std::size_t count = 0;
  while (count < out.size()) {
    is_queues_turn_ = !is_queues_turn_ && !broken(fault::sockets_go_before_posts);
    auto& into = out[count];
    if (is_queues_turn_ ? !take_queued(into) && !registrar_->take_ready(into, call)
                        : !registrar_->take_ready(into, call) && !take_queued(into))
      break;
    ++count;
  }
  if (count == out.size() && broken(fault::what_has_no_room_is_lost)) {
    packet lost;
    while (take_queued(lost) || registrar_->take_ready(lost, call)) continue;
  }
  return count;
}

bool simulated_port::take_queued(packet& into) {
  const auto taken = queue_.take(1, false).packets;
  if (taken.empty()) return false;
  const auto& one = taken.front();
  into = one.content;
  if (one.from == queued_packet::origin::removal) registrar_->end(one);
  if (one.from == queued_packet::origin::post && broken(fault::posted_value_is_cut)) into.value &= 0xffU;
  return true;
}

}  // namespace

std::unique_ptr<notify::notification_port> make_port(std::shared_ptr<fabric> in) {
  return std::make_unique<simulated_port>(std::move(in));
}

}  // namespace switchboard::simulated
