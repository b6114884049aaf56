// SPDX-License-Identifier: MIT
#include "tracking/outline_change.h"

#include "core/error.h"

#include <fmt/format.h>
#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <cmath>

namespace mapweave::tracking {
namespace {

struct Placement {
  cv::Point displacement;
  int64_t overlap = -1;
};

bool IsAllowed(cv::Point displacement, int limit) {
  return std::abs(displacement.x) <= limit && std::abs(displacement.y) <= limit;
}

Placement Place(const Mask& before, const Mask& after, cv::Point displacement) {
  return {displacement, before.Translated(displacement.x, displacement.y)
                            .IntersectionArea(after)};
}

Placement ClimbFrom(const Mask& before, const Mask& after, cv::Point start,
                    int limit) {
  Placement best = Place(before, after, start);
  while (true) {
    Placement next = best;
    for (int dy = -1; dy <= 1; ++dy) {
      for (int dx = -1; dx <= 1; ++dx) {
        const cv::Point to = best.displacement + cv::Point(dx, dy);
        if ((dx == 0 && dy == 0) || !IsAllowed(to, limit)) continue;
        const Placement tried = Place(before, after, to);
        if (tried.overlap > next.overlap) next = tried;
      }
    }
    if (next.overlap == best.overlap) return best;
    best = next;
  }
}

Placement BestPlacement(const Mask& before, const Mask& after, int limit) {
  const Placement still = ClimbFrom(before, after, {0, 0}, limit);
  const Point2d from = before.Centroid();
  const Point2d to = after.Centroid();
  const cv::Point start(std::clamp(cvRound(to.x - from.x), -limit, limit),
                        std::clamp(cvRound(to.y - from.y), -limit, limit));
  const Placement moved = ClimbFrom(before, after, start, limit);
  return moved.overlap > still.overlap ? moved : still;
}

// Pixels of `mask` farther than `distance_px` from the nearest of `other`.
int64_t PixelsBeyond(const Mask& mask, const Mask& other, double distance_px) {
  const cv::Rect box = mask.Bounds() | other.Bounds();
  // 0 on `other`, so that the transform gives the distance to it.
  cv::Mat away(box.size(), CV_8UC1, cv::Scalar(255));
  other.Paint(away, 0, box.tl());
  cv::Mat distance;
  cv::distanceTransform(away, distance, cv::DIST_L2, cv::DIST_MASK_PRECISE);
  cv::Mat own = cv::Mat::zeros(box.size(), CV_8UC1);
  mask.Paint(own, 255, box.tl());
  // The transform's square roots are inexact.
  return cv::countNonZero(own & (distance > distance_px + 1e-3));
}

}  // namespace

void OutlineOptions::Validate() const {
  if (!(uncertainty_px >= 0.0) || !std::isfinite(uncertainty_px)) {
    throw Error(ErrorCode::kUsage,
                fmt::format("uncertainty_px is {}", uncertainty_px),
                "Give a number of pixels of 0 or more.");
  }
  if (!(min_change >= 0.0) || min_change > 1.0) {
    throw Error(ErrorCode::kUsage, fmt::format("min_change is {}", min_change),
                "Give a number in [0, 1].");
  }
  if (max_displacement_px < 0) {
    throw Error(ErrorCode::kUsage,
                fmt::format("max_displacement_px is {}", max_displacement_px),
                "Give a number of pixels of 0 or more.");
  }
}

OutlineChange CompareOutlines(const Mask& before, const Mask& after,
                              const OutlineOptions& options) {
  MAPWEAVE_CHECK(!before.IsEmpty() && !after.IsEmpty());
  const Placement placement =
      BestPlacement(before, after, options.max_displacement_px);
  const Mask moved =
      before.Translated(placement.displacement.x, placement.displacement.y);
  OutlineChange change;
  change.displacement = placement.displacement;
  change.iou = IoU(moved, after);
  change.area_before = before.Area();
  change.area_after = after.Area();
  change.gained = PixelsBeyond(after, moved, options.uncertainty_px);
  change.lost = PixelsBeyond(moved, after, options.uncertainty_px);
  const double least = options.min_change * static_cast<double>(std::max(
                                                before.Area(), after.Area()));
  const bool gained = static_cast<double>(change.gained) > least;
  const bool lost = static_cast<double>(change.lost) > least;
  if (gained && lost) {
    change.kind = OutlineKind::kGainedAndLost;
  } else if (gained) {
    change.kind = OutlineKind::kGained;
  } else if (lost) {
    change.kind = OutlineKind::kLost;
  }
  return change;
}

}  // namespace mapweave::tracking
