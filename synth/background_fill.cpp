// SPDX-License-Identifier: MIT
#include "synth/background_fill.h"

#include "core/error.h"

#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace mapweave::synth {
namespace {

constexpr int kTries = 160;
constexpr int kNearPx = 48;         // half of the tries stay this close
constexpr size_t kRingPixels = 72;  // compared per try
// Grey levels: of the ring against that of the other place, after the mean
// difference, and the mean difference itself.
constexpr double kMaxRms = 11.0;
constexpr double kMaxMean = 10.0;

struct Fit {
  double rms = 0.0;
  cv::Vec3d mean;
};

Fit Compare(const cv::Mat& rgb, const std::vector<cv::Point>& ring,
            cv::Point shift) {
  cv::Vec3d sum;
  cv::Vec3d squares;
  for (const cv::Point& p : ring) {
    const cv::Vec3b& here = rgb.at<cv::Vec3b>(p);
    const cv::Vec3b& there = rgb.at<cv::Vec3b>(p + shift);
    for (int c = 0; c < 3; ++c) {
      const double d = static_cast<double>(here[c]) - there[c];
      sum[c] += d;
      squares[c] += d * d;
    }
  }
  const auto n = static_cast<double>(ring.size());
  Fit fit;
  fit.mean = sum / n;
  double variance = 0.0;
  for (int c = 0; c < 3; ++c)
    variance += squares[c] / n - fit.mean[c] * fit.mean[c];
  fit.rms = std::sqrt(std::max(0.0, variance / 3.0));
  return fit;
}

// The difference that is known on `ring` carried smoothly over the hole:
// normalised convolution, a cheap stand-in for the membrane of Perez et al.,
// "Poisson Image Editing", 2003. CV_32FC3.
cv::Mat SpreadDifference(const cv::Mat& here, const cv::Mat& there,
                         const cv::Mat& ring) {
  cv::Mat difference;
  cv::subtract(here, there, difference, cv::noArray(), CV_32F);
  difference.setTo(0, ring == 0);
  cv::Mat weight;
  ring.convertTo(weight, CV_32F, 1.0 / 255.0);
  const int reach = (std::max(here.cols, here.rows) / 2) | 1;
  cv::blur(difference, difference, {reach, reach}, {-1, -1},
           cv::BORDER_CONSTANT);
  cv::blur(weight, weight, {reach, reach}, {-1, -1}, cv::BORDER_CONSTANT);
  cv::blur(difference, difference, {reach, reach}, {-1, -1},
           cv::BORDER_CONSTANT);
  cv::blur(weight, weight, {reach, reach}, {-1, -1}, cv::BORDER_CONSTANT);
  weight = cv::max(weight, 1e-4);
  cv::Mat weights[] = {weight, weight, weight};
  cv::Mat wide;
  cv::merge(weights, 3, wide);
  return difference / wide;
}

}  // namespace

BackgroundFill::BackgroundFill(const cv::Mat& rgb, const cv::Mat& occupied)
    : rgb_(rgb), occupied_(occupied) {
  MAPWEAVE_CHECK(rgb.type() == CV_8UC3 && occupied.type() == CV_8UC1);
  MAPWEAVE_CHECK(rgb.size() == occupied.size());
  cv::integral(occupied != 0, sums_, CV_32S);
}

bool BackgroundFill::IsFree(const std::vector<cv::Point>& pixels, cv::Rect box,
                            cv::Point shift) const {
  const cv::Rect there = box + shift;
  if (sums_.at<int>(there.br()) + sums_.at<int>(there.tl()) ==
      sums_.at<int>(there.y, there.br().x) +
          sums_.at<int>(there.br().y, there.x)) {
    return true;
  }
  return std::ranges::none_of(pixels, [&](const cv::Point& p) {
    return occupied_.at<uint8_t>(p + shift) != 0;
  });
}

bool BackgroundFill::Fill(const cv::Mat& hole, cv::Point origin, Rng& rng,
                          cv::Mat& patch) const {
  const cv::Rect box(origin, hole.size());
  const cv::Rect sheet({0, 0}, rgb_.size());
  if ((box & sheet) != box) return false;
  cv::Mat wide;
  cv::dilate(hole, wide,
             cv::getStructuringElement(cv::MORPH_ELLIPSE,
                                       {2 * kRimPx - 1, 2 * kRimPx - 1}));
  // Pixels that must be ground at the other place, and those compared.
  std::vector<cv::Point> taken;
  std::vector<cv::Point> ring;
  cv::Mat ring_mask = cv::Mat::zeros(hole.size(), CV_8UC1);
  for (int y = 0; y < hole.rows; ++y) {
    for (int x = 0; x < hole.cols; ++x) {
      if (wide.at<uint8_t>(y, x) == 0) continue;
      const cv::Point p = cv::Point(x, y) + origin;
      taken.push_back(p);
      if (hole.at<uint8_t>(y, x) != 0 || occupied_.at<uint8_t>(p) != 0)
        continue;
      ring.push_back(p);
      ring_mask.at<uint8_t>(y, x) = 255;
    }
  }
  // Between neighbours there is too little ground to go by.
  if (2 * ring.size() < taken.size() - ring.size() && ring.size() < 24)
    return false;
  if (ring.size() < 16) return false;
  std::vector<cv::Point> compared;
  const size_t n = std::min(ring.size(), kRingPixels);
  for (size_t i = 0; i < n; ++i) compared.push_back(ring[i * ring.size() / n]);

  Fit best;
  best.rms = kMaxRms;
  cv::Point best_shift;
  for (int i = 0; i < kTries; ++i) {
    const bool near = i % 2 == 0;
    const auto draw = [&](int at, int size, int limit) {
      const int low = near ? std::max(0, at - kNearPx) : 0;
      const int high =
          near ? std::min(limit - size, at + kNearPx) : limit - size;
      return static_cast<int>(rng.Int(low, std::max(low, high))) - at;
    };
    const cv::Point shift(draw(box.x, box.width, sheet.width),
                          draw(box.y, box.height, sheet.height));
    if (std::abs(shift.x) < 3 && std::abs(shift.y) < 3) continue;
    if (!IsFree(taken, box, shift)) continue;
    const Fit fit = Compare(rgb_, compared, shift);
    if (fit.rms >= best.rms || cv::norm(fit.mean) > 2.0 * kMaxMean) continue;
    best = fit;
    best_shift = shift;
  }
  if (best_shift == cv::Point()) return false;
  const cv::Mat there = rgb_(box + best_shift);
  cv::Mat filled;
  cv::add(there, SpreadDifference(rgb_(box), there, ring_mask), filled,
          cv::noArray(), CV_8U);
  filled.copyTo(patch, hole);
  return true;
}

}  // namespace mapweave::synth
