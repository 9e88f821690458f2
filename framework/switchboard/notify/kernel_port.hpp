#pragma once

/// What every port on an operating system has in common: waiting, posted packets beside those of sockets, batches,
/// deadlines and the end. Its backend asks and wakes the kernel; its registrar keeps the registrations.
///
/// Threads    as notification_port.
/// Owns       the queue of packets that do not come from the kernel, and the epochs of the batches.
/// Errors     as notification_port.

#include <atomic>
#include <memory>

#include <switchboard/notify/readiness_backend.hpp>
#include <switchboard/notify/registrar.hpp>

namespace switchboard::notify {

class kernel_port : public notification_port, protected readiness_backend, private batch_epochs::sink {
public:
  using duration = notification_port::duration;

  error_or<std::size_t> process(std::span<request> requests, std::span<packet> out, duration timeout) noexcept final;
  std::error_code post(std::uint64_t key, std::uint64_t value) noexcept final;
  std::error_code post_after_batches(std::uint64_t key, std::uint64_t value) noexcept final;
  std::error_code async_accept(net::socket_handle listener, std::uint64_t key) noexcept final;
  std::error_code add(net::socket_handle socket, std::uint64_t key, interest filter,
                      registration_id& name) noexcept final;
  std::error_code rearm(registration_id which, interest filter, hint known) noexcept final;
  std::error_code remove(registration_id which) noexcept final;
  void release() noexcept override;
  std::error_code close(net::socket_handle socket) noexcept final { return registrar_.close(socket); }
  clock::time_point now() const noexcept final { return clock::now(); }

protected:
  kernel_port() : epochs_(std::make_shared<batch_epochs>(static_cast<batch_epochs::sink&>(*this))) {}

  /// To be called by the backend's destructor: no thread is inside afterwards, nothing is registered, and connections
  /// that were not taken are closed.
  void end() noexcept;

  batch_epochs& epochs() noexcept { return *epochs_; }
  packet_queue& queue() noexcept { return queue_; }

private:
  std::size_t dequeue(batch_epochs::waiter& self, std::span<packet> out, duration timeout) noexcept;
  harvest gather(batch_epochs::waiter& self, std::span<packet> out, duration timeout) noexcept;
  std::size_t take_queued(std::span<packet> out, bool saw_wake) noexcept;
  std::size_t queue_share(std::size_t capacity) noexcept;
  void deliver(packet_list&& removals, taker who) noexcept final;

  packet_queue queue_;
  std::shared_ptr<batch_epochs> epochs_;
  registrar registrar_{*this, *this, *epochs_};
  std::atomic<unsigned> turn_{0};
  std::atomic<bool> is_closing_{false};
};

}  // namespace switchboard::notify
