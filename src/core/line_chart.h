// SPDX-License-Identifier: MIT
//
// Line charts as SVG: the curves of a training run, the results of an
// experiment. Panels stand below each other over one x axis.
#pragma once

#include "core/geometry.h"

#include <string>
#include <vector>

namespace mapweave {

struct ChartLine {
  std::string name;
  // In ascending x. A y that is not finite leaves a gap.
  std::vector<Point2d> points;
};

struct ChartPanel {
  std::string title;
  std::vector<ChartLine> lines;
};

struct LineChart {
  std::string title;
  std::string x_label;
  std::vector<ChartPanel> panels;
};

// A whole SVG document in UTF-8. Lines of very many points are drawn as means
// of neighbours, at most 800 of them. Panels without any finite point are left
// out.
std::string ToSvg(const LineChart& chart);

// Ticks of an axis from `low` to `high`, at 1, 2 or 5 times a power of ten, at
// most `most` of them, all within the range; low < high.
std::vector<double> AxisTicks(double low, double high, int most);

}  // namespace mapweave
