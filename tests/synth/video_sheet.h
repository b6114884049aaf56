// SPDX-License-Identifier: MIT
//
// A drawn sheet with houses whose colour nothing else has, so that tests can
// find them on any frame by colour alone.
#pragma once

#include "core/random.h"

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include <cmath>

namespace mapweave::synth {

inline const cv::Vec3b kHouse(196, 92, 80);
inline const cv::Vec3b kTint(236, 214, 186);
inline const cv::Vec3b kStreet(248, 244, 232);

// Blocks of tinted ground with streets between them and houses of many sizes
// and angles on them; grain of 2 grey levels.
inline cv::Mat DrawVideoSheet(int width = 420, int height = 380,
                              uint64_t seed = 3) {
  Rng rng(seed);
  cv::Mat sheet(height, width, CV_8UC3, cv::Scalar(kStreet));
  for (int by = 8; by < height - 100; by += 118) {
    for (int bx = 8; bx < width - 110; bx += 132) {
      cv::rectangle(sheet, {bx, by, 120, 106}, cv::Scalar(kTint), cv::FILLED);
      cv::rectangle(sheet, {bx, by, 120, 106}, cv::Scalar(70, 64, 60), 1);
      for (int y = by + 20; y < by + 100; y += 28) {
        for (int x = bx + 20; x < bx + 110; x += 30) {
          if (rng.Chance(0.2)) continue;
          if (rng.Chance(0.25)) {
            // A pair with a lane between.
            cv::rectangle(sheet, {x - 10, y - 6, 9, 12}, cv::Scalar(kHouse),
                          cv::FILLED);
            cv::rectangle(sheet, {x + 2, y - 5, 10, 11}, cv::Scalar(kHouse),
                          cv::FILLED);
            continue;
          }
          const cv::RotatedRect house(
              cv::Point2f(static_cast<float>(x), static_cast<float>(y)),
              cv::Size2f(static_cast<float>(rng.Uniform(9, 17)),
                         static_cast<float>(rng.Uniform(8, 12))),
              static_cast<float>(rng.Uniform(-20, 20)));
          cv::Point2f corners[4];
          house.points(corners);
          std::vector<cv::Point> ring(corners, corners + 4);
          cv::fillConvexPoly(sheet, ring, cv::Scalar(kHouse));
        }
      }
    }
  }
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < 3; ++c)
        sheet.at<cv::Vec3b>(y, x)[c] = cv::saturate_cast<uint8_t>(
            sheet.at<cv::Vec3b>(y, x)[c] + rng.Normal(0.0, 2.0));
  return sheet;
}

// 255 where a pixel is nearer to the houses' colour than to any other.
inline cv::Mat HousePixels(const cv::Mat& rgb) {
  cv::Mat out(rgb.size(), CV_8UC1);
  for (int y = 0; y < rgb.rows; ++y) {
    for (int x = 0; x < rgb.cols; ++x) {
      const cv::Vec3i p = rgb.at<cv::Vec3b>(y, x);
      out.at<uint8_t>(y, x) =
          cv::norm(p - cv::Vec3i(kHouse)) < cv::norm(p - cv::Vec3i(kTint)) &&
                  p[0] - p[2] > 60
              ? 255
              : 0;
    }
  }
  return out;
}

inline double ImageIoU(const cv::Mat& a, const cv::Mat& b) {
  const double joint = cv::countNonZero((a != 0) & (b != 0));
  const double all = cv::countNonZero((a != 0) | (b != 0));
  return all > 0.0 ? joint / all : 1.0;
}

}  // namespace mapweave::synth
