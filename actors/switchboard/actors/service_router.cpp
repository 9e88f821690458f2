#include <algorithm>
#include <iterator>
#include <optional>
#include <vector>

#include <caf/actor_cast.hpp>
#include <caf/exit_reason.hpp>
#include <caf/mailbox_element.hpp>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <switchboard/actors/service_host.hpp>
#include <switchboard/actors/service_router.hpp>
#include <switchboard/logging/logging.hpp>

namespace switchboard {
namespace {

using google::protobuf::internal::WireFormatLite;

/// The value of a field at the top of a serialized message, as text that differs where values do; the last one counts,
/// as in parsing. Empty where the field is not there. Nothing for bytes that are no message.
std::optional<std::string> key_in(std::string_view request, const google::protobuf::FieldDescriptor& field) {
  google::protobuf::io::CodedInputStream input{reinterpret_cast<const std::uint8_t*>(request.data()),
                                               static_cast<int>(request.size())};
  std::string key;
  const auto wire_type = WireFormatLite::WireTypeForFieldType(static_cast<WireFormatLite::FieldType>(field.type()));
  const auto wanted = WireFormatLite::MakeTag(field.number(), wire_type);
  while (const auto tag = input.ReadTag()) {
    if (tag != wanted) {
      if (!WireFormatLite::SkipField(&input, tag)) return std::nullopt;
      continue;
    }
    std::uint64_t number = 0;
    std::uint32_t size = 0;
    std::uint32_t fixed = 0;
    switch (wire_type) {
      case WireFormatLite::WIRETYPE_LENGTH_DELIMITED:
        if (!input.ReadVarint32(&size) || !input.ReadString(&key, static_cast<int>(size))) return std::nullopt;
        continue;
      case WireFormatLite::WIRETYPE_VARINT:
        if (!input.ReadVarint64(&number)) return std::nullopt;
        break;
      case WireFormatLite::WIRETYPE_FIXED64:
        if (!input.ReadLittleEndian64(&number)) return std::nullopt;
        break;
      case WireFormatLite::WIRETYPE_FIXED32:
        if (!input.ReadLittleEndian32(&fixed)) return std::nullopt;
        number = fixed;
        break;
      default:
        return std::nullopt;
    }
    // Zero is the value of a field that is not there.
    key = number == 0 ? std::string{} : std::to_string(number);
  }
  if (!input.ConsumedEntireMessage()) return std::nullopt;
  return key;
}

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
  return {
      [this](rpc::calls& calls) { on_calls(calls); },
      [this](const rpc::resume_calls& resumed) {
        // Who held calls back asked to be told itself; this came because the connection knows the service by us.
        for (const auto& [key, actor] : actors_) tell(actor, resumed);
      },
      [this](rpc::passed_end_notice& notice) { pass_on(notice); },
  };
}

template <class Message>
void service_router::tell(const caf::strong_actor_ptr& whom, Message message) {
  whom->enqueue(caf::make_mailbox_element(nullptr, caf::make_message_id(), {}, std::move(message)), context());
}

void service_router::on_calls(rpc::calls& calls) {
  // While stopping they answer UNAVAILABLE as they are let go.
  if (stopping_) return;
  if (definition_->hosting() == rpc::hosting::per_connection)
    route_by_connection(calls);
  else
    route_by_key(calls);
}

void service_router::pass_on(rpc::passed_end_notice& notice) {
  // A key's actor may hold back calls; which it is, the notice does not say.
  const auto actor = definition_->hosting() == rpc::hosting::per_connection
                         ? actors_.find(std::to_string(notice->what().caller))
                         : actors_.end();
  if (actor != actors_.end())
    tell(actor->second, std::move(notice));
  else
    notice->deliver(context());
}

void service_router::route_by_connection(rpc::calls& calls) {
  const auto& from = calls->from();
  const auto key = std::to_string(from->id);
  const auto actor = actor_of(key, [&] {
    monitor(caf::actor_cast<caf::actor>(from->connection));
    keys_.emplace(from->connection->id(), key);
    return true;
  });
  if (actor) return tell(actor, std::move(calls));
  const rpc::answer_collector together{context()};
  calls->take_each([this](const rpc::method&, rpc::incoming_call& call) {
    call.handle.fail(rpc::code::resource_exhausted,
                     "there are " + std::to_string(definition_->actors_max()) + " of this service's actors already");
  });
}

void service_router::route_by_key(rpc::calls& calls) {
  struct parcel {
    caf::strong_actor_ptr to;
    rpc::call_batch calls;
  };
  std::vector<parcel> parcels;
  const rpc::answer_collector together{context()};
  calls->take_each([&](const rpc::method& method, rpc::incoming_call& call) {
    const auto malformed = [&] { rpc::refuse_malformed(call.handle, *method.request); };
    const auto* field = method.request->GetDescriptor()->FindFieldByName(definition_->key_field());
    const auto key = key_in(call.request, *field);
    if (!key) return malformed();
    bool parses = true;
    const auto actor = actor_of(*key, [&] { return parses = parses_as(*method.request, call.request); });
    if (!parses) return malformed();
    if (!actor)
      return call.handle.fail(rpc::code::resource_exhausted, "there are " + std::to_string(definition_->actors_max()) +
                                                                 " of this service's actors already");
    auto parcel = std::find_if(parcels.begin(), parcels.end(), [&](const auto& each) { return each.to == actor; });
    if (parcel == parcels.end()) {
      parcels.push_back({actor, rpc::call_batch{calls->from(), call.request.size()}});
      parcel = std::prev(parcels.end());
    }
    parcel->calls.pass_on(std::move(call));
  });
  for (auto& each : parcels) tell(each.to, rpc::calls{std::move(each.calls)});
}

caf::strong_actor_ptr service_router::actor_of(const std::string& key, const std::function<bool()>& make) {
  if (const auto found = actors_.find(key); found != actors_.end()) return found->second;
  if (actors_.size() >= definition_->actors_max() || !make()) return nullptr;
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

/// Behind what it has been sent, so not as urgent as exits otherwise are.
void service_router::end(const caf::strong_actor_ptr& actor) {
  tell(actor, caf::exit_msg{address(), caf::exit_reason::user_shutdown});
}

void service_router::stop() {
  if (std::exchange(stopping_, true)) return;
  for (const auto& [key, actor] : actors_) end(actor);
  if (actors_.empty()) quit();
}

void service_router::on_exit() {
  actors_.clear();
}

}  // namespace switchboard
