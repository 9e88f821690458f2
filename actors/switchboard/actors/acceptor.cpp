#include <caf/mailbox_element.hpp>

#include <switchboard/actors/acceptor.hpp>
#include <switchboard/logging/logging.hpp>
#include <switchboard/wire/frame_encoder.hpp>

namespace switchboard {
namespace {

logging::throttle& accept_failures() {
  static logging::throttle lines{"accept failures"};
  return lines;
}

logging::throttle& registration_failures() {
  static logging::throttle lines{"failures to register a listener"};
  return lines;
}

/// What a client that cannot be served is told.
void say_out_of_descriptors(net::transport& to) {
  std::string frame;
  wire::append_status(frame, 0, static_cast<int>(rpc::code::resource_exhausted),
                      "the server is out of file descriptors");
  const net::const_buffer piece{frame.data(), frame.size()};
  (void)to.write({&piece, 1});
}

}  // namespace

acceptor::acceptor(caf::actor_config& config, std::shared_ptr<const connection_environment> environment,
                   std::shared_ptr<std::atomic<std::uint64_t>> ids, std::unique_ptr<net::listener> listener)
    : caf::event_based_actor(config),
      environment_(std::move(environment)),
      ids_(std::move(ids)),
      listener_(std::move(listener)),
      descriptors_("descriptors", environment_->figures) {
  if (const auto& figures = environment_->figures)
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
    const auto id = ids_->fetch_add(1, std::memory_order_relaxed);
    const auto started = spawn<connection>(environment_, id, std::move(*transport));
    environment_->broker->enqueue(
        caf::make_mailbox_element(nullptr, caf::make_message_id(), {},
                                  connection_opened{id, caf::actor_cast<caf::strong_actor_ptr>(started)}),
        context());
  }
  arm();
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
  pause_ = environment_->pump->schedule(environment_->pump->now() + pause, caf::strong_actor_ptr{ctrl()}, 0);
}

/// Registers the listener, or arms it again. What fails may work in a while (N17), and nobody else would see to it.
void acceptor::arm() {
  auto& pump = *environment_->pump;
  std::error_code failure;
  if (registration_ != registration_id::none) {
    failure = pump.arm(registration_, notify::interest::in);
  } else if (const auto opened = pump.open(listener_->handle(), caf::strong_actor_ptr{ctrl()}, notify::interest::in)) {
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
  if (pause_ != deadline_id::none) environment_->pump->cancel(pause_);
  if (registration_ == registration_id::none || environment_->pump->remove(registration_)) finish_close();
}

void acceptor::finish_close() {
  registration_ = registration_id::none;
  listener_ = nullptr;
  quit();
}

void acceptor::on_exit() {
  if (registration_ != registration_id::none) (void)environment_->pump->remove(registration_);
  environment_->broker->enqueue(caf::make_mailbox_element(nullptr, caf::make_message_id(), {}, acceptor_closed{id()}),
                                context());
}

}  // namespace switchboard
