#include <algorithm>

#include <caf/message_handler.hpp>
#include <google/protobuf/descriptor.h>

#include <switchboard/error/invariant.hpp>
#include <switchboard/rpc/service.hpp>

namespace switchboard::rpc {
namespace {

const char* to_string(bool streams) {
  return streams ? " streams" : " does not stream";
}

bool can_be_key(const google::protobuf::FieldDescriptor& field) {
  using type = google::protobuf::FieldDescriptor::CppType;
  return !field.is_repeated() && field.cpp_type() != type::CPPTYPE_MESSAGE &&
         field.cpp_type() != type::CPPTYPE_DOUBLE && field.cpp_type() != type::CPPTYPE_FLOAT;
}

}  // namespace

service_definition::service_definition(std::string name, factory make, message_handlers add_messages)
    : name_(std::move(name)), make_(std::move(make)), add_messages_(add_messages) {}
service_definition::service_definition(const service_definition&) = default;
service_definition::service_definition(service_definition&&) noexcept = default;
service_definition& service_definition::operator=(const service_definition&) = default;
service_definition& service_definition::operator=(service_definition&&) noexcept = default;
service_definition::~service_definition() = default;

service_definition&& service_definition::per_connection() && {
  hosting_ = rpc::hosting::per_connection;
  return std::move(*this);
}

service_definition&& service_definition::per_key(std::string field) && {
  hosting_ = rpc::hosting::per_key;
  key_field_ = std::move(field);
  return std::move(*this);
}

service_definition&& service_definition::at_most(std::size_t actors) && {
  actors_max_ = actors;
  return std::move(*this);
}

void service_definition::declare_answer(std::string_view method, std::size_t bytes) {
  const auto declared = std::ranges::find(methods_, method, &method::name);
  SWITCHBOARD_INVARIANT(declared != methods_.end(),
                        "an answer was declared of a method that the service does not have");
  declared->answer_bytes_max = bytes;
}

void service_definition::add(method added) {
  methods_.push_back(std::move(added));
}

void service_definition::add(typed_handlers of_method) {
  typed_.push_back(std::move(of_method));
}

caf::message_handler service_definition::messages(service_actor* self, void* service) const {
  caf::message_handler all;
  if (add_messages_) add_messages_(service, all);
  for (const auto& each : typed_) each(self, service, all);
  return all;
}

std::string service_definition::check() const {
  const auto* described = google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(name_);
  if (!described) return "no linked .proto has a service " + name_;
  for (const auto& each : methods_) {
    const auto short_name = each.name.substr(name_.size() + 1);
    const auto* in_proto = described->FindMethodByName(short_name);
    if (!in_proto) return name_ + " has no method " + short_name;
    if (in_proto->client_streaming() != streams_requests(each.kind))
      return each.name + to_string(in_proto->client_streaming()) + " its requests";
    if (in_proto->server_streaming() != streams_replies(each.kind))
      return each.name + to_string(in_proto->server_streaming()) + " its replies";
    if (in_proto->input_type() != each.request->GetDescriptor())
      return each.name + " takes " + in_proto->input_type()->full_name() + ", not " + each.request->GetTypeName();
    if (in_proto->output_type() != each.reply->GetDescriptor())
      return each.name + " returns " + in_proto->output_type()->full_name() + ", not " + each.reply->GetTypeName();
    if (hosting_ != rpc::hosting::per_key) continue;
    if (streams_requests(each.kind)) return each.name + " streams its requests, so it has no key to be hosted by";
    const auto* field = in_proto->input_type()->FindFieldByName(key_field_);
    if (!field) return each.name + " is to be hosted by " + key_field_ + ", which its request does not have";
    if (!can_be_key(*field)) return each.name + " cannot be hosted by " + key_field_ + ", which is no single value";
  }
  for (int i = 0; i < described->method_count(); ++i) {
    const auto wanted = name_ + "/" + described->method(i)->name();
    std::size_t found = 0;
    for (const auto& each : methods_) found += each.name == wanted;
    if (found != 1) return wanted + (found == 0 ? " is not served" : " is served twice");
  }
  return {};
}

void refuse_malformed(call_handle& call, const google::protobuf::Message& request) {
  call.fail(code::invalid_argument, "the request is not a " + request.GetTypeName());
}

}  // namespace switchboard::rpc
