#pragma once

/// What every backend on an operating system has in common: the life of a registration, posted packets beside those of
/// sockets, batches, deadlines and the end. A backend says how its kernel is told, asked and woken.
///
/// Threads    as notification_port. Hooks about a registration are called with its lock held.
/// Owns       the queue of packets that do not come from the kernel, and the epochs of the batches.
/// Errors     a hook's error is the request's result.

#include <memory>
#include <optional>

#include <switchboard/notify/batch_epochs.hpp>
#include <switchboard/notify/packet_queue.hpp>
#include <switchboard/notify/registration_table.hpp>

namespace switchboard::notify {

/// What the system says a handle is just now; nothing where it is no socket (N2).
struct socket_facts {
  std::uint64_t identity;
  bool is_stream;

  static std::optional<socket_facts> of(net::socket_handle socket) noexcept;
};

class kernel_port : public notification_port, private batch_epochs::sink {
public:
  error_or<std::size_t> process(std::span<request> requests, std::span<packet> out, duration timeout) noexcept final;
  std::error_code post(std::uint64_t key, std::uint64_t value) noexcept final;
  std::error_code async_accept(net::socket_handle listener, std::uint64_t key) noexcept final;
  void release() noexcept override;
  std::error_code close(net::socket_handle socket) noexcept final;
  clock::time_point now() const noexcept final { return clock::now(); }

protected:
  using taker = packet_queue::taker;
  struct harvest {
    std::size_t events = 0;   ///< the kernel gave
    std::size_t packets = 0;  ///< became of them
    bool saw_wake = false;
    bool saw_accepts = false;  ///< whose completions are in the queue now
  };

  kernel_port() : epochs_(std::make_shared<batch_epochs>(static_cast<batch_epochs::sink&>(*this))) {}

  /// Makes room for that many requests, or as many as can be; what it returns fails the call before anything changed.
  virtual std::error_code reserve(std::size_t) noexcept { return {}; }
  /// What the kernel was told may wait for reap() until here: this thread is not going to call it.
  virtual void submit() noexcept {}

  // How the kernel is told. `entry` is the registration of `socket`.

  /// Arms with what `wanted` says; what the kernel reports of it is known by `generation`. not_registered: the kernel has
  /// let go of this socket, against what `entry` says (N51).
  virtual std::error_code arm(registration& entry, const request& wanted, std::uint32_t generation) noexcept = 0;
  /// Reports nothing more until the next arm().
  virtual std::error_code disarm(registration& entry, net::socket_handle socket) noexcept = 0;
  /// Forgets the registration.
  virtual std::error_code let_go(registration& entry, net::socket_handle socket) noexcept = 0;
  virtual std::error_code begin_accept(registration& entry, net::socket_handle listener,
                                       std::uint64_t key) noexcept = 0;
  /// Cancels the accepts of a listener being removed. May take `removal`, its event, to withhold() it later.
  virtual void cancel_accepts(net::socket_handle listener, packet_list& removal, taker who) noexcept = 0;
  virtual void drop_accepts(net::socket_handle listener) noexcept = 0;
  virtual std::error_code close_socket(net::socket_handle socket) noexcept = 0;

  // How it is asked and woken.

  /// A thread is about to look for packets.
  virtual void before_looking() noexcept {}
  /// Waits for what the kernel has and makes packets of it, calling begin_batch() before it looks at the first.
  virtual harvest reap(batch_epochs::waiter& self, std::span<packet> out, duration timeout) noexcept = 0;
  /// Makes one thread that waits, or the next to wait, see a wake.
  virtual void send_wake() noexcept = 0;
  /// The same for every thread, until none waits.
  virtual void wake_everybody() noexcept = 0;

  /// To be called by the backend's destructor: nobody is inside afterwards, nothing is registered, and connections that
  /// nobody took are closed.
  void end() noexcept;

  batch_epochs& epochs() noexcept { return *epochs_; }
  packet_queue& queue() noexcept { return queue_; }

private:
  std::error_code apply_one(const request& wanted, taker who) noexcept;
  std::error_code enable(const request& wanted) noexcept;
  std::error_code enable_anew(registration& entry, const request& wanted) noexcept;
  std::error_code arm_as(registration& entry, const request& wanted) noexcept;
  std::error_code disable(const request& wanted) noexcept;
  std::error_code remove(const request& wanted, taker who) noexcept;
  std::error_code require_registered(registration& entry, net::socket_handle socket) const noexcept;

  std::size_t dequeue(batch_epochs::waiter& self, std::span<packet> out, duration timeout) noexcept;
  harvest gather(batch_epochs::waiter& self, std::span<packet> out, duration timeout) noexcept;
  std::size_t take_queued(std::span<packet> out, bool saw_wake) noexcept;
  std::size_t queue_share(std::size_t capacity) noexcept;
  void deliver(packet_list&& removals, taker who) noexcept final;

  packet_queue queue_;
  std::shared_ptr<batch_epochs> epochs_;
  std::atomic<unsigned> turn_{0};
  std::atomic<bool> is_closing_{false};
};

}  // namespace switchboard::notify
