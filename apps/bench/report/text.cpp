#include "text.hpp"

#include "text_table.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>

namespace switchboard::bench {
namespace {

/// Of one processor; a client that uses more may be what limits the throughput.
constexpr double client_is_limit = 0.9;
/// Of a fixed rate; a server that answers less of it does not keep up.
constexpr double keeps_up = 0.98;

std::string seconds(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f s", value);
  return text;
}

std::string ratio(const spread& of) {
  char text[96];
  std::snprintf(text, sizeof text, "%.2f (%.2f to %.2f)", of.median, of.lower, of.upper);
  return text;
}

double microseconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double, std::micro>(time).count();
}

std::string latency(const measurement& of, double fraction) {
  if (of.latency.count() == 0) return "-";
  return figure(microseconds(fraction < 1 ? of.latency.quantile(fraction) : of.latency.max()));
}

std::string cpu(const measurement& of) {
  return of.cpu_per_result.empty() ? "-" : figure(spread::of(of.cpu_per_result).median);
}

std::string wrong(const measurement& of) {
  return of.wrong.total() == 0 ? "0" : figure(static_cast<double>(of.wrong.total()));
}

std::string absence(const experiment::absent& of) {
  return of.server + ": not installed (" + of.package + ")";
}

std::string parameters_of(const experiment& of) {
  std::string text;
  for (const auto& each : of.parameters) {
    text += (text.empty() ? "" : ", ") + each.words + " " + (each.name.empty() ? count(each.value) : each.name);
    if (!each.unit.empty()) text += " " + each.unit;
  }
  return text;
}

std::string heading(const experiment& of) {
  auto text = of.workload + ": " + parameters_of(of);
  text += "; " + std::to_string(of.plan.slices) + " slices of " +
          seconds(of.plan.seconds / static_cast<double>(of.plan.slices));
  return text + (of.servers.size() > 1 ? " each, turn about" : "") + "\n";
}

text_table figures_of(const experiment& of) {
  const bool has_memory = std::any_of(of.servers.begin(), of.servers.end(),
                                      [](const auto& each) { return each.memory_per_connection.has_value(); });
  text_table table;
  text_table::row head{"server",   of.result + "/s", "CPU us/" + of.result, "p50 us", "p90 us", "p99 us",
                       "p99.9 us", "max us"};
  if (has_memory) head.push_back("B/connection");
  head.push_back("wrong");
  table.add(head);
  for (const auto& each : of.servers) {
    text_table::row row{each.server, figure(spread::of(each.rates).median), cpu(each)};
    for (const auto fraction : {0.5, 0.9, 0.99, 0.999, 1.0}) row.push_back(latency(each, fraction));
    if (has_memory) row.push_back(each.memory_per_connection ? figure(*each.memory_per_connection) : "-");
    row.push_back(wrong(each));
    table.add(row);
  }
  for (const auto& each : of.missing) table.add({absence(each)});
  return table;
}

text_table ratios_of(const experiment& of) {
  const auto& measured = of.servers.front();
  text_table table;
  table.add({measured.server + " divided by", "throughput", "CPU per " + of.result, "p50"});
  for (std::size_t each = 1; each < of.servers.size(); ++each) {
    const auto& other = of.servers[each];
    const auto cell = [](const auto& ours, const auto& theirs) {
      return ours.empty() || theirs.empty() ? std::string("-") : ratio(spread::of_ratios(ours, theirs));
    };
    table.add({other.server, cell(measured.rates, other.rates), cell(measured.cpu_per_result, other.cpu_per_result),
               cell(measured.p50, other.p50)});
  }
  return table;
}

std::vector<std::string> remarks_of(const experiment& of) {
  auto remarks = of.remarks;
  for (const auto& each : of.servers)
    if (of.rate && spread::of(each.rates).median < keeps_up * *of.rate)
      remarks.push_back(each.server + " does not keep up with the rate");
  if (of.rate && !of.servers.empty())
    remarks.push_back("of these latencies the client's own lateness is p50 " +
                      figure(microseconds(of.servers.front().lateness.quantile(0.5))) + " us, p99 " +
                      figure(microseconds(of.servers.front().lateness.quantile(0.99))) + " us");
  if (of.client_cpu > client_is_limit && !of.rate)
    remarks.push_back("the client used " + figure(100 * of.client_cpu) +
                      " % of one processor: throughputs may be its limit, CPU figures are not");
  return remarks;
}

}  // namespace

std::string to_text(const experiment& of) {
  auto text = heading(of) + "\n" + figures_of(of).to_string();
  if (of.servers.size() > 1) text += "\n" + ratios_of(of).to_string() + "  median of the slices (quartiles)\n";
  for (const auto& each : remarks_of(of)) text += "  " + each + "\n";
  for (const auto& each : of.servers)
    if (each.wrong.total() != 0) text += "  WRONG: " + each.server + ": " + each.wrong.to_string() + "\n";
  for (const auto& each : of.failures) text += "  FAILED: " + each + "\n";
  return text + "\n";
}

std::string summary_of(const std::vector<experiment>& all) {
  text_table table;
  table.add({"", "a second", "CPU us each", "p50 us", "p99 us", "CPU ratio", "wrong"});
  for (const auto& of : all) {
    table.add({of.workload + ": " + parameters_of(of)});
    for (std::size_t each = 0; each < of.servers.size(); ++each) {
      const auto& server = of.servers[each];
      const auto& first = of.servers.front();
      table.add({"  " + server.server, figure(spread::of(server.rates).median), cpu(server), latency(server, 0.5),
                 latency(server, 0.99),
                 each == 0 || first.cpu_per_result.empty() || server.cpu_per_result.empty()
                     ? ""
                     : ratio(spread::of_ratios(first.cpu_per_result, server.cpu_per_result)),
                 wrong(server)});
    }
    for (const auto& each : of.missing) table.add({"  " + absence(each)});
  }
  return table.to_string();
}

}  // namespace switchboard::bench
