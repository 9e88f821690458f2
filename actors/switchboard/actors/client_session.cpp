#include <utility>

#include <switchboard/actors/client_session.hpp>
#include <switchboard/actors/tell.hpp>

namespace switchboard::actors {

client_session::client_session(caf::event_based_actor& connection, const link::frame_link& over,
                               const connection_environment& environment, std::uint64_t id)
    : connection_(connection),
      link_(over),
      environment_(environment),
      id_(id),
      clock_(*environment.pump),
      authenticated_(!environment.authenticate) {}

const std::shared_ptr<const rpc::caller>& client_session::caller() {
  if (!caller_) {
    const auto& bounds = environment_.limits.link;
    caller_ = std::make_shared<const rpc::caller>(rpc::caller{
        id_, caf::strong_actor_ptr{connection_.ctrl()}, link_.transport().peer().to_string(), identity_,
        bounds.frame_bytes_max, std::make_shared<rpc::allowance>(environment_.limits.connection_memory_max)});
  }
  return caller_;
}

rpc::result<std::string> client_session::authenticate(const std::string& token) {
  if (!environment_.authenticate) return std::string{};
  auto identity = environment_.authenticate(token, link_.transport().peer().to_string());
  if (!identity) return rpc::status{rpc::code::unauthenticated, identity.status().message};
  authenticated_ = true;
  identity_ = *identity;
  // Calls that are open keep the caller they were opened with.
  if (caller_) {
    auto renamed = *caller_;
    renamed.identity = identity_;
    caller_ = std::make_shared<const rpc::caller>(std::move(renamed));
  }
  return identity;
}

void client_session::close() {
  if (!caller_) return;
  caller_->allowance->close();
  resume_services();
}

/// Notifies the services that hold back calls of this client that it takes replies again.
void client_session::resume_services() {
  for (const auto& host : caller_->allowance->take_waiting()) tell(connection_, host, rpc::resume_calls{id_});
}

}  // namespace switchboard::actors
