#include <caf/mailbox_element.hpp>

#include <switchboard/client/channel_actor.hpp>
#include <switchboard/client/stub_handle.hpp>
#include <switchboard/rpc/caf_error.hpp>
#include <switchboard/rpc/inheritance.hpp>

namespace switchboard::client {
namespace {

template <class Message>
void tell(const caf::strong_actor_ptr& channel, Message message) {
  channel->enqueue(caf::make_mailbox_element(nullptr, caf::make_message_id(), {}, std::move(message)), nullptr);
}

}  // namespace

stub_handle::stub_handle(caf::actor_config& config, caf::strong_actor_ptr channel)
    : caf::monitorable_actor(config), channel_(std::move(channel)) {}

void stub_handle::enqueue(caf::mailbox_element_ptr what, caf::execution_unit* context) {
  if (handle_system_message(*what, context, false)) return;
  const auto until = rpc::current_deadline();
  if (until != rpc::time_point::max() || rpc::has_current_metadata())
    what = caf::make_mailbox_element(std::move(what->sender), what->mid, std::move(what->stages),
                                     inherited{until, rpc::current_metadata(), what->move_content_to_message()});
  channel_->enqueue(std::move(what), context);
}

void stub_handle::on_cleanup(const caf::error& reason) {
  auto why = rpc::to_status(reason);
  if (why.code != rpc::code::unavailable) why = {rpc::code::unavailable, std::move(why.message)};
  tell(channel_, shut_down{std::move(why)});
}

void stub_handle::on_destroy() {
  tell(channel_, shut_down{{rpc::code::unavailable, "the last handle of the stub is gone"}});
  cleanup(caf::exit_reason::unreachable, nullptr);
  tell(channel_, abandoned{});
  caf::monitorable_actor::on_destroy();
}

}  // namespace switchboard::client
