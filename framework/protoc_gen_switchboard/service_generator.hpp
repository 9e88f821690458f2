#pragma once

/// Writes `X.switchboard.hpp` for an `X.proto` with services: for each a struct with a tag a method, the typed actor
/// interface, the checks that a class serves it, and a blocking client.
///
/// Threads    as protoc calls it: one.
/// Errors     what cannot be generated is said with the file, the service and the method. Files without services give
///            nothing.

#include <google/protobuf/compiler/code_generator.h>

namespace switchboard::plugin {

class service_generator final : public google::protobuf::compiler::CodeGenerator {
public:
  bool Generate(const google::protobuf::FileDescriptor* file, const std::string& parameter,
                google::protobuf::compiler::GeneratorContext* context, std::string* error) const override;
  std::uint64_t GetSupportedFeatures() const override { return FEATURE_PROTO3_OPTIONAL; }
};

}  // namespace switchboard::plugin
