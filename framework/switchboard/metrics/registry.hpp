#pragma once

/// A program's figures, by name: registered here once, counted without it.
///
///     const auto figures = std::make_shared<metrics::registry>();
///     const auto opened = figures->new_counter("switchboard_connections_opened_total", "Connections accepted.");
///     const auto idle = figures->counters("switchboard_connections_closed_total", "…", {"reason"}).with({"idle"});
///     …
///     opened.add();
///     figures->read().value("switchboard_connections_opened_total");
///
/// Why        one registry for each server, handed down by constructors; there is none that a whole process shares, so
///            several servers in one have their own figures.
/// Names      as Prometheus has them: lower case, the base unit at the end (`_seconds`, `_bytes`), `_total` after it for
///            a counter. A name registered again, with the same kind, help, labels and buckets, is the same family.
///            framework/docs/metrics.md lists all of Switchboard's.
/// Threads    any. Registering takes a lock; counting (counter.hpp, gauge.hpp, histogram.hpp) does not.
/// Owns       families and cells; keep the registry for as long as its instruments are used.
/// Bound      series_max for each family. Labels are of the program's own choice: enums, names of methods served; never a
///            peer's bytes. Past the limit all further combinations are one series, whose label values are "other".
/// Errors     names and labels against the rules, a name registered as something else: broken invariants.

#include <initializer_list>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <switchboard/metrics/counter.hpp>
#include <switchboard/metrics/gauge.hpp>
#include <switchboard/metrics/histogram.hpp>
#include <switchboard/metrics/snapshot.hpp>

namespace switchboard::metrics {

class registry;
struct family_record;

using label_list = std::initializer_list<std::string_view>;

/// Instruments that share a name and differ in their labels' values.
template <class Instrument>
class family {
public:
  /// Takes a lock and searches: keep what it returns.
  /// @param values  as many as the family has labels, in their order.
  Instrument with(label_list values) const;

private:
  friend class registry;
  family(registry& in, family_record& record) noexcept : registry_(&in), record_(&record) {}

  registry* registry_;
  family_record* record_;
};

class registry {
public:
  /// Series of a family, beside "other".
  static constexpr std::size_t series_max = 2'048;
  static constexpr std::string_view label_beyond_limit = "other";

  registry();
  ~registry();
  registry(const registry&) = delete;
  registry& operator=(const registry&) = delete;

  /// @param help  one sentence, as metrics.md has it.
  family<counter> counters(std::string_view name, std::string_view help, label_list labels);
  family<gauge> gauges(std::string_view name, std::string_view help, label_list labels);
  /// @param of  must last as long as the registry; its unit is the family's.
  family<histogram> histograms(std::string_view name, std::string_view help, const buckets& of, label_list labels);

  /// The only one of a family without labels.
  counter new_counter(std::string_view name, std::string_view help) { return counters(name, help, {}).with({}); }
  gauge new_gauge(std::string_view name, std::string_view help) { return gauges(name, help, {}).with({}); }
  histogram new_histogram(std::string_view name, std::string_view help, const buckets& of) {
    return histograms(name, help, of, {}).with({});
  }

  /// Every series there is. What threads count meanwhile may be in it or not.
  snapshot read() const;

private:
  template <class Instrument>
  friend class family;

  family_record& enter(std::string_view name, std::string_view help, kind what, const buckets* of, label_list labels);
  cell* row_of(family_record& record, std::span<const std::string_view> values);
  cell* take_rows(std::size_t count);
  static const buckets& buckets_of(const family_record& record) noexcept;

  mutable std::mutex mutex_;
  std::map<std::string, std::unique_ptr<family_record>, std::less<>> families_;
  std::vector<std::unique_ptr<cell_block>> blocks_;  ///< the last may have rows left
};

template <class Instrument>
Instrument family<Instrument>::with(label_list values) const {
  auto* const row = registry_->row_of(*record_, {values.begin(), values.size()});
  if constexpr (std::is_same_v<Instrument, histogram>)
    return histogram(row, &registry::buckets_of(*record_));
  else
    return Instrument(row);
}

}  // namespace switchboard::metrics
