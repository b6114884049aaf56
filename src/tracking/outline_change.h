// SPDX-License-Identifier: MIT
//
// How one drawing of a building differs from another, beyond what the drawing
// itself explains.
#pragma once

#include "tracking/mask.h"

#include <opencv2/core.hpp>

#include <cstdint>

namespace mapweave::tracking {

struct OutlineOptions {
  // Outlines are trusted to this many pixels: ground gained or lost within
  // this distance of the other outline is no change.
  double uncertainty_px = 1.0;
  // Ground gained or lost beyond that must exceed this part of the larger of
  // the two areas.
  double min_change = 0.1;
  // A displacement of up to this many pixels between the two drawings is
  // removed before they are compared.
  int max_displacement_px = 12;

  // Throws Error{kUsage}.
  void Validate() const;
};

enum class OutlineKind { kSame, kGained, kLost, kGainedAndLost };

struct OutlineChange {
  OutlineKind kind = OutlineKind::kSame;
  cv::Point displacement;  // px; add to `before` to bring it onto `after`
  double iou = 0.0;        // with the displacement removed
  int64_t area_before = 0;
  int64_t area_after = 0;
  // Pixels farther than the uncertainty from the other drawing.
  int64_t gained = 0;
  int64_t lost = 0;
};

// Compares two drawings of one building; neither is empty. The displacement is
// the one of greatest overlap that is reached uphill from no displacement or
// from that of the centroids.
OutlineChange CompareOutlines(const Mask& before, const Mask& after,
                              const OutlineOptions& options);

}  // namespace mapweave::tracking
