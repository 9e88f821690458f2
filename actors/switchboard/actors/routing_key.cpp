#include <google/protobuf/descriptor.h>

#include <switchboard/actors/routing_key.hpp>

namespace switchboard::actors {
namespace {

using google::protobuf::FieldDescriptor;

// developers.google.com/protocol-buffers/docs/encoding, "Message Structure".
wire::wire_type wire_type_of(FieldDescriptor::Type type) noexcept {
  switch (type) {
    case FieldDescriptor::TYPE_STRING:
    case FieldDescriptor::TYPE_BYTES:
      return wire::wire_type::length_delimited;
    case FieldDescriptor::TYPE_FIXED64:
    case FieldDescriptor::TYPE_SFIXED64:
      return wire::wire_type::fixed64;
    case FieldDescriptor::TYPE_FIXED32:
    case FieldDescriptor::TYPE_SFIXED32:
      return wire::wire_type::fixed32;
    default:
      return wire::wire_type::varint;
  }
}

}  // namespace

routing_key::routing_key(const FieldDescriptor& field) noexcept
    : type_(wire_type_of(field.type())),
      width_(width_of(field.cpp_type())),
      tag_(wire::tag_of(static_cast<std::uint32_t>(field.number()), type_)) {}

routing_key::width routing_key::width_of(int cpp_type) noexcept {
  switch (cpp_type) {
    case FieldDescriptor::CPPTYPE_BOOL:
      return width::one_bit;
    case FieldDescriptor::CPPTYPE_INT64:
    case FieldDescriptor::CPPTYPE_UINT64:
      return width::bits_64;
    default:
      return width::bits_32;
  }
}

std::uint64_t routing_key::cut(std::uint64_t number) const noexcept {
  switch (width_) {
    case width::one_bit:
      return number != 0;
    case width::bits_32:
      return static_cast<std::uint32_t>(number);
    default:
      return number;
  }
}

std::string routing_key::in(std::string_view request) const {
  wire::field_cursor fields{request};
  std::string_view text;
  std::uint64_t number = 0;
  std::uint32_t tag = 0;
  while (!fields.done() && fields.read_tag(tag)) {
    bool whole = true;
    if (tag != tag_)
      whole = fields.skip_field(tag, wire::field_cursor::depth_limit);
    else if (type_ == wire::wire_type::length_delimited)
      whole = fields.read_bytes(text);
    else if (type_ == wire::wire_type::varint)
      whole = fields.read_varint(number);
    else
      whole = fields.read_fixed(number, type_);
    if (!whole) break;
  }
  if (type_ == wire::wire_type::length_delimited) return std::string{text};
  number = cut(number);
  return number == 0 ? std::string{} : std::to_string(number);
}

}  // namespace switchboard::actors
