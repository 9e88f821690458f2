#include <array>
#include <string>
#include <string_view>

#include <switchboard/actors/acceptor.hpp>
#include <switchboard/actors/tell.hpp>
#include <switchboard/logging/logging.hpp>
#include <switchboard/wire/frame_encoder.hpp>

namespace switchboard::actors {
namespace {

logging::throttle& accept_failures() {
  static logging::throttle lines{"accept failures"};
  return lines;
}

logging::throttle& registration_failures() {
  static logging::throttle lines{"failures to register a listener"};
  return lines;
}

/// The status for a client that cannot be served.
void say(net::transport& to, std::string_view why) {
  std::string frame;
  wire::append_status(frame, 0, static_cast<int>(rpc::code::resource_exhausted), why);
  const net::const_buffer piece{frame.data(), frame.size()};
  (void)to.write({&piece, 1});
}

void say_out_of_descriptors(net::transport& to) {
  say(to, "descriptors_max: the server is out of file descriptors");
}

}  // namespace

acceptor::acceptor(caf::actor_config& config, acceptor_environment environment, std::unique_ptr<net::listener> listener,
                   connection_factory factory)
    : caf::event_based_actor(config),
      shared_(std::move(environment)),
      factory_(std::move(factory)),
      listener_(std::move(listener)),
      descriptors_("descriptors_max", shared_.connections->figures) {
  if (const auto& figures = shared_.connections->figures)
    refused_ =
        figures->counters("switchboard_connections_refused_total", "Connections that were closed at once.", {"limit"})
            .with({descriptors_.name()});
}

caf::behavior acceptor::make_behavior() {
  arm();
  return {
      [this](const socket_ready&) {
        if (!closing_ && pause_ == deadline_id::none) accept_burst();
      },
      [this](const deadline_expired&) {
        pause_ = deadline_id::none;
        if (closing_) return;
        if (registration_ == registration_id::none)
          arm();
        else
          accept_burst();
      },
      [this](const close_acceptor&) { close(); },
      [this](const registration_closed&) {
        if (closing_) finish_close();
      },
  };
}

void acceptor::accept_burst() {
  for (int accepted = 0; accepted < burst; ++accepted) {
    auto transport = listener_->accept();
    if (!transport) {
      return refuse_and_pause(transport.error());
    }
    if (!*transport) break;
    take(std::move(*transport));
  }
  arm();
}

void acceptor::take(std::unique_ptr<net::transport> accepted) {
  auto& hits = *shared_.connections->hits;
  if (shared_.connections->memory->is_exhausted())
    return turn_away(*accepted, hits.memory_max, "the server has no memory for another connection");
  constexpr std::string_view full = "the server has as many connections as that allows";
  auto [place, why] = shared_.places->take_place(accepted->peer());
  if (why == open_connections::refusal::in_all) return turn_away(*accepted, hits.connections_max, full);
  if (why == open_connections::refusal::per_address)
    return turn_away(*accepted, hits.connections_per_address_max, full);
  const auto id = shared_.ids->fetch_add(1, std::memory_order_relaxed);
  auto started = factory_(*this, id, std::move(accepted), std::move(place));
  tell(*this, shared_.connections->broker, connection_opened{id, std::move(started)});
}

/// Sends a client the status that there is no place for it, and why, where that can be written at once; it is closed as `from` is
/// destroyed.
void acceptor::turn_away(net::transport& from, limit_monitor& limit, std::string_view why) {
  limit.hit(from.peer().to_string());
  if (from.handshake().outcome != net::io_outcome::done) return;
  say(from, limit.name() + ": " + std::string{why});
  (void)from.shutdown_write();
  // What it sent already is read away, so that closing does not reset the status.
  std::array<std::byte, 16 * 1024> ignored;
  (void)from.read(ignored);
}

void acceptor::refuse_and_pause(std::error_code why) {
  const auto here = listener_->local().to_string();
  if (why == errc::out_of_descriptors) {
    descriptors_.hit(here);
    for (int refused = 0; refused < refusals && listener_->refuse(say_out_of_descriptors); ++refused) refused_.add();
  } else {
    accept_failures().warn("{}: accept failed: {}", here, why.message());
  }
  go_on_later();
}

void acceptor::go_on_later() {
  pause_ = pump().schedule(pump().now() + pause, caf::strong_actor_ptr{ctrl()}, 0);
}

/// Registers the listener, or arms it again. What fails may work in a while (N17), and nothing else would try it again.
void acceptor::arm() {
  std::error_code failure;
  if (registration_ != registration_id::none) {
    failure = pump().arm(registration_, notify::interest::in);
  } else if (const auto opened =
                 pump().open(listener_->handle(), caf::strong_actor_ptr{ctrl()}, notify::interest::in)) {
    registration_ = *opened;
  } else {
    failure = opened.error();
  }
  if (!failure || failure == errc::closed) return;
  registration_failures().warn("{}: registration failed: {}", listener_->local().to_string(), failure.message());
  go_on_later();
}

void acceptor::close() {
  if (closing_) return;
  closing_ = true;
  if (pause_ != deadline_id::none) pump().cancel(pause_);
  if (registration_ == registration_id::none || pump().remove(registration_)) finish_close();
}

void acceptor::finish_close() {
  registration_ = registration_id::none;
  listener_ = nullptr;
  quit();
}

void acceptor::on_exit() {
  if (registration_ != registration_id::none) (void)pump().remove(registration_);
  tell(*this, shared_.connections->broker, acceptor_closed{id()});
}

}  // namespace switchboard::actors
