#include <caf/actor_system.hpp>
#include <caf/mailbox_element.hpp>
#include <caf/make_actor.hpp>

#include <switchboard/client/remote.hpp>
#include <switchboard/client/remote_handle.hpp>

namespace switchboard::client::detail {

caf::strong_actor_ptr connect(caf::actor_system& system, std::shared_ptr<notification_pump> pump, net::endpoint to,
                              remote_options options, remote_connection::methods of_service) {
  const auto connection = caf::actor_cast<caf::strong_actor_ptr>(
      system.spawn<remote_connection>(std::move(pump), std::move(to), std::move(options), std::move(of_service)));
  caf::actor_config config;
  auto handle = caf::make_actor<remote_handle, caf::strong_actor_ptr>(system.next_actor_id(), system.node(), &system,
                                                                      config, connection);
  connection->enqueue(caf::make_mailbox_element(nullptr, caf::make_message_id(), {},
                                                begin_connecting{caf::actor_cast<caf::weak_actor_ptr>(handle)}),
                      nullptr);
  return handle;
}

}  // namespace switchboard::client::detail
