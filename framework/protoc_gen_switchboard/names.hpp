#pragma once

/// How what a .proto names is called in C++.
/// Threads    functions without state.

#include <string>
#include <string_view>

#include <google/protobuf/descriptor.h>

namespace switchboard::plugin {

/// `ListRooms` is list_rooms, `GetURL` get_url. What C++ or the generated struct itself calls by that name gets an
/// underscore at its end.
std::string function_name(std::string_view method);

/// The name of a service's struct.
std::string struct_name(const google::protobuf::ServiceDescriptor& service);

/// `a.b.v1` is a::b::v1; empty where there is no package.
std::string namespace_of(const google::protobuf::FileDescriptor& file);

/// The class protoc makes of a message, as code in `file`'s namespace names it.
std::string class_name(const google::protobuf::Descriptor& message, const google::protobuf::FileDescriptor& file);

/// `a/b.proto` with another ending.
std::string with_ending(const google::protobuf::FileDescriptor& file, std::string_view ending);

}  // namespace switchboard::plugin
