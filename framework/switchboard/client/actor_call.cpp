#include <switchboard/client/actor_call.hpp>
#include <switchboard/client/channel_actor.hpp>

namespace switchboard::client {

actor_call::actor_call(channel_actor& by, std::uint64_t number, std::shared_ptr<reply_taker> replies,
                       rpc::inbound_bytes requests)
    : channel_(by), number_(number), replies_(std::move(replies)), requests_(std::move(requests)) {
  if (requests_) requests_.attach(rpc::waker{channel_.self_ptr(), number});
}

rpc::status actor_call::on_reply(std::string_view message) {
  return replies_->take(message, channel_.context());
}

void actor_call::on_credit(std::uint32_t more) {
  if (!requests_) return;
  requests_.grant(more, 0);
  channel_.draw_requests(number_);
}

void actor_call::on_end(const rpc::status& how) {
  // Who writes the requests finds the stream ended.
  requests_ = {};
  replies_->end(how, channel_.context());
}

}  // namespace switchboard::client
