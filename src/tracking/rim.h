// SPDX-License-Identifier: MIT
//
// Whether two outlines run along the same lines. A building that was enlarged
// keeps the walls that it had, one that was built anew on the same plot does
// not, though either may overlap its forerunner by as much.
// For link_graph.cpp only.
#pragma once

#include "tracking/mask.h"

#include <opencv2/core.hpp>

#include <vector>

namespace mapweave::tracking {

// The pixels of a mask that touch its outside by an edge, and how far every
// place around lies from the nearest of them.
class Rim {
 public:
  // Distances beyond this say no more, in pixels.
  static constexpr float kFarPx = 8.0f;

  // `mask` is not empty.
  explicit Rim(const Mask& mask);

  // In the mask's frame.
  const std::vector<cv::Point>& Points() const { return points_; }
  // From a pixel's centre to that of the nearest pixel of the rim, at most
  // kFarPx.
  float DistanceFrom(cv::Point pixel) const;

 private:
  std::vector<cv::Point> points_;
  cv::Mat distance_;  // CV_32FC1
  cv::Point origin_;  // of distance_ in the mask's frame
};

// How one rim lies along another once it has been moved. The fitted values are
// those of the best of nine places, at most one pixel off in either direction:
// a shift found for the neighbourhood is not exact to the pixel.
struct RimMatch {
  double share = 0.0;         // of its pixels within 1 px of the other
  double fitted_share = 0.0;  // the same, fitted
  double near_share = 0.0;    // within 2 px, fitted
  double mean_px = 0.0;       // distance, fitted
  double ninth_decile_px = 0.0;
};

RimMatch CompareRims(const Rim& moved, cv::Point shift, const Rim& other);

}  // namespace mapweave::tracking
