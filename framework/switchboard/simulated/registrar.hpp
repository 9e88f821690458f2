#pragma once

/// One simulated port's registrations: requests about them, and which of them have an event to report. A world may break
/// any of the contract's rules here (fault.hpp).
/// Threads    with the fabric's mutex held.
/// Owns       the order in which ready sockets are served; a registration is its socket's.

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <span>

#include <switchboard/notify/batch_epochs.hpp>
#include <switchboard/notify/packet_queue.hpp>
#include <switchboard/simulated/fabric.hpp>

namespace switchboard::simulated {

/// Sockets that may have an event to report, in the order in which they are served.
class ready_list {
public:
  struct entry {
    socket_name name;
    std::uint64_t number;
  };

  /// A number for an entry, which distinguishes it from later ones of the same socket.
  std::uint64_t next_number() noexcept { return ++numbers_; }
  void push_back(const entry& one) { next_round_.push_back(one); }
  void push_front(const entry& one) { round_.push_front(one); }
  /// The next entry; null where there is none. Entries added during a round come in the next round: in the order of their
  /// adding, or in one that `order` chooses.
  const entry* front(dice* order);
  void pop_front() { round_.pop_front(); }

private:
  /// Entries of the first have been ready for longer than those of the second, or have been served less often (N47).
  std::deque<entry> round_;
  std::deque<entry> next_round_;
  std::uint64_t numbers_ = 0;
};

class registrar final : private watcher {
public:
  /// @param in, epochs, queue  outlive this.
  registrar(fabric& in, notify::batch_epochs& epochs, notify::packet_queue& queue);

  void apply_all(std::span<notify::request> requests);
  // As notification_port describes them.
  std::error_code add(net::socket_handle socket, std::uint64_t key, notify::interest filter,
                      notify::registration_id& name);
  /// Applies `wanted` to the registration that `which` names, and to no later one of its socket.
  std::error_code apply_named(notify::registration_id which, notify::request wanted);
  std::error_code async_accept(net::socket_handle listener, std::uint64_t key);
  std::error_code close(net::socket_handle handle);

  /// Takes the packet of the next ready socket; false where none is ready. `call` is the number of the process() call, which
  /// gets at most one packet of each socket.
  bool take_ready(notify::packet& into, std::uint64_t call);
  /// The REMOVE event has been put in a batch: the registration ends.
  void end(const notify::queued_packet& removal);
  /// Forgets every registration, silently (N55).
  void end_all();

private:
  std::error_code apply_one(const notify::request& wanted);
  std::error_code enable(const notify::request& wanted);
  std::error_code disable(const notify::request& wanted);
  std::error_code remove(const notify::request& wanted);
  void arm(socket& at, const notify::request& wanted, bool has_fired);
  std::error_code require_registered(const socket* at) const;
  bool has_registration(const socket& at) const noexcept { return at.registered.port == id_; }

  void on_change(socket& at) override;
  void on_close(socket& at) override;
  notify::event reportable(const socket& at) const;
  void list(socket& at);
  void fire(socket& at, notify::event reported, std::uint64_t call);
  void complete_accepts(socket& listener);
  /// Calls `what` after a delay, unless the port was destroyed by then.
  void later(std::function<void()> what);

  fabric& fabric_;
  notify::batch_epochs& epochs_;
  notify::packet_queue& queue_;
  const std::uint64_t id_;
  std::uint32_t generations_ = 0;
  ready_list ready_;
  std::shared_ptr<const bool> life_ = std::make_shared<const bool>(true);
};

}  // namespace switchboard::simulated
