// SPDX-License-Identifier: MIT
#include "tracking/rim.h"

#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <cmath>

namespace mapweave::tracking {
namespace {

constexpr float kOnRimPx = 1.0f;
constexpr float kNearRimPx = 2.0f;

// Distances of the moved rim's pixels from the other rim.
std::vector<float> DistancesOf(const Rim& moved, cv::Point shift,
                               const Rim& other) {
  std::vector<float> distances;
  distances.reserve(moved.Points().size());
  for (const cv::Point& pixel : moved.Points()) {
    distances.push_back(other.DistanceFrom(pixel + shift));
  }
  return distances;
}

double ShareWithin(const std::vector<float>& distances, float most) {
  const auto near = std::ranges::count_if(
      distances, [most](float distance) { return distance <= most; });
  return static_cast<double>(near) / static_cast<double>(distances.size());
}

double MeanOf(const std::vector<float>& distances) {
  double sum = 0.0;
  for (const float distance : distances) sum += static_cast<double>(distance);
  return sum / static_cast<double>(distances.size());
}

}  // namespace

Rim::Rim(const Mask& mask) {
  constexpr int kMargin = static_cast<int>(kFarPx);
  const cv::Rect bounds = mask.Bounds();
  origin_ = bounds.tl() - cv::Point(kMargin, kMargin);
  cv::Mat inside = cv::Mat::zeros(bounds.height + 2 * kMargin,
                                  bounds.width + 2 * kMargin, CV_8UC1);
  mask.Paint(inside, 1, origin_);
  cv::Mat core;
  cv::erode(inside, core,
            cv::getStructuringElement(cv::MORPH_CROSS, cv::Size(3, 3)));
  const cv::Mat off_rim = (inside - core) == 0;
  for (int row = 0; row < off_rim.rows; ++row) {
    for (int col = 0; col < off_rim.cols; ++col) {
      if (off_rim.at<uint8_t>(row, col) == 0) {
        points_.push_back(origin_ + cv::Point(col, row));
      }
    }
  }
  cv::distanceTransform(off_rim, distance_, cv::DIST_L2, cv::DIST_MASK_PRECISE);
}

float Rim::DistanceFrom(cv::Point pixel) const {
  const cv::Point at = pixel - origin_;
  if (at.x < 0 || at.y < 0 || at.x >= distance_.cols ||
      at.y >= distance_.rows) {
    return kFarPx;
  }
  return std::min(kFarPx, distance_.at<float>(at));
}

RimMatch CompareRims(const Rim& moved, cv::Point shift, const Rim& other) {
  RimMatch match;
  std::vector<float> best = DistancesOf(moved, shift, other);
  match.share = match.fitted_share = ShareWithin(best, kOnRimPx);
  match.mean_px = MeanOf(best);
  for (int dy = -1; dy <= 1; ++dy) {
    for (int dx = -1; dx <= 1; ++dx) {
      std::vector<float> distances =
          DistancesOf(moved, shift + cv::Point(dx, dy), other);
      const double mean = MeanOf(distances);
      if (mean >= match.mean_px) continue;
      match.mean_px = mean;
      best = std::move(distances);
    }
  }
  match.fitted_share = ShareWithin(best, kOnRimPx);
  match.near_share = ShareWithin(best, kNearRimPx);
  const auto decile =
      best.begin() + static_cast<std::ptrdiff_t>((best.size() * 9) / 10);
  std::nth_element(best.begin(), decile, best.end());
  match.ninth_decile_px = static_cast<double>(*decile);
  return match;
}

}  // namespace mapweave::tracking
