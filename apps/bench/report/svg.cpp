#include "svg.hpp"

#include "axis.hpp"
#include "text_table.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <limits>
#include <set>

namespace switchboard::bench {
namespace {

// In the units of the picture, at 100 % pixels.
constexpr double width = 940;
constexpr double plot_height = 360;
constexpr double left = 84;
constexpr double right = 620;  // the legend's beginning is beyond it
constexpr double top = 44;
constexpr double bottom = 306;
constexpr double legend_line = 20;
/// Of the plot's width, left free beside the least and the greatest number.
constexpr double inset = 0.04;

/// Okabe and Ito's palette, which people who see few colours can distinguish too, without its black and with a grey that is readable
/// on both grounds.
constexpr const char* colours[plot::lines_max] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                                  "#e69f00", "#56b4e9", "#999999", "#b8a800"};

constexpr auto style = R"(<style>
  text { font: 13px system-ui, sans-serif; fill: #24292f }
  .title { font-weight: 600; font-size: 15px }
  .grid { stroke: #d0d7de; stroke-width: 1 }
  .axis { stroke: #57606a; stroke-width: 1 }
  .ground { fill: #ffffff }
  .line { fill: none; stroke-width: 2 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .grid { stroke: #30363d }
    .axis { stroke: #8b949e }
    .ground { fill: #0d1117 }
  }
</style>
)";

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

std::string mark_text(double mark) {
  return mark == std::floor(mark) ? count(mark) : figure(mark);
}

std::string escaped(const std::string& text) {
  std::string safe;
  for (const char each : text) {
    if (each == '&')
      safe += "&amp;";
    else if (each == '<')
      safe += "&lt;";
    else if (each == '>')
      safe += "&gt;";
    else
      safe += each;
  }
  return safe;
}

/// One plot, drawn with its upper left corner at 0, 0.
class drawing {
public:
  explicit drawing(const plot& of) : of_(of), x_(x_axis(of)), y_(y_axis(of)) {}

  std::string to_string() {
    text((left + right) / 2, 24, "middle", of_.title, "title");
    draw_axes();
    const auto drawn = std::min(of_.lines.size(), plot::lines_max);
    for (std::size_t each = 0; each < drawn; ++each) draw_line(of_.lines[each], each);
    if (of_.lines.size() > drawn)
      text(right + 20, top + 4 + static_cast<double>(drawn) * legend_line, "start",
           "and " + std::to_string(of_.lines.size() - drawn) + " more");
    return svg_;
  }

private:
  static axis x_axis(const plot& of) {
    if (!of.x_names.empty()) return axis::linear(1);  // not used
    const auto [least, greatest] = limits_of(of, [](const auto& point) { return point.x; });
    return axis::logarithmic(least, greatest);
  }
  static axis y_axis(const plot& of) {
    const auto least = limits_of(of, [](const auto& point) { return point.lower.value_or(point.y); }).first;
    const auto greatest = limits_of(of, [](const auto& point) { return point.upper.value_or(point.y); }).second;
    return of.y_is_logarithmic ? axis::logarithmic(least, greatest) : axis::linear(greatest);
  }
  /// Of all that is above 0, which a logarithmic axis can show.
  template <class Of>
  static std::pair<double, double> limits_of(const plot& of, Of value) {
    double least = std::numeric_limits<double>::infinity(), greatest = 0;
    for (const auto& line : of.lines)
      for (const auto& point : line.points)
        if (const double each = value(point); each > 0)
          least = std::min(least, each), greatest = std::max(greatest, each);
    return greatest > 0 ? std::pair{least, greatest} : std::pair{1.0, 1.0};
  }

  double x_of(double value) const {
    const auto names = static_cast<double>(of_.x_names.size());
    const auto place = of_.x_names.empty() ? inset + (1 - 2 * inset) * x_.place_of(value) : (value + 0.5) / names;
    return left + (right - left) * place;
  }
  double y_of(double value) const { return bottom - (bottom - top) * y_.place_of(value); }

  void draw_axes() {
    for (const auto mark : y_.marks()) {
      const auto y = y_of(mark);
      line(left, y, right, y, "grid");
      text(left - 8, y + 4, "end", mark_text(mark));
    }
    for (std::size_t each = 0; each < of_.x_names.size(); ++each)
      text(x_of(static_cast<double>(each)), bottom + 20, "middle", of_.x_names[each]);
    if (of_.x_names.empty())
      for (const auto mark : measured_x()) {
        line(x_of(mark), bottom, x_of(mark), bottom + 5, "axis");
        text(x_of(mark), bottom + 20, "middle", mark_text(mark));
      }
    line(left, top, left, bottom, "axis");
    line(left, bottom, right, bottom, "axis");
    text((left + right) / 2, bottom + 42, "middle", of_.x_label);
    svg_ += "<text text-anchor=\"middle\" transform=\"translate(18 " + number((top + bottom) / 2) + ") rotate(-90)\">" +
            escaped(of_.y_label) + "</text>\n";
  }

  /// Marked are the values that were measured: they are few.
  std::set<double> measured_x() const {
    std::set<double> all;
    for (const auto& line : of_.lines)
      for (const auto& point : line.points) all.insert(point.x);
    return all;
  }

  void draw_line(const plot::series& of, std::size_t number_of_line) {
    const std::string colour = colours[number_of_line];
    std::string points;
    for (const auto& each : of.points) points += number(x_of(each.x)) + "," + number(y_of(each.y)) + " ";
    svg_ += "<polyline class=\"line\" stroke=\"" + colour + "\" points=\"" + points + "\"/>\n";
    for (const auto& each : of.points) {
      const auto x = number(x_of(each.x));
      if (each.lower && each.upper)
        svg_ += "<line stroke=\"" + colour + "\" x1=\"" + x + "\" y1=\"" + number(y_of(*each.lower)) + "\" x2=\"" + x +
                "\" y2=\"" + number(y_of(*each.upper)) + "\"/>\n";
      svg_ += "<circle fill=\"" + colour + "\" cx=\"" + x + "\" cy=\"" + number(y_of(each.y)) + "\" r=\"3\"><title>" +
              escaped(of.name + ": " + figure(each.y)) + "</title></circle>\n";
    }
    const auto y = top + static_cast<double>(number_of_line) * legend_line;
    svg_ += "<rect fill=\"" + colour + "\" x=\"" + number(right + 20) + "\" y=\"" + number(y - 6) +
            "\" width=\"12\" height=\"12\"/>\n";
    text(right + 40, y + 4, "start", of.name);
  }

  void line(double x1, double y1, double x2, double y2, const char* kind) {
    svg_ += "<line class=\"" + std::string(kind) + "\" x1=\"" + number(x1) + "\" y1=\"" + number(y1) + "\" x2=\"" +
            number(x2) + "\" y2=\"" + number(y2) + "\"/>\n";
  }

  void text(double x, double y, const char* anchor, const std::string& what, const char* kind = nullptr) {
    svg_ += "<text " + (kind != nullptr ? "class=\"" + std::string(kind) + "\" " : "") + "text-anchor=\"" + anchor +
            "\" x=\"" + number(x) + "\" y=\"" + number(y) + "\">" + escaped(what) + "</text>\n";
  }

  const plot& of_;
  const axis x_;
  const axis y_;
  std::string svg_;
};

}  // namespace

std::string to_svg(const std::vector<plot>& plots) {
  const auto height = number(plot_height * static_cast<double>(std::max<std::size_t>(plots.size(), 1)));
  const auto size = number(width) + " " + height;
  std::string svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + size + "\" width=\"" + number(width) +
                    "\" height=\"" + height + "\">\n" + style +
                    "<rect class=\"ground\" width=\"100%\" height=\"100%\"/>\n";
  for (std::size_t each = 0; each < plots.size(); ++each)
    svg += "<g transform=\"translate(0 " + number(plot_height * static_cast<double>(each)) + ")\">\n" +
           drawing(plots[each]).to_string() + "</g>\n";
  return svg + "</svg>\n";
}

}  // namespace switchboard::bench
