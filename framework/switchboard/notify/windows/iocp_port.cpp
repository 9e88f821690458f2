#include "iocp_port.hpp"

#include <algorithm>
#include <array>
#include <new>

#include <switchboard/net/system_sockets.hpp>

namespace switchboard::notify {
namespace {

/// Most packets that one system call returns; a larger output is filled by the next wait.
constexpr std::size_t batch_limit = 64;
/// How long the end of a port waits for the kernel to give back what is cancelled before it leaves it to the process.
constexpr auto drain_patience = std::chrono::seconds(10);
constexpr auto drain_step = std::chrono::milliseconds(10);

std::error_code last_system_error() noexcept {
  return {static_cast<int>(::GetLastError()), std::system_category()};
}

}  // namespace

void iocp_port::end_and_drain() noexcept {
  end();
  accepts_.drop_all();
  std::array<OVERLAPPED_ENTRY, batch_limit> entries;
  packet ignored;
  const auto deadline = now() + drain_patience;
  while (!(is_idle() && accepts_.is_idle()) && now() < deadline) {
    const auto count = port_.wait(entries, drain_step);
    for (const auto& each : std::span(entries).first(count)) {
      if (each.lpCompletionKey == accept_key) {
        static_cast<void>(accepts_.complete(each));
      } else if (each.lpCompletionKey != wake_key) {
        static_cast<void>(translate(each, ignored));
      }
    }
  }
}

std::error_code iocp_port::begin_accept(registration&, net::socket_handle listener, std::uint64_t key) noexcept {
  return accepts_.begin(listener, key);
}

void iocp_port::cancel_accepts(net::socket_handle listener, packet_list& removal, taker) noexcept {
  accepts_.cancel(listener);
  accepts_.hold(listener, removal);
}

std::error_code iocp_port::close_socket(net::socket_handle socket) noexcept {
  return ::closesocket(static_cast<SOCKET>(socket)) == 0 ? std::error_code{}
                                                         : net::system_error_code(net::last_error());
}

kernel_port::harvest iocp_port::reap(batch_epochs::waiter& self, std::span<packet> out, duration timeout) noexcept {
  harvest got;
  std::array<OVERLAPPED_ENTRY, batch_limit> entries;
  got.events = port_.wait(std::span(entries).first(std::min(out.size(), batch_limit)), timeout);
  if (got.events == 0) return got;
  epochs().begin_batch(self);
  for (const auto& each : std::span(entries).first(got.events)) {
    if (each.lpCompletionKey == wake_key) {
      got.saw_wake = true;
    } else if (each.lpCompletionKey == accept_key) {
      if (auto removal = accepts_.complete(each); !removal.empty())
        epochs().withhold(std::move(removal), taker::caller_too);
      got.saw_accepts = true;
    } else if (translate(each, out[got.packets])) {
      ++got.packets;
    }
  }
  return got;
}

error_or<std::unique_ptr<notification_port>> make_iocp_port() noexcept try {
  if (const auto failure = net::start_sockets()) return failure;
  completion_port port;
  if (port.get() == nullptr) return last_system_error();
  return has_socket_notifications() ? make_socket_notification_port(std::move(port)) : make_afd_port(std::move(port));
} catch (const std::bad_alloc&) {
  return std::make_error_code(std::errc::not_enough_memory);
}

error_or<std::unique_ptr<notification_port>> make_afd_port() noexcept try {
  if (const auto failure = net::start_sockets()) return failure;
  completion_port port;
  if (port.get() == nullptr) return last_system_error();
  return make_afd_port(std::move(port));
} catch (const std::bad_alloc&) {
  return std::make_error_code(std::errc::not_enough_memory);
}

}  // namespace switchboard::notify
