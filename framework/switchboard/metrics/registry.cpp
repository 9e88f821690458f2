#include <algorithm>
#include <limits>
#include <utility>

#include <switchboard/error/invariant.hpp>
#include <switchboard/metrics/registry.hpp>

namespace switchboard::metrics {

struct family_record {
  std::string help;
  metrics::kind kind;
  const buckets* of;  ///< null unless a histogram
  std::vector<std::string> labels;
  std::map<std::vector<std::string>, cell*> rows;  ///< by label values
};

namespace {

constexpr double nanoseconds_per_second = 1e9;

bool is_word(std::string_view name) noexcept {
  const auto is_letter = [](char c) { return c >= 'a' && c <= 'z'; };
  return !name.empty() && is_letter(name.front()) &&
         std::ranges::all_of(name, [&](char c) { return is_letter(c) || (c >= '0' && c <= '9') || c == '_'; });
}

/// The unit that a name ends with.
unit unit_of(std::string_view name) noexcept {
  constexpr std::string_view total = "_total";
  if (name.ends_with(total)) name.remove_suffix(total.size());
  if (name.ends_with("_seconds")) return unit::seconds;
  return name.ends_with("_bytes") ? unit::bytes : unit::none;
}

void check_names(std::string_view name, std::string_view help, kind what, const buckets* of, label_list labels) {
  SWITCHBOARD_INVARIANT(is_word(name), "a figure's name is lower-case letters, digits and underscores");
  SWITCHBOARD_INVARIANT(name.ends_with("_total") == (what == kind::counter),
                        "counters' names, and only theirs, end in _total");
  SWITCHBOARD_INVARIANT(!help.empty(), "a figure without a sentence that says what it is");
  for (const auto label : labels)
    SWITCHBOARD_INVARIANT(is_word(label) && label != "le", "a label's name is a word, and not the buckets' own");
  if (of == nullptr) return;
  SWITCHBOARD_INVARIANT(of->measured_in == unit_of(name), "a histogram's name ends in the unit of its buckets");
  SWITCHBOARD_INVARIANT(!of->bounds.empty() && of->bounds.size() <= buckets_max && std::ranges::is_sorted(of->bounds),
                        "a histogram's bounds ascend, and are at most buckets_max");
}

/// Recorded steps in the unit.
double in_unit(std::uint64_t steps, unit of) noexcept {
  return static_cast<double>(steps) / (of == unit::seconds ? nanoseconds_per_second : 1);
}

series_reading read_series(const family_record& from, unit of, const std::vector<std::string>& labels,
                           const cell* row) {
  series_reading read{.labels = labels};
  if (from.of == nullptr) {
    read.value = static_cast<std::int64_t>(sum(row));
    return read;
  }
  read.sum = in_unit(sum(row), of);
  for (std::size_t bucket = 1; bucket != histogram::rows(*from.of); ++bucket) {
    read.buckets.push_back(sum(row + bucket));
    read.value += static_cast<std::int64_t>(read.buckets.back());
  }
  return read;
}

}  // namespace

registry::registry() = default;
registry::~registry() = default;

family<counter> registry::counters(std::string_view name, std::string_view help, label_list labels) {
  return {*this, enter(name, help, kind::counter, nullptr, labels)};
}

family<gauge> registry::gauges(std::string_view name, std::string_view help, label_list labels) {
  return {*this, enter(name, help, kind::gauge, nullptr, labels)};
}

family<histogram> registry::histograms(std::string_view name, std::string_view help, const buckets& of,
                                       label_list labels) {
  return {*this, enter(name, help, kind::histogram, &of, labels)};
}

family_record& registry::enter(std::string_view name, std::string_view help, kind what, const buckets* of,
                               label_list labels) {
  check_names(name, help, what, of, labels);
  const std::lock_guard lock{mutex_};
  auto found = families_.find(name);
  if (found == families_.end()) {
    auto made =
        std::make_unique<family_record>(family_record{std::string(help), what, of, {labels.begin(), labels.end()}, {}});
    found = families_.emplace(name, std::move(made)).first;
  }
  const auto& known = *found->second;
  SWITCHBOARD_INVARIANT(
      known.kind == what && known.of == of && known.help == help && std::ranges::equal(known.labels, labels),
      "one name for two different figures");
  return *found->second;
}

cell* registry::row_of(family_record& record, std::span<const std::string_view> values) {
  SWITCHBOARD_INVARIANT(values.size() == record.labels.size(), "a value for each label");
  const std::lock_guard lock{mutex_};
  std::vector<std::string> key{values.begin(), values.end()};
  if (const auto known = record.rows.find(key); known != record.rows.end()) return known->second;
  if (record.rows.size() >= series_max) key.assign(values.size(), std::string(label_beyond_limit));
  auto& row = record.rows[std::move(key)];
  if (row == nullptr) row = take_rows(record.of == nullptr ? 1 : histogram::rows(*record.of));
  return row;
}

cell* registry::take_rows(std::size_t count) {
  if (!blocks_.empty())
    if (auto* const rows = blocks_.back()->take(count)) return rows;
  return blocks_.emplace_back(std::make_unique<cell_block>())->take(count);
}

const buckets& registry::buckets_of(const family_record& record) noexcept {
  return *record.of;
}

snapshot registry::read() const {
  snapshot all;
  const std::lock_guard lock{mutex_};
  for (const auto& [name, from] : families_) {
    auto& read = all.families.emplace_back(family_reading{
        .name = name, .help = from->help, .kind = from->kind, .unit = unit_of(name), .labels = from->labels});
    if (from->of != nullptr) {
      read.buckets = from->of->name;
      for (const auto bound : from->of->bounds) read.bounds.push_back(in_unit(bound, read.unit));
    }
    for (const auto& [labels, row] : from->rows) read.series.push_back(read_series(*from, read.unit, labels, row));
  }
  return all;
}

}  // namespace switchboard::metrics
