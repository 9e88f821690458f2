#pragma once

/// The field of a method's requests that says which of a service's actors gets a call, where each key has its own
/// (rpc::service_definition::per_key).
///
/// Why        a connection reads it out of the serialized request, so that a call is put into its key's batch at once and
///            no request is parsed or copied to find its actor.
/// Threads    any; immutable.
/// Errors     none: bytes that are no message have some key, and its actor, or the router, refuses them.

#include <cstdint>
#include <string>
#include <string_view>

#include <switchboard/wire/field_cursor.hpp>

namespace google::protobuf {
class FieldDescriptor;
}

namespace switchboard::actors {

class routing_key {
public:
  /// @pre a single field of a scalar type that is no floating-point number
  explicit routing_key(const google::protobuf::FieldDescriptor& field) noexcept;

  /// The field's value in a serialized request: a string's bytes, a number in decimal (of a negative one that of its bits).
  /// Empty where it is absent, zero or false. As in parsing, the last value counts, numbers are cut to the width of the
  /// field's type, and a field of that number with another wire type is unknown.
  std::string in(std::string_view request) const;

private:
  enum class width : unsigned char { one_bit, bits_32, bits_64 };

  static width width_of(int cpp_type) noexcept;
  std::uint64_t cut(std::uint64_t number) const noexcept;

  const wire::wire_type type_;
  const width width_;
  const std::uint32_t tag_;
};

}  // namespace switchboard::actors
