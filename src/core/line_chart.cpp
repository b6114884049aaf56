// SPDX-License-Identifier: MIT
#include "core/line_chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>

namespace mapweave {
namespace {

constexpr double kWidth = 760.0;
constexpr double kPanelHeight = 190.0;
constexpr double kLeft = 64.0;
constexpr double kRight = 150.0;  // the legend's
constexpr double kTop = 34.0;
constexpr double kPanelGap = 44.0;
constexpr double kBottom = 44.0;
constexpr size_t kMostPoints = 800;
// Okabe and Ito's colours, which colour-blind people can tell apart.
constexpr std::array<const char*, 7> kColours = {
    "#0072b2", "#d55e00", "#009e73", "#cc79a7",
    "#e69f00", "#56b4e9", "#000000"};

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();

  void Include(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  bool IsEmpty() const { return low > high; }
  // A range that a line can be drawn in.
  void Widen() {
    if (low < high) return;
    const double by = low == 0.0 ? 1.0 : std::abs(low) / 2.0;
    low -= by;
    high += by;
  }
  double Share(double value) const { return (value - low) / (high - low); }
};

std::string Escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '&') {
      result += "&amp;";
    } else if (c == '<') {
      result += "&lt;";
    } else {
      result += c;
    }
  }
  return result;
}

bool IsDrawn(const Point2d& p) {
  return std::isfinite(p.x) && std::isfinite(p.y);
}

// Means of as many neighbours as it takes.
std::vector<Point2d> Thinned(const std::vector<Point2d>& points) {
  if (points.size() <= kMostPoints) return points;
  const size_t group = (points.size() + kMostPoints - 1) / kMostPoints;
  std::vector<Point2d> result;
  for (size_t i = 0; i < points.size(); i += group) {
    const size_t end = std::min(points.size(), i + group);
    Point2d sum;
    for (size_t k = i; k < end; ++k) {
      sum = {sum.x + points[k].x, sum.y + points[k].y};
    }
    const auto count = static_cast<double>(end - i);
    result.push_back({sum.x / count, sum.y / count});
  }
  return result;
}

Range RangeOfX(const LineChart& chart) {
  Range range;
  for (const ChartPanel& panel : chart.panels) {
    for (const ChartLine& line : panel.lines) {
      for (const Point2d& p : line.points) {
        if (IsDrawn(p)) range.Include(p.x);
      }
    }
  }
  return range;
}

std::string Text(double x, double y, const char* anchor,
                 const std::string& text, const char* style = "") {
  return fmt::format(
      "<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\"{}>{}</text>\n", x, y,
      anchor, style, Escaped(text));
}

std::string Line(double x1, double y1, double x2, double y2,
                 const char* colour) {
  return fmt::format(
      "<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" "
      "stroke=\"{}\"/>\n",
      x1, y1, x2, y2, colour);
}

class PanelWriter {
 public:
  PanelWriter(const ChartPanel& panel, const Range& x, double top)
      : panel_(panel), x_(x), top_(top) {
    for (const ChartLine& line : panel_.lines) {
      lines_.push_back(Thinned(line.points));
      for (const Point2d& p : lines_.back()) {
        if (IsDrawn(p)) y_.Include(p.y);
      }
    }
  }

  bool IsEmpty() const { return y_.IsEmpty(); }

  std::string Write() {
    y_.Widen();
    std::string svg =
        Text(kLeft, top_ - 8.0, "start", panel_.title, " font-weight=\"bold\"");
    svg += Axes();
    for (size_t i = 0; i < lines_.size(); ++i) svg += Curve(i) + Legend(i);
    return svg;
  }

 private:
  double X(double x) const {
    return kLeft + x_.Share(x) * (kWidth - kLeft - kRight);
  }
  double Y(double y) const { return top_ + (1.0 - y_.Share(y)) * kPanelHeight; }
  static const char* Colour(size_t i) { return kColours[i % kColours.size()]; }

