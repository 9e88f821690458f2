#pragma once

/// Writes three headers and a source for an `X.proto` with services. `X.methods.hpp` has a struct for each, with a tag a
/// method and the typed actor interface; `X.switchboard.hpp` what serves it, with the checks that a class does;
/// `X.client.hpp` its stub for clients; `X.switchboard.cpp` the handlers of its typed messages.
///
/// Why        a server compiles nothing of a client's, and the other way round; what needs CAF is compiled once, in the
///            library of the .proto file, and not by each that serves.
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
