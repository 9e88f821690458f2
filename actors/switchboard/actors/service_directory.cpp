#include <set>

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>

#include <switchboard/actors/built_in_services.hpp>
#include <switchboard/actors/service_directory.hpp>
#include <switchboard/v1/services.pb.h>

namespace switchboard::actors {
namespace {

/// Adds `file` after everything it imports.
void add_file(const google::protobuf::FileDescriptor* file, std::set<const google::protobuf::FileDescriptor*>& seen,
              google::protobuf::FileDescriptorSet& files) {
  if (!seen.insert(file).second) return;
  for (int i = 0; i < file->dependency_count(); ++i) add_file(file->dependency(i), seen, files);
  file->CopyTo(files.add_file());
}

}  // namespace

service_directory::service_directory() : built_in_(built_in_services(*this)) {
  for (const auto& each : built_in_) {
    const auto& name = each.method.name;
    auto& entry = methods_[name];
    entry.method = &each.method;
    entry.built_in = each.answers.get();
    entry.flags = each.flags;
    names_.insert(name.substr(0, name.find('/')));
  }
}

std::string service_directory::add(rpc::service_definition definition) {
  if (auto wrong = definition.check(); !wrong.empty()) return wrong;
  if (serves(definition.name())) return definition.name() + " is served already";
  auto& route = routes_.emplace_back(std::move(definition));
  const bool per_key = route.definition().hosting() == rpc::hosting::per_key;
  for (const auto& method : route.definition().methods()) {
    auto& entry = methods_[method.name];
    entry.method = &method;
    entry.route = &route;
    entry.answer_bytes_max = method.answer_bytes_max;
    if (per_key) entry.key.emplace(*method.request->GetDescriptor()->FindFieldByName(route.definition().key_field()));
  }
  names_.insert(route.definition().name());
  return {};
}

void service_directory::seal(const std::shared_ptr<metrics::registry>& figures) {
  unserved_ = {figures, rpc::call_metrics::unserved};
  for (auto& [name, entry] : methods_) entry.figures = {figures, name};
  // Generated code registers its files when first used; naming a message makes sure that these are.
  v1::HealthRequest::descriptor();
  v1::DescribeReply reply;
  std::set<const google::protobuf::FileDescriptor*> seen;
  for (const auto& name : names_) {
    reply.add_services(name);
    if (const auto* service = google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(name))
      add_file(service->file(), seen, *reply.mutable_files());
  }
  description_ = reply.SerializeAsString();
  methods_.at("switchboard.v1.Reflection/Describe").answer_bytes_max = description_.size();
}

const method_entry* service_directory::find(std::string_view method) const {
  const auto found = methods_.find(method);
  return found == methods_.end() ? nullptr : &found->second;
}

bool service_directory::serves(std::string_view service) const {
  return service.empty() || names_.contains(service);
}

}  // namespace switchboard::actors
