// SPDX-License-Identifier: MIT
#include "core/error.h"
#include "tracking/feature_pyramid.h"
#include "tracking/registration.h"

#include <fmt/format.h>
#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <cmath>

namespace mapweave::tracking {
namespace {

// Angles and scales are searched in images up to this size.
constexpr int kSearchSide = 400;
// How far the middle of a side moves from one candidate to the next, px: so
// lines of the right candidate lie within half of it on each other.
constexpr double kStepPx = 3.0;
// Rounds of halving the steps around the best candidate.
constexpr int kRefinements = 3;

int SideOf(const FeatureImage& image) {
  return std::max(image.features.cols, image.features.rows);
}

// Turned and stretched around its centre. The features stay as they are: what
// a few degrees do to coded orientations is less than what a hand does.
FeatureImage Transformed(const FeatureImage& image, double rotation,
                         double scale) {
  const cv::Point2d centre(0.5 * (image.features.cols - 1),
                           0.5 * (image.features.rows - 1));
  const double c = scale * std::cos(rotation);
  const double s = scale * std::sin(rotation);
  const cv::Mat forward =
      (cv::Mat_<double>(2, 3) << c, -s, centre.x - c * centre.x + s * centre.y,
       s, c, centre.y - s * centre.x - c * centre.y);
  FeatureImage result;
  cv::warpAffine(image.features, result.features, forward,
                 image.features.size(), cv::INTER_LINEAR, cv::BORDER_CONSTANT,
                 cv::Scalar::all(0.0));
  const cv::Mat coverage =
      image.coverage.empty()
          ? cv::Mat(image.features.size(), CV_8UC1, cv::Scalar(255))
          : image.coverage;
  cv::warpAffine(coverage, result.coverage, forward, coverage.size(),
                 cv::INTER_NEAREST, cv::BORDER_CONSTANT, cv::Scalar(0));
  return result;
}

bool IsBetter(const SimilarityEstimate& a, const SimilarityEstimate& b) {
  if (a.shift.confidence != b.shift.confidence) {
    return a.shift.confidence > b.shift.confidence;
  }
  return a.shift.correlation > b.shift.correlation;
}

class Search {
 public:
  Search(const FeatureImage& a, const FeatureImage& b,
         const SimilarityOptions& options)
      : a_(a), b_(b), options_(options) {}

  SimilarityEstimate Run() {
    const double step = kStepPx / (0.5 * SideOf(a_));
    const int turns = StepsWithin(options_.max_rotation_rad, step);
    const int stretches = StepsWithin(options_.max_stretch, step);
    for (int turn = -turns; turn <= turns; ++turn) {
      for (int stretch = -stretches; stretch <= stretches; ++stretch) {
        Try(turn * step, 1.0 + stretch * step);
      }
    }
    double finer = 0.5 * step;
    for (int i = 0; i < kRefinements; ++i, finer *= 0.5) {
      const SimilarityEstimate middle = best_;
      for (const int turn : {-1, 0, 1}) {
        for (const int stretch : {-1, 0, 1}) {
          if (turn == 0 && stretch == 0) continue;
          Try(middle.rotation_rad + turn * finer,
              middle.scale + stretch * finer);
        }
      }
    }
    return best_;
  }

 private:
  // The last one may lie up to half a step short of the limit, which the
  // refinement reaches.
  static int StepsWithin(double limit, double step) {
    return static_cast<int>(std::ceil(limit / step - 0.5));
  }

  void Try(double rotation, double scale) {
    if (std::abs(rotation) > options_.max_rotation_rad ||
        std::abs(scale - 1.0) > options_.max_stretch) {
      return;
    }
    const SimilarityEstimate found{
        rotation, scale,
        EstimateShift(Transformed(a_, rotation, scale), b_, options_.shift)};
    if (IsBetter(found, best_)) best_ = found;
  }

  const FeatureImage& a_;
  const FeatureImage& b_;
  const SimilarityOptions& options_;
  SimilarityEstimate best_;
};

}  // namespace

void SimilarityOptions::Validate() const {
  shift.Validate();
  constexpr double kMost = 0.25;
  if (!(max_rotation_rad >= 0.0 && max_rotation_rad <= kMost) ||
      !(max_stretch >= 0.0 && max_stretch <= kMost)) {
    throw Error(ErrorCode::kUsage,
                fmt::format("max_rotation_rad is {}, max_stretch is {}",
                            max_rotation_rad, max_stretch),
                fmt::format("Give numbers in [0, {}].", kMost));
  }
}

SimilarityEstimate EstimateSimilarity(const FeatureImage& a,
                                      const FeatureImage& b,
                                      const SimilarityOptions& options) {
  options.Validate();
  if (a.features.empty()) return {};
  if (SideOf(a) <= kSearchSide) return Search(a, b, options).Run();
  SimilarityOptions coarse = options;
  // One pixel more, which this level gives back.
  coarse.shift.max_shift_px = options.shift.max_shift_px / 2.0 + 1.0;
  SimilarityEstimate estimate =
      EstimateSimilarity(Halved(a), Halved(b), coarse);
  if (estimate.shift.confidence <= 0.0) return estimate;
  estimate.shift = EstimateShift(
      Transformed(a, estimate.rotation_rad, estimate.scale), b, options.shift);
  return estimate;
}

}  // namespace mapweave::tracking
