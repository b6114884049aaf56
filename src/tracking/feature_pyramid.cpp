// SPDX-License-Identifier: MIT
#include "tracking/feature_pyramid.h"

#include <opencv2/imgproc.hpp>

#include <vector>

namespace mapweave::tracking {

FeatureImage Halved(const FeatureImage& image) {
  FeatureImage half;
  const cv::Size size((image.features.cols + 1) / 2,
                      (image.features.rows + 1) / 2);
  // Padded to even size, so that a pixel of the result is always the mean of
  // 2 x 2 and shifts exactly double.
  cv::Mat features;
  cv::Mat coverage = image.coverage.empty() ? cv::Mat(image.features.size(),
                                                      CV_8UC1, cv::Scalar(255))
                                            : cv::Mat(image.coverage != 0);
  const int bottom = 2 * size.height - image.features.rows;
  const int right = 2 * size.width - image.features.cols;
  cv::copyMakeBorder(image.features, features, 0, bottom, 0, right,
                     cv::BORDER_REPLICATE);
  cv::copyMakeBorder(coverage, coverage, 0, bottom, 0, right,
                     cv::BORDER_CONSTANT, cv::Scalar(0));
  features.setTo(cv::Scalar::all(0.0), coverage == 0);
  cv::Mat weight;
  cv::resize(coverage, weight, size, 0.0, 0.0, cv::INTER_AREA);
  cv::resize(features, half.features, size, 0.0, 0.0, cv::INTER_AREA);
  std::vector<cv::Mat> channels;
  cv::split(half.features, channels);
  cv::Mat scale;
  cv::Mat(cv::max(weight, 1)).convertTo(scale, CV_32F, 1.0 / 255.0);
  for (cv::Mat& channel : channels) channel /= scale;
  cv::merge(channels, half.features);
  half.coverage = weight >= 128;
  return half;
}

}  // namespace mapweave::tracking
