// SPDX-License-Identifier: MIT
//
// How much of each pixel a polygon covers, exactly: fine enough for letters
// that are a few pixels high. Internal to synth.
#pragma once

#include "core/geometry.h"

#include <opencv2/core.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

namespace mapweave::synth {

// Signed areas under edges are summed per pixel and integrated along the rows,
// as font rasterisers do. Rings that overlap with the same winding count once.
class CoverageMask {
 public:
  // Of the pixels of `region`; pixel (col, row) covers [col, col + 1) x
  // [row, row + 1) of the coordinates.
  explicit CoverageMask(cv::Rect region);

  void Add(const Ring& ring);

  // Calls visit(x, y, share) with 0 < share <= 1 for every pixel that is
  // touched, in the coordinates of the region.
  template <typename Visit>
  void ForEach(Visit visit) const {
    for (int y = 0; y < region_.height; ++y) {
      float sum = 0.0f;
      const float* row = &areas_[static_cast<size_t>(y) * Stride()];
      for (int x = 0; x < region_.width; ++x) {
        sum += row[x];
        const float share = std::min(1.0f, std::abs(sum));
        if (share > 0.004f) visit(region_.x + x, region_.y + y, share);
      }
    }
  }

 private:
  size_t Stride() const { return static_cast<size_t>(region_.width) + 2; }
  void AddEdge(Point2d p, Point2d q);
  void AddSpan(float* row, double x0, double x1, double area) const;

  cv::Rect region_;
  std::vector<float> areas_;
};

}  // namespace mapweave::synth
