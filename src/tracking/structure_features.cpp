// SPDX-License-Identifier: MIT
#include "core/error.h"
#include "tracking/registration.h"

#include <opencv2/imgproc.hpp>

namespace mapweave::tracking {
namespace {

// Derivatives are taken at the width of a drawn line and pooled over a little
// more, so that lines match which do not lie exactly on each other.
constexpr double kDerivativeSigma = 1.0;
constexpr double kPoolingSigma = 1.5;
// Gradients count relative to the mean energy this far around them.
constexpr double kContrastSigma = 16.0;
// Squared grey levels per pixel: paper grain and compression stay below.
constexpr double kNoiseEnergy = 4.0;
// No features within this distance of the coverage's edge, px.
constexpr int kMargin = 5;

cv::Mat Blurred(const cv::Mat& image, double sigma) {
  cv::Mat blurred;
  cv::GaussianBlur(image, blurred, cv::Size(), sigma, sigma,
                   cv::BORDER_REPLICATE);
  return blurred;
}

// Where a feature may be computed without looking off the coverage.
cv::Mat InnerCoverage(const cv::Mat& coverage) {
  cv::Mat inner;
  cv::erode(coverage != 0, inner,
            cv::getStructuringElement(
                cv::MORPH_RECT, cv::Size(2 * kMargin + 1, 2 * kMargin + 1)),
            cv::Point(-1, -1), 1, cv::BORDER_CONSTANT, cv::Scalar(255));
  return inner;
}

}  // namespace

cv::Mat StructureFeatures(const cv::Mat& rgb, const cv::Mat& coverage) {
  MAPWEAVE_CHECK(rgb.depth() == CV_8U);
  MAPWEAVE_CHECK(coverage.empty() || coverage.size() == rgb.size());
  // The colour structure tensor (Di Zenzo 1986), summed over channels, so that
  // edges between colours of one brightness count.
  cv::Mat difference = cv::Mat::zeros(rgb.size(), CV_32F);  // Jxx - Jyy
  cv::Mat diagonal = cv::Mat::zeros(rgb.size(), CV_32F);    // 2 Jxy
  cv::Mat energy = cv::Mat::zeros(rgb.size(), CV_32F);      // Jxx + Jyy
  for (int channel = 0; channel < rgb.channels(); ++channel) {
    cv::Mat plane;
    cv::extractChannel(rgb, plane, channel);
    plane.convertTo(plane, CV_32F);
    plane = Blurred(plane, kDerivativeSigma);
    cv::Mat dx;
    cv::Mat dy;
    cv::Scharr(plane, dx, CV_32F, 1, 0, 1.0 / 32.0, 0.0, cv::BORDER_REPLICATE);
    cv::Scharr(plane, dy, CV_32F, 0, 1, 1.0 / 32.0, 0.0, cv::BORDER_REPLICATE);
    const cv::Mat xx = dx.mul(dx);
    const cv::Mat yy = dy.mul(dy);
    difference += xx - yy;
    diagonal += 2.0 * dx.mul(dy);
    energy += xx + yy;
  }
  cv::Mat weight;  // 1 where features may be computed
  if (coverage.empty()) {
    weight = cv::Mat(rgb.size(), CV_32F, cv::Scalar(1.0));
  } else {
    InnerCoverage(coverage).convertTo(weight, CV_32F, 1.0 / 255.0);
  }
  difference = Blurred(difference.mul(weight), kPoolingSigma);
  diagonal = Blurred(diagonal.mul(weight), kPoolingSigma);
  energy = Blurred(energy.mul(weight), kPoolingSigma);
  const cv::Mat surround = Blurred(energy, kContrastSigma) /
                           cv::max(Blurred(weight, kContrastSigma), 1e-3);
  const cv::Mat scale =
      weight / (energy + surround + kNoiseEnergy * rgb.channels());
  cv::Mat features;
  cv::merge(std::vector<cv::Mat>{difference.mul(scale), diagonal.mul(scale)},
            features);
  return features;
}

}  // namespace mapweave::tracking
