#pragma once

/// Reads JSON in tests, with protobuf's parser.
///
/// Why        by reflection, which the library has compiled: a MapField has one member more where a program is compiled with thread
///            sanitizer (google/protobuf/map_field.h), and Debian's library is not.
/// Threads    free functions.

#include <string>
#include <string_view>

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

namespace switchboard::bench {

inline google::protobuf::Struct read_json(const std::string& text) {
  google::protobuf::Struct object;
  const auto status = google::protobuf::util::JsonStringToMessage(text, &object);
  EXPECT_TRUE(status.ok()) << status.ToString() << text;
  return object;
}

/// A null, and a failure, where there is none of that name.
inline const google::protobuf::Value& member(const google::protobuf::Struct& of, std::string_view name) {
  const auto* const fields = of.GetDescriptor()->FindFieldByNumber(google::protobuf::Struct::kFieldsFieldNumber);
  const auto* const entry = fields->message_type();
  for (int each = 0; each < of.GetReflection()->FieldSize(of, fields); ++each) {
    const auto& found = of.GetReflection()->GetRepeatedMessage(of, fields, each);
    if (found.GetReflection()->GetString(found, entry->map_key()) == name)
      return static_cast<const google::protobuf::Value&>(found.GetReflection()->GetMessage(found, entry->map_value()));
  }
  ADD_FAILURE() << "no member " << name;
  return google::protobuf::Value::default_instance();
}

/// Of an object in an object.
inline const google::protobuf::Value& member(const google::protobuf::Value& of, std::string_view name) {
  return member(of.struct_value(), name);
}

}  // namespace switchboard::bench
