#include <google/protobuf/descriptor.h>

#include <switchboard/rpc/method.hpp>

namespace switchboard::rpc {

const google::protobuf::MethodDescriptor* method::descriptor() const {
  const auto slash = name.find('/');
  const auto* service = google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(name.substr(0, slash));
  return service ? service->FindMethodByName(name.substr(slash + 1)) : nullptr;
}

}  // namespace switchboard::rpc
