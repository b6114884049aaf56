// SPDX-License-Identifier: MIT
//
// Building instances from the two probability maps of the dense network. The
// interior map leaves out each building's rim, so that neighbours who share a
// wall come apart; its components are grown back into the foreground.
#pragma once

#include "tracking/mask.h"

#include <opencv2/core.hpp>

#include <vector>

namespace mapweave::tracking {

// One building found on one edition.
struct Instance {
  Mask mask;
  float score = 0.0f;  // mean foreground probability over the mask, [0, 1]
};

struct ComponentOptions {
  // A pixel is interior, or foreground, where its probability is above this.
  double interior_threshold = 0.5;
  double foreground_threshold = 0.5;
  // Hysteresis: a component counts only if its highest interior probability is
  // at least this. 0 switches it off.
  double peak_threshold = 0.0;
  // Steps of growth of the components into the foreground, in pixels.
  int grow_px = 3;
  // Smaller instances are dropped, after growth.
  int min_area_px = 10;

  // Throws Error{kUsage} that names the value out of range.
  void Validate() const;
};

// Instances in ascending order of their first pixel (row, then column), in the
// maps' pixel frame; masks are disjoint. `foreground` and `interior` are
// CV_32FC1 of one size with probabilities; `coverage` is CV_8UC1, 0 where
// there is no legible paper, or empty when all is covered. Components are
// 4-connected; all grow at the same time, one pixel a step to 4 sides, and a
// pixel that several reach in one step goes to the first of them. Holes stay.
std::vector<Instance> InstancesFromMaps(const cv::Mat& foreground,
                                        const cv::Mat& interior,
                                        const cv::Mat& coverage,
                                        const ComponentOptions& options = {});

}  // namespace mapweave::tracking