  std::string Axes() const {
    std::string svg;
    const double bottom = top_ + kPanelHeight;
    const double right = kWidth - kRight;
    for (const double tick : AxisTicks(y_.low, y_.high, 6)) {
      svg += Line(kLeft, Y(tick), right, Y(tick), "#ddd");
      svg += Text(kLeft - 6.0, Y(tick) + 4.0, "end", fmt::format("{:g}", tick));
    }
    for (const double tick : AxisTicks(x_.low, x_.high, 8)) {
      svg += Line(X(tick), bottom, X(tick), bottom + 4.0, "#444");
      svg += Text(X(tick), bottom + 16.0, "middle", fmt::format("{:g}", tick));
    }
    svg += Line(kLeft, bottom, right, bottom, "#444");
    return svg + Line(kLeft, top_, kLeft, bottom, "#444");
  }

  // One polyline for each stretch without a gap; a lone point is a dot.
  std::string Curve(size_t i) const {
    std::string svg;
    std::string stretch;
    size_t count = 0;
    Point2d last;
    const auto finish = [&] {
      if (count == 1) {
        svg += fmt::format(
            "<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"2.5\" fill=\"{}\"/>\n",
            last.x, last.y, Colour(i));
      } else if (count > 1) {
        svg += fmt::format(
            "<polyline fill=\"none\" stroke=\"{}\" stroke-width=\"1.4\" "
            "points=\"{}\"/>\n",
            Colour(i), stretch);
      }
      stretch.clear();
      count = 0;
    };
    for (const Point2d& p : lines_[i]) {
      if (!IsDrawn(p)) {
        finish();
        continue;
      }
      last = {X(p.x), Y(p.y)};
      stretch +=
          fmt::format("{}{:.1f},{:.1f}", count == 0 ? "" : " ", last.x, last.y);
      ++count;
    }
    finish();
    return svg;
  }

  std::string Legend(size_t i) const {
    const double x = kWidth - kRight + 14.0;
    const double y = top_ + 10.0 + 18.0 * static_cast<double>(i);
    return Line(x, y - 4.0, x + 18.0, y - 4.0, Colour(i)) +
           Text(x + 24.0, y, "start", panel_.lines[i].name);
  }

  const ChartPanel& panel_;
  const Range& x_;
  double top_;
  Range y_;
  std::vector<std::vector<Point2d>> lines_;
};

}  // namespace

std::vector<double> AxisTicks(double low, double high, int most) {
  const double rough = (high - low) / std::max(1, most);
  const double unit = std::pow(10.0, std::floor(std::log10(rough)));
  std::vector<double> ticks;
  for (const double factor : {1.0, 2.0, 5.0, 10.0, 20.0}) {
    const double step = factor * unit;
    // A hair of room: 0.3 is not 3 * 0.1.
    const double first = std::ceil(low / step - 1e-9);
    const double last = std::floor(high / step + 1e-9);
    if (last - first + 1.0 > most) continue;
    // Adding 0 makes 0 of -0.
    for (double i = first; i <= last; i += 1.0) ticks.push_back(i * step + 0.0);
    break;
  }
  return ticks;
}

std::string ToSvg(const LineChart& chart) {
  Range x = RangeOfX(chart);
  if (!x.IsEmpty()) x.Widen();
  std::string body;
  double top = kTop + kPanelGap / 2.0;
  for (const ChartPanel& panel : chart.panels) {
    PanelWriter writer(panel, x, top);
    if (writer.IsEmpty()) continue;
    body += writer.Write();
    top += kPanelHeight + kPanelGap;
  }
  const double height = top - kPanelGap + kBottom;
  const double middle = (kLeft + kWidth - kRight) / 2.0;
  return fmt::format(
             "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:.0f}\" "
             "height=\"{1:.0f}\" viewBox=\"0 0 {0:.0f} {1:.0f}\" "
             "font-family=\"sans-serif\" font-size=\"11\">\n"
             "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n",
             kWidth, height) +
         Text(middle, 20.0, "middle", chart.title, " font-size=\"14\"") + body +
         Text(middle, height - 8.0, "middle", chart.x_label) + "</svg>\n";
}

}  // namespace mapweave
