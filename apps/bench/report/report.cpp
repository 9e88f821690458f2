#include "report.hpp"

#include "json.hpp"
#include "plots.hpp"
#include "svg.hpp"
#include "text.hpp"

#include <algorithm>
#include <fstream>
#include <stdexcept>
#include <utility>

namespace switchboard::bench {
namespace {

void write(const std::string& file, const std::string& text) {
  if (file == "-") {
    std::fputs(text.c_str(), stdout);
    return;
  }
  std::ofstream out(file, std::ios::binary);
  if (!(out << text) || !out.flush()) throw std::runtime_error(file + ": cannot be written");
}

}  // namespace

void report::add(experiment done) {
  if (print_each_ || !done.all_right()) {
    std::fputs(to_text(done).c_str(), out_);
    std::fflush(out_);
  }
  experiments_.push_back(std::move(done));
}

void report::print_summary() const {
  std::fputs(summary_of(experiments_).c_str(), out_);
}

void report::write_json(const std::string& file, const std::vector<std::string>& command) const {
  write(file, to_json(experiments_, command));
}

void report::write_svg(const std::string& file) const {
  write(file, to_svg(plots_of(experiments_)));
}

bool report::all_right() const noexcept {
  return std::all_of(experiments_.begin(), experiments_.end(), [](const auto& each) { return each.all_right(); });
}

}  // namespace switchboard::bench
