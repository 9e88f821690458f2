#include "json.hpp"

#include "json_writer.hpp"

#include <chrono>
#include <ctime>
#include <fstream>
#include <thread>

#include <sys/utsname.h>

namespace switchboard::bench {
namespace {

/// Grows when a key goes, or means something else.
constexpr auto format = "switchboard-bench/1";

std::string now_in_utc() {
  const auto now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

/// As /proc/cpuinfo has it; empty where it does not.
std::string processor_model() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);)
    if (line.starts_with("model name") && line.find(": ") != std::string::npos) return line.substr(line.find(": ") + 2);
  return {};
}

void write_machine(json_writer& out) {
  utsname names{};
  ::uname(&names);
  out.key("machine");
  out.begin_object();
  out.member("system", std::string(names.sysname) + " " + names.release + " " + names.machine);
  out.member("processor", processor_model());
  out.member("processors", static_cast<double>(std::thread::hardware_concurrency()));
  out.end_object();
}

void write_spread(json_writer& out, std::string_view name, const spread& of) {
  out.key(name);
  out.begin_object();
  out.member("median", of.median);
  out.member("lower_quartile", of.lower);
  out.member("upper_quartile", of.upper);
  out.end_object();
}

/// null where one of the figures is not known.
void write_ratio(json_writer& out, std::string_view name, const std::vector<double>& ours,
                 const std::vector<double>& theirs) {
  if (!ours.empty() && !theirs.empty()) return write_spread(out, name, spread::of_ratios(ours, theirs));
  out.key(name);
  out.null();
}

void write_latency(json_writer& out, std::string_view name, const latency_histogram& of) {
  out.key(name);
  if (of.count() == 0) return out.null();
  const auto us = [](std::chrono::nanoseconds time) { return std::chrono::duration<double, std::micro>(time).count(); };
  out.begin_object();
  out.member("p50", us(of.quantile(0.5)));
  out.member("p90", us(of.quantile(0.9)));
  out.member("p99", us(of.quantile(0.99)));
  out.member("p99_9", us(of.quantile(0.999)));
  out.member("max", us(of.max()));
  out.end_object();
}

void write_faults(json_writer& out, const faults& wrong) {
  out.key("wrong");
  out.begin_object();
  out.member("lost", static_cast<double>(wrong.lost));
  out.member("duplicated", static_cast<double>(wrong.duplicated));
  out.member("reordered", static_cast<double>(wrong.reordered));
  out.member("corrupted", static_cast<double>(wrong.corrupted));
  out.end_object();
}

void write_server(json_writer& out, const measurement& of, const measurement& first, bool has_rate) {
  out.begin_object();
  out.member("server", of.server);
  out.member("results", static_cast<double>(of.results));
  write_spread(out, "results_per_second", spread::of(of.rates));
  if (of.cpu_per_result.empty()) {
    out.key("server_cpu_microseconds_per_result");
    out.null();
  } else {
    write_spread(out, "server_cpu_microseconds_per_result", spread::of(of.cpu_per_result));
  }
  write_latency(out, "latency_microseconds", of.latency);
  if (has_rate) write_latency(out, "client_lateness_microseconds", of.lateness);
  if (of.memory_per_connection) out.member("memory_bytes_per_connection", *of.memory_per_connection);
  write_faults(out, of.wrong);
  if (&of != &first) {
    out.key("first_divided_by_this");
    out.begin_object();
    write_ratio(out, "results_per_second", first.rates, of.rates);
    write_ratio(out, "server_cpu_per_result", first.cpu_per_result, of.cpu_per_result);
    write_ratio(out, "latency_p50", first.p50, of.p50);
    out.end_object();
  }
  out.end_object();
}

void write_texts(json_writer& out, std::string_view name, const std::vector<std::string>& texts) {
  out.key(name);
  out.begin_array();
  for (const auto& each : texts) out.value(each);
  out.end_array();
}

void write_experiment(json_writer& out, const experiment& of) {
  out.begin_object();
  out.member("workload", of.workload);
  out.key("parameters");
  out.begin_object();
  for (const auto& each : of.parameters) {
    if (each.name.empty())
      out.member(each.key, each.value);
    else
      out.member(each.key, each.name);
  }
  out.member("slices", static_cast<double>(of.plan.slices));
  out.member("slice_seconds", of.plan.seconds / static_cast<double>(of.plan.slices));
  out.end_object();
  out.member("result", of.result);
  if (of.rate) out.member("asked_results_per_second", *of.rate);
  out.member("client_cpu_share_of_one_processor", of.client_cpu);
  out.key("servers");
  out.begin_array();
  for (const auto& each : of.servers) write_server(out, each, of.servers.front(), of.rate.has_value());
  out.end_array();
  out.key("not_installed");
  out.begin_array();
  for (const auto& each : of.missing) out.value(each.server);
  out.end_array();
  write_texts(out, "remarks", of.remarks);
  write_texts(out, "failures", of.failures);
  out.end_object();
}

}  // namespace

std::string to_json(const std::vector<experiment>& all, const std::vector<std::string>& command) {
  json_writer out;
  out.begin_object();
  out.member("format", format);
  out.member("ended_at", now_in_utc());
  write_texts(out, "command", command);
  write_machine(out);
  out.key("experiments");
  out.begin_array();
  for (const auto& each : all) write_experiment(out, each);
  out.end_array();
  out.end_object();
  return out.text();
}

}  // namespace switchboard::bench
