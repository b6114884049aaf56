// SPDX-License-Identifier: MIT
#include "tracking/registration.h"

#include "core/error.h"
#include "tracking/correlation_peak.h"
#include "tracking/feature_pyramid.h"
#include "tracking/masked_correlation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace mapweave::tracking {
namespace {

// Search around the doubled shift of the coarser level.
constexpr int kRefineRadius = 5;

void CheckImages(const FeatureImage& a, const FeatureImage& b) {
  MAPWEAVE_CHECK(a.features.size() == b.features.size());
  MAPWEAVE_CHECK(a.features.type() == b.features.type());
  MAPWEAVE_CHECK(a.features.depth() == CV_32F);
  for (const FeatureImage* image : {&a, &b}) {
    MAPWEAVE_CHECK(image->coverage.empty() ||
                   (image->coverage.size() == image->features.size() &&
                    image->coverage.type() == CV_8UC1));
  }
}

cv::Rect Whole(const FeatureImage& image) {
  return {0, 0, image.features.cols, image.features.rows};
}

// The shift at full size near twice the shift at half size. How unlike the
// peak is to all other shifts was judged at the coarsest level, which alone has
// seen them.
ShiftEstimate Refined(const FeatureImage& a, const FeatureImage& b,
                      const ShiftEstimate& coarse,
                      const ShiftOptions& options) {
  CorrelationRequest request;
  request.part = Whole(a);
  request.origin =
      cv::Point(cvRound(2.0 * coarse.shift.x), cvRound(2.0 * coarse.shift.y));
  request.radius = kRefineRadius;
  request.min_overlap = options.min_overlap;
  const ShiftEstimate fine =
      LocatePeak(Correlate(a, b, request), kRefineRadius, request.origin);
  ShiftEstimate estimate = coarse;
  estimate.shift = fine.shift;
  estimate.correlation = fine.correlation;
  if (std::max(std::abs(fine.shift.x), std::abs(fine.shift.y)) >
      options.max_shift_px + 0.5) {
    return {};
  }
  return estimate;
}

}  // namespace

void ShiftOptions::Validate() const {
  if (!(max_shift_px >= 0.0) || !std::isfinite(max_shift_px)) {
    throw Error(ErrorCode::kUsage,
                fmt::format("max_shift_px is {}", max_shift_px),
                "Give a number of pixels of 0 or more.");
  }
  if (!(min_overlap > 0.0) || min_overlap > 1.0) {
    throw Error(ErrorCode::kUsage,
                fmt::format("min_overlap is {}", min_overlap),
                "Give a number in (0, 1].");
  }
  if (!(min_confidence >= 0.0) || min_confidence > 1.0) {
    throw Error(ErrorCode::kUsage,
                fmt::format("min_confidence is {}", min_confidence),
                "Give a number in [0, 1].");
  }
  if (coarse_side_px < 32) {
    throw Error(ErrorCode::kUsage,
                fmt::format("coarse_side_px is {}", coarse_side_px),
                "Give 32 pixels or more.");
  }
}

ShiftEstimate EstimateShift(const FeatureImage& a, const FeatureImage& b,
                            const ShiftOptions& options) {
  options.Validate();
  CheckImages(a, b);
  if (a.features.empty()) return {};
  const int side = std::max(a.features.cols, a.features.rows);
  CorrelationRequest request;
  request.min_overlap = options.min_overlap;
  if (side <= options.coarse_side_px) {
    const int limit = static_cast<int>(std::floor(options.max_shift_px));
    request.part = Whole(a);
    request.radius = limit + kBackground;
    ShiftEstimate estimate = LocatePeak(Correlate(a, b, request), limit, {});
    estimate.is_confident = estimate.confidence > 0.0 &&
                            estimate.confidence >= options.min_confidence;
    return estimate;
  }
  ShiftOptions coarse_options = options;
  // One pixel more, which the finer level gives back.
  coarse_options.max_shift_px = options.max_shift_px / 2.0 + 1.0;
  const ShiftEstimate coarse =
      EstimateShift(Halved(a), Halved(b), coarse_options);
  if (coarse.confidence <= 0.0) return coarse;
  if (side > options.finest_side_px) {
    ShiftEstimate estimate = coarse;
    estimate.shift *= 2.0;
    return estimate;
  }
  return Refined(a, b, coarse, options);
}

ShiftEstimate EstimateShift(const cv::Mat& a, const cv::Mat& b,
                            const ShiftOptions& options) {
  return EstimateShift(FeatureImage{a, {}}, FeatureImage{b, {}}, options);
}

}  // namespace mapweave::tracking
