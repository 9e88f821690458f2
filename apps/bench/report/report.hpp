#pragma once

/// What a run has measured: printed as a table when an experiment ends, and written as JSON and SVG at the end.
///
/// Threads    one.
/// Errors     std::runtime_error where a file cannot be written.

#include "measure/measurement.hpp"

#include <cstdio>
#include <string>
#include <vector>

namespace switchboard::bench {

class report {
public:
  /// Where tables go: standard output unless set.
  void print_to(std::FILE* out) noexcept { out_ = out; }
  /// Of a run whose table is printed as a whole at the end.
  void print_each(bool each) noexcept { print_each_ = each; }

  void add(experiment done);
  /// A line for each server of each experiment.
  void print_summary() const;
  /// `file`: a path, or - for standard output.
  void write_json(const std::string& file, const std::vector<std::string>& command) const;
  void write_svg(const std::string& file) const;

  /// Whether every result of every server was right.
  bool all_right() const noexcept;

private:
  std::FILE* out_ = stdout;
  bool print_each_ = true;
  std::vector<experiment> experiments_;
};

}  // namespace switchboard::bench
