#include <caf/mailbox_element.hpp>

#include <switchboard/actors/acceptor.hpp>
#include <switchboard/actors/logging.hpp>
#include <switchboard/wire/frame_encoder.hpp>

namespace switchboard {
namespace {

logging::throttle& exhaustions() {
  static logging::throttle lines{"accept failures"};
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
      listener_(std::move(listener)) {}

caf::behavior acceptor::make_behavior() {
  const auto opened =
      environment_->pump->open(listener_->handle(), caf::strong_actor_ptr{ctrl()}, notify::interest::in);
  if (opened) {
    registration_ = *opened;
  } else {
    logging::error("{}: registration failed: {}", listener_->local().to_string(), opened.error().message());
    close();
  }
  return {
      [this](const socket_ready&) {
        if (!closing_ && pause_ == deadline_id::none) accept_burst();
      },
      [this](const deadline_expired&) {
        pause_ = deadline_id::none;
        if (!closing_) accept_burst();
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
  rearm();
}

void acceptor::refuse_and_pause(std::error_code why) {
  int refused = 0;
  if (why == errc::out_of_descriptors)
    while (refused < refusals && listener_->refuse(say_out_of_descriptors)) ++refused;
  exhaustions().warn("{}: accept failed: {}; refused {} connections", listener_->local().to_string(), why.message(),
                     refused);
  pause_ = environment_->pump->schedule(environment_->pump->now() + pause, caf::strong_actor_ptr{ctrl()}, 0);
}

void acceptor::rearm() {
  if (const auto error = environment_->pump->arm(registration_, notify::interest::in); error && error != errc::closed)
    logging::error("{}: no more connections are accepted: {}", listener_->local().to_string(), error.message());
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
