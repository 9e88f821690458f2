#include "text_table.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace switchboard::bench {
namespace {

constexpr auto indent = "  ";
constexpr auto gap = "   ";

std::string padded(const std::string& cell, std::size_t width, bool from_left) {
  const std::string space(width - cell.size(), ' ');
  return from_left ? cell + space : space + cell;
}

/// With thousands in groups.
std::string grouped(double value, int decimals) {
  char digits[400];
  std::snprintf(digits, sizeof digits, "%.*f", decimals, value);
  std::string text = digits;
  const auto whole = text.find('.') == std::string::npos ? text.size() : text.find('.');
  const std::size_t first = value < 0 ? 1 : 0;
  for (auto at = whole; at > first + 3; at -= 3) text.insert(at - 3, 1, ',');
  return text;
}

}  // namespace

std::string text_table::to_string() const {
  std::vector<std::size_t> widths;
  for (const auto& each : rows_) {
    widths.resize(std::max(widths.size(), each.size()));
    if (each.size() == 1) continue;
    for (std::size_t column = 0; column < each.size(); ++column)
      widths[column] = std::max(widths[column], each[column].size());
  }
  std::string text;
  for (const auto& each : rows_) {
    std::string line = indent;
    for (std::size_t column = 0; column < each.size(); ++column) {
      if (column != 0) line += gap;
      const auto width = std::max(widths[column], each[column].size());
      line += padded(each[column], width, column == 0);
    }
    while (line.ends_with(' ')) line.pop_back();
    text += line + "\n";
  }
  return text;
}

std::string figure(double value) {
  const auto size = std::abs(value);
  return grouped(value, size >= 100 || value == 0 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3);
}

std::string count(double value) {
  return grouped(value, 0);
}

}  // namespace switchboard::bench
