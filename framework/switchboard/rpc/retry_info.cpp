#include <algorithm>
#include <cstdint>

#include <google/protobuf/any.pb.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/unknown_field_set.h>

#include <switchboard/rpc/retry_info.hpp>

namespace switchboard::rpc {
namespace {

constexpr int retry_delay_number = 1;
constexpr const char* type_name = "google.rpc.RetryInfo";
/// A longer delay is one of this.
constexpr std::int64_t delay_seconds_max = std::int64_t{365} * 24 * 3600;

}  // namespace

std::string retry_info(std::chrono::milliseconds delay) {
  if (delay.count() <= 0) return {};
  google::protobuf::Duration retry_delay;
  retry_delay.set_seconds(delay.count() / 1000);
  retry_delay.set_nanos(static_cast<std::int32_t>(delay.count() % 1000 * 1'000'000));
  google::protobuf::UnknownFieldSet info;
  info.AddLengthDelimited(retry_delay_number, retry_delay.SerializeAsString());
  google::protobuf::Any detail;
  detail.set_type_url(std::string("type.googleapis.com/") + type_name);
  info.SerializeToString(detail.mutable_value());
  return detail.SerializeAsString();
}

std::chrono::milliseconds retry_delay_in(const google::protobuf::Any& detail) {
  using std::chrono::milliseconds;
  google::protobuf::UnknownFieldSet info;
  if (!detail.type_url().ends_with(std::string("/") + type_name) || !info.ParseFromString(detail.value())) return {};
  google::protobuf::Duration retry_delay;
  for (int i = 0; i < info.field_count(); ++i) {
    const auto& field = info.field(i);
    if (field.number() != retry_delay_number || field.type() != google::protobuf::UnknownField::TYPE_LENGTH_DELIMITED)
      continue;
    if (!retry_delay.MergeFromString(field.length_delimited())) return {};
  }
  if (retry_delay.seconds() < 0 || retry_delay.nanos() < 0) return {};
  const auto seconds = std::min<std::int64_t>(retry_delay.seconds(), delay_seconds_max);
  return milliseconds(seconds * 1000 + (std::int64_t{retry_delay.nanos()} + 999'999) / 1'000'000);
}

}  // namespace switchboard::rpc
