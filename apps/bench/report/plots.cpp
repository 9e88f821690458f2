#include "plots.hpp"

#include "text_table.hpp"

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <set>
#include <string>

namespace switchboard::bench {
namespace {

using experiments = std::vector<const experiment*>;

/// The parameters that differ among these experiments.
std::set<std::string> varied(const experiments& of) {
  std::map<std::string, std::set<double>> values;
  for (const auto* each : of)
    for (const auto& parameter : each->parameters) values[parameter.key].insert(parameter.value);
  std::set<std::string> keys;
  for (const auto& [key, taken] : values)
    if (taken.size() > 1) keys.insert(key);
  return keys;
}

const experiment::parameter& parameter_of(const experiment& of, const std::string& key) {
  return *std::find_if(of.parameters.begin(), of.parameters.end(), [&](const auto& each) { return each.key == key; });
}

/// As in "connections 100, outstanding 16": the parameters in which it differs from the others.
std::string differing(const experiment& of, const std::set<std::string>& keys) {
  std::string text;
  for (const auto& each : of.parameters)
    if (keys.contains(each.key)) text += (text.empty() ? "" : ", ") + each.words + " " + count(each.value);
  return text;
}

void add_latencies(plot& to, const experiment& of, const std::string& parameters) {
  constexpr double fractions[] = {0.5, 0.9, 0.99, 0.999};
  for (const auto& server : of.servers) {
    if (server.latency.count() == 0) continue;
    auto& line = to.lines.emplace_back();
    line.name = server.server + (parameters.empty() ? "" : ", " + parameters);
    const auto add = [&](std::chrono::nanoseconds latency) {
      const auto us = std::chrono::duration<double, std::micro>(latency).count();
      line.points.push_back({static_cast<double>(line.points.size()), us, {}, {}});
    };
    for (const auto fraction : fractions) add(server.latency.quantile(fraction));
    add(server.latency.max());
  }
}

/// One for all where one parameter differs, or none; else, or where they would be too many lines, one for each.
std::vector<plot> latencies_of(const std::string& workload, const experiments& all) {
  const plot empty{.title = workload + ": latency",
                   .x_label = "percentile",
                   .y_label = "microseconds",
                   .x_names = {"50", "90", "99", "99.9", "greatest"},
                   .y_is_logarithmic = true};
  const auto keys = varied(all);
  plot together = empty;
  for (const auto* each : all) add_latencies(together, *each, differing(*each, keys));
  if (keys.size() <= 1 && together.lines.size() <= plot::lines_max) return {together};
  std::vector<plot> made;
  for (const auto* each : all) {
    auto& one = made.emplace_back(empty);
    one.title += ", " + differing(*each, keys);
    add_latencies(one, *each, {});
  }
  return made;
}

/// A figure of each server, as median and quartiles; nothing where it is not known.
using figures = std::function<std::vector<double>(const measurement&)>;

plot by_parameter(const std::string& workload, const experiments& all, const std::string& key, const std::string& what,
                  const std::string& unit, const figures& of) {
  const auto& words = parameter_of(*all.front(), key).words;
  plot made{.title = workload + ": " + what + " by " + words, .x_label = words, .y_label = unit};
  for (const auto* each : all)
    for (const auto& server : each->servers) {
      const auto values = of(server);
      if (values.empty()) continue;
      auto line = std::find_if(made.lines.begin(), made.lines.end(),
                               [&](const auto& known) { return known.name == server.server; });
      if (line == made.lines.end()) line = made.lines.insert(line, {server.server, {}});
      const auto figure = spread::of(values);
      line->points.push_back({parameter_of(*each, key).value, figure.median, figure.lower, figure.upper});
    }
  for (auto& line : made.lines)
    std::sort(line.points.begin(), line.points.end(),
              [](const auto& one, const auto& other) { return one.x < other.x; });
  return made;
}

}  // namespace

std::vector<plot> plots_of(const std::vector<experiment>& all) {
  // In the order in which they were measured.
  std::vector<std::pair<std::string, experiments>> workloads;
  for (const auto& each : all) {
    auto found = std::find_if(workloads.begin(), workloads.end(),
                              [&](const auto& known) { return known.first == each.workload; });
    if (found == workloads.end()) found = workloads.insert(found, {each.workload, {}});
    found->second.push_back(&each);
  }
  std::vector<plot> made;
  const auto add = [&](plot drawn) {
    if (!drawn.lines.empty()) made.push_back(std::move(drawn));
  };
  for (const auto& [workload, of] : workloads) {
    const auto& result = of.front()->result;
    for (auto& each : latencies_of(workload, of)) add(std::move(each));
    const auto keys = varied(of);
    if (keys.size() != 1) continue;
    const auto& key = *keys.begin();
    add(by_parameter(workload, of, key, "throughput", result + " / s",
                     [](const auto& server) { return server.rates; }));
    add(by_parameter(workload, of, key, "processor time", "server us / " + result,
                     [](const auto& server) { return server.cpu_per_result; }));
    add(by_parameter(workload, of, key, "memory", "bytes a connection", [](const auto& server) {
      return server.memory_per_connection ? std::vector{*server.memory_per_connection} : std::vector<double>{};
    }));
  }
  return made;
}

}  // namespace switchboard::bench
