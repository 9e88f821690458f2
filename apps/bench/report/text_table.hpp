#pragma once

/// Rows of cells as text, each column as wide as its widest cell: the first from the left, the others from the right. A row of
/// one cell is a heading, as long as it may be.
/// Threads    a value.

#include <cstddef>
#include <string>
#include <vector>

namespace switchboard::bench {

class text_table {
public:
  using row = std::vector<std::string>;

  void add(row cells) { rows_.push_back(std::move(cells)); }
  /// A line for each row, indented by two.
  std::string to_string() const;

private:
  std::vector<row> rows_;
};

/// As people read it: three digits that count, thousands in groups; as in 102,542, 96.4, 9.64, 0.421.
std::string figure(double value);
/// A number of things: all its digits, in groups.
std::string count(double value);

}  // namespace switchboard::bench
