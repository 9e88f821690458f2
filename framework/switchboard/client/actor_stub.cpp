#include <caf/actor_system.hpp>
#include <caf/mailbox_element.hpp>
#include <caf/make_actor.hpp>

#include <switchboard/client/actor_stub.hpp>
#include <switchboard/client/stub_handle.hpp>

namespace switchboard::client::detail {

caf::strong_actor_ptr connect(caf::actor_system& system, std::shared_ptr<notification_pump> pump, net::endpoint to,
                              channel_options options, channel_actor::methods of_service) {
  const auto connection = caf::actor_cast<caf::strong_actor_ptr>(
      system.spawn<channel_actor>(std::move(pump), std::move(to), std::move(options), std::move(of_service)));
  caf::actor_config config;
  auto handle = caf::make_actor<stub_handle, caf::strong_actor_ptr>(system.next_actor_id(), system.node(), &system,
                                                                    config, connection);
  connection->enqueue(caf::make_mailbox_element(nullptr, caf::make_message_id(), {},
                                                begin_connecting{caf::actor_cast<caf::weak_actor_ptr>(handle)}),
                      nullptr);
  return handle;
}

}  // namespace switchboard::client::detail
