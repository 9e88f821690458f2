#include <utility>

#include <caf/actor_cast.hpp>
#include <caf/exit_reason.hpp>

#include <switchboard/actors/service_host.hpp>
#include <switchboard/actors/service_router.hpp>
#include <switchboard/actors/tell.hpp>
#include <switchboard/logging/logging.hpp>
#include <switchboard/rpc/allowance.hpp>
#include <switchboard/rpc/turn.hpp>

namespace switchboard::actors {
namespace {

bool parses_as(const google::protobuf::Message& prototype, std::string_view bytes) {
  const std::unique_ptr<google::protobuf::Message> message{prototype.New()};
  return message->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

}  // namespace

service_router::service_router(caf::actor_config& config, std::shared_ptr<notification_pump> pump,
                               std::shared_ptr<const rpc::service_definition> definition)
    : caf::event_based_actor(config), pump_(std::move(pump)), definition_(std::move(definition)) {
  set_down_handler([this](caf::down_msg& down) { on_down(down); });
  set_exit_handler([this](caf::exit_msg&) { stop(); });
}

caf::behavior service_router::make_behavior() {
  return {[this](rpc::calls& calls) { on_calls(calls); }};
}

void service_router::on_calls(rpc::calls& calls) {
  // Batches that go nowhere answer UNAVAILABLE and deliver their notices as they are destroyed.
  if (stopping_) return;
  const rpc::turn turn{this};
  // Ends alone make no actor: the calls that they come after ended with the actor they were sent to.
  if (const auto actor =
          definition_->hosting() == rpc::hosting::per_connection ? actor_of_connection(*calls) : actor_of_key(*calls))
    return tell(*this, actor, std::move(calls));
  calls->take_each([this](const rpc::method&, rpc::incoming_call& call) {
    call.handle.fail(
        rpc::code::resource_exhausted,
        "actors_max: there are " + std::to_string(definition_->actors_max()) + " of this service's actors already");
  });
}

caf::strong_actor_ptr service_router::actor_of_connection(const rpc::call_batch& calls) {
  const auto& from = *calls.from();
  const auto key = std::to_string(from.id);
  if (const auto known = find(key)) return known;
  const auto made = calls.size() > 0 ? make(key) : nullptr;
  if (!made) return nullptr;
  monitor(caf::actor_cast<caf::actor>(from.connection.strong()));
  keys_.emplace(from.connection->id(), key);
  return made;
}

caf::strong_actor_ptr service_router::actor_of_key(rpc::call_batch& calls) {
  if (const auto known = find(calls.key())) return known;
  // A request that is not what its method takes makes no actor.
  while (calls.size() > 0 && !parses_as(*calls.next_method().request, calls.next_request())) {
    const auto& method = calls.next_method();
    auto call = calls.take();
    rpc::refuse_malformed(call.handle, *method.request);
  }
  return calls.size() > 0 ? make(calls.key()) : nullptr;
}

caf::strong_actor_ptr service_router::find(const std::string& key) const {
  const auto found = actors_.find(key);
  return found == actors_.end() ? nullptr : found->second;
}

caf::strong_actor_ptr service_router::make(const std::string& key) {
  if (actors_.size() >= definition_->actors_max()) return nullptr;
  const auto actor = spawn<service_host>(pump_, definition_);
  monitor(actor);
  keys_.emplace(actor.id(), key);
  return actors_.emplace(key, caf::actor_cast<caf::strong_actor_ptr>(actor)).first->second;
}

void service_router::on_down(const caf::down_msg& down) {
  const auto known = keys_.find(down.source.id());
  if (known == keys_.end()) return;
  const auto key = std::move(known->second);
  keys_.erase(known);
  const auto found = actors_.find(key);
  if (found == actors_.end()) return;
  if (found->second->id() != down.source.id()) {
    // The connection of an actor.
    end(found->second);
    return;
  }
  actors_.erase(found);
  if (down.reason && down.reason != caf::exit_reason::user_shutdown)
    logging::error("{}: the actor of {} died ({})", definition_->name(), key.empty() ? "the empty key" : key,
                   caf::to_string(down.reason));
  if (stopping_ && actors_.empty()) quit();
}

/// After what it has been sent, so not as urgent as exits otherwise are.
void service_router::end(const caf::strong_actor_ptr& actor) {
  tell(*this, actor, caf::exit_msg{address(), caf::exit_reason::user_shutdown});
}

void service_router::stop() {
  if (std::exchange(stopping_, true)) return;
  for (const auto& [key, actor] : actors_) end(actor);
  if (actors_.empty()) quit();
}

void service_router::on_exit() {
  actors_.clear();
}

}  // namespace switchboard::actors
