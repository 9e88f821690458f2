#pragma once

/// A server's services and messages, from its own reflection, without any .proto at hand.
///
/// Threads    one.
/// Owns       the descriptors and the message factory; messages made from them must not outlive it.
/// Errors     a status: the server's own, or that its descriptors are inconsistent.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <google/protobuf/descriptor.h>
#include <google/protobuf/dynamic_message.h>

#include <switchboard/client/channel.hpp>
#include <switchboard/rpc/result.hpp>

namespace switchboard::call {

class remote_schema {
public:
  /// Asks switchboard.v1.Reflection.
  static rpc::result<std::unique_ptr<remote_schema>> of(client::channel& server, client::deadline until);

  /// Full names, ascending.
  const std::vector<std::string>& services() const noexcept { return services_; }
  /// By full name, or by the end of it (`Echo`, `v1.Echo`) where one service alone ends so.
  rpc::result<const google::protobuf::ServiceDescriptor*> service(std::string_view name) const;
  /// `Service/Method`, the service as above.
  rpc::result<const google::protobuf::MethodDescriptor*> method(std::string_view name) const;
  std::unique_ptr<google::protobuf::Message> new_message(const google::protobuf::Descriptor& type);

private:
  google::protobuf::DescriptorPool pool_;
  google::protobuf::DynamicMessageFactory factory_{&pool_};
  std::vector<std::string> services_;
};

/// A service as text of a .proto: its methods, and the messages and enums they need that are not protobuf's own.
std::string to_proto(const google::protobuf::ServiceDescriptor& service);

}  // namespace switchboard::call
