#include <array>
#include <charconv>
#include <string_view>

#include <switchboard/metrics/exposition.hpp>

namespace switchboard::metrics {
namespace {

std::string in_text(double value) {
  std::array<char, 32> digits;
  const auto [end, failed] = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  return {digits.data(), end};
}

void append_escaped(std::string& to, std::string_view value) {
  for (const char each : value) {
    if (each == '\n') {
      to += "\\n";
      continue;
    }
    if (each == '\\' || each == '"') to += '\\';
    to += each;
  }
}

/// `name{label="value",…} number`; `le`, unless it is empty, is a bucket's bound.
void append_line(std::string& to, const family_reading& of, const series_reading& series, std::string_view suffix,
                 std::string_view le, const std::string& number) {
  to.append(of.name).append(suffix);
  char before = '{';
  const auto label = [&](std::string_view name, std::string_view value) {
    to.append(1, before).append(name).append("=\"");
    append_escaped(to, value);
    to += '"';
    before = ',';
  };
  for (std::size_t i = 0; i < series.labels.size(); ++i) label(of.labels[i], series.labels[i]);
  if (!le.empty()) label("le", le);
  if (before == ',') to += '}';
  to.append(1, ' ').append(number).append(1, '\n');
}

void append_histogram(std::string& to, const family_reading& of, const series_reading& series) {
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < series.buckets.size(); ++i) {
    count += series.buckets[i];
    const auto bound = i < of.bounds.size() ? in_text(of.bounds[i]) : "+Inf";
    append_line(to, of, series, "_bucket", bound, std::to_string(count));
  }
  append_line(to, of, series, "_sum", {}, in_text(series.sum));
  append_line(to, of, series, "_count", {}, std::to_string(count));
}

}  // namespace

std::string exposition(const snapshot& of) {
  std::string text;
  for (const auto& family : of.families) {
    text.append("# HELP ").append(family.name).append(1, ' ').append(family.help).append(1, '\n');
    text.append("# TYPE ").append(family.name).append(1, ' ').append(to_string(family.kind)).append(1, '\n');
    for (const auto& series : family.series) {
      if (family.kind == kind::histogram)
        append_histogram(text, family, series);
      else
        append_line(text, family, series, {}, {}, std::to_string(series.value));
    }
  }
  return text;
}

}  // namespace switchboard::metrics
