#include <google/protobuf/descriptor.h>

#include <switchboard/rpc/service.hpp>

namespace switchboard::rpc {

std::string service_definition::check() const {
  const auto* described = google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(name_);
  if (!described) return "no linked .proto has a service " + name_;
  for (const auto& each : methods_) {
    const auto short_name = each.name.substr(name_.size() + 1);
    const auto* in_proto = described->FindMethodByName(short_name);
    if (!in_proto) return name_ + " has no method " + short_name;
    if (in_proto->client_streaming()) return each.name + " streams requests, which is not served yet";
    if (in_proto->server_streaming() != each.server_streaming)
      return each.name + (each.server_streaming ? " does not stream its replies" : " streams its replies");
    if (in_proto->input_type() != each.request->GetDescriptor())
      return each.name + " takes " + in_proto->input_type()->full_name() + ", not " + each.request->GetTypeName();
    if (in_proto->output_type() != each.reply->GetDescriptor())
      return each.name + " returns " + in_proto->output_type()->full_name() + ", not " + each.reply->GetTypeName();
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
