#include <algorithm>

#include <switchboard/metrics/snapshot.hpp>

namespace switchboard::metrics {

std::string_view to_string(kind of) noexcept {
  switch (of) {
    case kind::counter:
      return "counter";
    case kind::gauge:
      return "gauge";
    case kind::histogram:
      return "histogram";
  }
  return "untyped";
}

const family_reading* snapshot::find(std::string_view family) const noexcept {
  const auto found = std::ranges::lower_bound(families, family, {}, &family_reading::name);
  return found == families.end() || found->name != family ? nullptr : &*found;
}

const series_reading* snapshot::find(std::string_view family,
                                     std::initializer_list<std::string_view> labels) const noexcept {
  const auto* const of = find(family);
  if (of == nullptr) return nullptr;
  const auto found = std::ranges::find_if(
      of->series, [&](const series_reading& each) { return std::ranges::equal(each.labels, labels); });
  return found == of->series.end() ? nullptr : &*found;
}

std::int64_t snapshot::value(std::string_view family, std::initializer_list<std::string_view> labels) const noexcept {
  const auto* const found = find(family, labels);
  return found == nullptr ? 0 : found->value;
}

std::int64_t snapshot::total(std::string_view family) const noexcept {
  const auto* const of = find(family);
  std::int64_t all = 0;
  if (of != nullptr)
    for (const auto& each : of->series) all += each.value;
  return all;
}

}  // namespace switchboard::metrics
