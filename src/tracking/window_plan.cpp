// SPDX-License-Identifier: MIT
#include "core/error.h"
#include "tracking/stitch.h"

#include <algorithm>
#include <string>

namespace mapweave::tracking {
namespace {

// Half-open; along one axis.
struct Interval {
  int begin = 0;
  int end = 0;
};

struct AxisWindow {
  Interval box;
  Interval core;
};

// First pixels of the windows: the grid's ends, and in between steps of
// (size - overlap) from the offset.
std::vector<int> Starts(int length, int size, int overlap, int offset) {
  const int step = size - overlap;
  std::vector<int> starts = {0};
  if (length <= size) return starts;
  const int first = ((offset % step) + step) % step;
  for (int start = first == 0 ? step : first; start < length - size;
       start += step) {
    starts.push_back(start);
  }
  starts.push_back(length - size);
  return starts;
}

std::vector<AxisWindow> PlanAxis(int length, const WindowOptions& options,
                                 int offset) {
  const std::vector<int> starts =
      Starts(length, options.size_px, options.overlap_px, offset);
  std::vector<AxisWindow> windows;
  int core_begin = 0;
  for (size_t i = 0; i < starts.size(); ++i) {
    const int end = std::min(starts[i] + options.size_px, length);
    // Neighbours share their overlap evenly.
    const int core_end =
        i + 1 < starts.size() ? starts[i + 1] + (end - starts[i + 1]) / 2 : end;
    windows.push_back({{starts[i], end}, {core_begin, core_end}});
    core_begin = core_end;
  }
  return windows;
}

cv::Rect Box(const Interval& x, const Interval& y) {
  return {x.begin, y.begin, x.end - x.begin, y.end - y.begin};
}

}  // namespace

void WindowOptions::Validate() const {
  if (overlap_px < 0 || size_px <= overlap_px) {
    throw Error(ErrorCode::kUsage,
                "a window of " + std::to_string(size_px) +
                    " px cannot overlap by " + std::to_string(overlap_px),
                "choose an overlap of less than the window's size");
  }
}

std::vector<Window> PlanWindows(cv::Size grid, const WindowOptions& options) {
  options.Validate();
  if (grid.width <= 0 || grid.height <= 0) return {};
  std::vector<Window> windows;
  for (const AxisWindow& y : PlanAxis(grid.height, options, options.offset.y)) {
    for (const AxisWindow& x :
         PlanAxis(grid.width, options, options.offset.x)) {
      windows.push_back({Box(x.box, y.box), Box(x.core, y.core)});
    }
  }
  return windows;
}

}  // namespace mapweave::tracking
