#include <switchboard/client/reconnecting_client.hpp>
#include <switchboard/notify/epoll_port.hpp>

namespace switchboard::client {
namespace {

/// Waits for nothing but the time, on a port as every wait of a client.
std::error_code pause_until(deadline when) {
  const auto port = notify::make_epoll_port();
  if (!port) return port.error();
  notify::packet none;
  for (auto now = clock::now(); now < when; now = clock::now())
    if (const auto waited = (*port)->process({}, {&none, 1}, when - now); !waited) return waited.error();
  return {};
}

}  // namespace

error_or<blocking_client*> reconnecting_client::connected(deadline until) {
  if (usable()) return &*client_;
  bool at_once = !client_;
  client_.reset();
  for (auto failure = make_error_code(errc::timed_out);; at_once = false) {
    if (!at_once) {
      const auto now = clock::now();
      const auto pause = pauses_.next();
      if (const auto error = pause_until(until - now <= pause ? until : now + pause)) return error;
      if (clock::now() >= until) return failure;
    }
    auto attempt = blocking_client::connect(to_, until, options_);
    if (attempt) return &client_.emplace(std::move(*attempt));
    failure = attempt.error();
  }
}

bool reconnecting_client::usable() {
  // A break shows when the socket is looked at.
  if (!client_ || client_->take_in() || client_->connection_status()) return false;
  pauses_.reset();
  return true;
}

}  // namespace switchboard::client
