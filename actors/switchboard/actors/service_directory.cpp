#include <algorithm>
#include <set>

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>

#include <switchboard/actors/service_directory.hpp>
#include <switchboard/v1/services.pb.h>

namespace switchboard {
namespace {

constexpr std::string_view health = "switchboard.v1.Health";
constexpr std::string_view session = "switchboard.v1.Session";
constexpr std::string_view reflection = "switchboard.v1.Reflection";

/// Adds `file` behind everything it imports.
void add_file(const google::protobuf::FileDescriptor* file, std::set<const google::protobuf::FileDescriptor*>& seen,
              google::protobuf::FileDescriptorSet& files) {
  if (!seen.insert(file).second) return;
  for (int i = 0; i < file->dependency_count(); ++i) add_file(file->dependency(i), seen, files);
  file->CopyTo(files.add_file());
}

}  // namespace

service_directory::service_directory() {
  built_in_ = {std::string(health), std::string(reflection), std::string(session)};
  methods_ = {{"switchboard.v1.Health/Check", {answered_by::health_check}},
              {"switchboard.v1.Session/Ping", {answered_by::ping}},
              {"switchboard.v1.Session/Authenticate", {answered_by::authenticate}},
              {"switchboard.v1.Reflection/Describe", {answered_by::describe}}};
}

std::string service_directory::add(rpc::service_definition definition) {
  if (auto wrong = definition.check(); !wrong.empty()) return wrong;
  if (serves(definition.name())) return definition.name() + " is served already";
  auto& route = routes_.emplace_back(std::move(definition));
  for (const auto& method : route.definition().methods())
    methods_[method.name] = {answered_by::service, &method, &route};
  return {};
}

void service_directory::seal() {
  std::vector<std::string> names = built_in_;
  for (const auto& route : routes_) names.push_back(route.definition().name());
  std::sort(names.begin(), names.end());
  // Generated code registers its files when first used; naming a message makes sure that these are.
  v1::HealthRequest::descriptor();
  v1::DescribeReply reply;
  std::set<const google::protobuf::FileDescriptor*> seen;
  for (const auto& name : names) {
    reply.add_services(name);
    if (const auto* service = google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(name))
      add_file(service->file(), seen, *reply.mutable_files());
  }
  description_ = reply.SerializeAsString();
}

const method_entry* service_directory::find(std::string_view method) const {
  const auto found = methods_.find(method);
  return found == methods_.end() ? nullptr : &found->second;
}

bool service_directory::serves(std::string_view service) const {
  if (service.empty() || std::find(built_in_.begin(), built_in_.end(), service) != built_in_.end()) return true;
  return std::any_of(routes_.begin(), routes_.end(),
                     [&](const auto& route) { return route.definition().name() == service; });
}

}  // namespace switchboard
