// SPDX-License-Identifier: MIT
#include "synth/coverage.h"

namespace mapweave::synth {

CoverageMask::CoverageMask(cv::Rect region)
    : region_(region),
      areas_(Stride() * static_cast<size_t>(region.height), 0.0f) {}

void CoverageMask::Add(const Ring& ring) {
  const Point2d origin{static_cast<double>(region_.x),
                       static_cast<double>(region_.y)};
  for (size_t i = 0; i < ring.size(); ++i) {
    const Point2d& p = ring[i];
    const Point2d& q = ring[i + 1 < ring.size() ? i + 1 : 0];
    AddEdge({p.x - origin.x, p.y - origin.y}, {q.x - origin.x, q.y - origin.y});
  }
}

void CoverageMask::AddEdge(Point2d p, Point2d q) {
  if (p.y == q.y) return;
  const double sign = p.y < q.y ? 1.0 : -1.0;
  if (p.y > q.y) std::swap(p, q);
  const double slope = (q.x - p.x) / (q.y - p.y);
  const double top = std::max(0.0, p.y);
  const double bottom = std::min<double>(region_.height, q.y);
  for (double y = top; y < bottom;) {
    const double row = std::floor(y);
    const double next = std::min(bottom, row + 1.0);
    const double x0 = p.x + (y - p.y) * slope;
    const double x1 = p.x + (next - p.y) * slope;
    AddSpan(&areas_[static_cast<size_t>(row) * Stride()], std::min(x0, x1),
            std::max(x0, x1), sign * (next - y));
    y = next;
  }
}

// The edge runs from x0 to x1 within one row; `area` is its height. Every
// pixel gets the change of coverage against the pixel left of it.
void CoverageMask::AddSpan(float* row, double x0, double x1,
                           double area) const {
  const double width = region_.width;
  x0 = std::clamp(x0, 0.0, width);
  x1 = std::clamp(x1, 0.0, width);
  const int first = static_cast<int>(x0);
  const int last = static_cast<int>(x1);
  if (first == last) {
    const double right = area * ((x0 + x1) / 2.0 - first);
    row[first] += static_cast<float>(area - right);
    row[first + 1] += static_cast<float>(right);
    return;
  }
  const double per_px = area / (x1 - x0);
  double left_over = 0.0;  // due to the pixel right of the one before
  for (int x = first; x <= last; ++x) {
    const double from = std::max<double>(x0, x);
    const double to = std::min<double>(x1, x + 1);
    const double here = per_px * (to - from);
    const double right = here * ((from + to) / 2.0 - x);
    row[x] += static_cast<float>(here - right + left_over);
    left_over = right;
  }
  row[last + 1] += static_cast<float>(left_over);
}

}  // namespace mapweave::synth
