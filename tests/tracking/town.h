// SPDX-License-Identifier: MIT
//
// Small towns in several hands, for the tests of registration.
#pragma once

#include "core/random.h"

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include <cmath>
#include <cstdint>
#include <vector>

namespace mapweave::tracking {

// How a cartographer draws.
enum class Hand { kFilled, kOutline, kInverted };

// A town of skewed blocks with rectangular buildings.
struct Town {
  std::vector<std::vector<cv::Point2d>> blocks;
  std::vector<std::vector<cv::Point2d>> buildings;
};

inline std::vector<cv::Point2d> Box(cv::Point2d centre, double width,
                                    double height, double angle) {
  const cv::Point2d u(std::cos(angle), std::sin(angle));
  const cv::Point2d v(-u.y, u.x);
  const cv::Point2d a = u * (width / 2);
  const cv::Point2d b = v * (height / 2);
  return {centre - a - b, centre + a - b, centre + a + b, centre - a + b};
}

// Covers more than [0, side]^2.
inline Town RandomTown(uint64_t seed, double side) {
  Rng rng(seed);
  Town town;
  const double angle = rng.Uniform(0.1, 1.4);
  const cv::Point2d u(std::cos(angle), std::sin(angle));
  const cv::Point2d v(-u.y, u.x);
  const cv::Point2d middle(side / 2, side / 2);
  for (double s = -side; s < side;) {
    const double width = rng.Uniform(40, 100);
    for (double t = -side; t < side;) {
      const double height = rng.Uniform(40, 100);
      const cv::Point2d centre =
          middle + u * (s + width / 2) + v * (t + height / 2);
      town.blocks.push_back(Box(centre, width - 10, height - 10, angle));
      for (int i = 0; i < 5; ++i) {
        town.buildings.push_back(
            Box(centre + u * rng.Uniform(-0.35, 0.35) * width +
                    v * rng.Uniform(-0.35, 0.35) * height,
                rng.Uniform(8, 20), rng.Uniform(8, 20), angle));
      }
      t += height;
    }
    s += width;
  }
  return town;
}

// The same streets, every third building elsewhere.
inline Town Changed(const Town& town, uint64_t seed) {
  Rng rng(seed);
  Town changed = town;
  for (size_t i = 0; i < changed.buildings.size(); i += 3) {
    const cv::Point2d move(rng.Uniform(-30, 30), rng.Uniform(-30, 30));
    for (cv::Point2d& corner : changed.buildings[i]) corner += move;
  }
  return changed;
}

inline cv::Mat Draw(const Town& town, Hand hand, cv::Point2d shift,
                    cv::Size size, uint64_t noise_seed) {
  constexpr int kBits = 6;  // of sub-pixel precision
  const bool inverted = hand == Hand::kInverted;
  cv::Mat image(size, CV_8UC3,
                inverted ? cv::Scalar(40, 50, 60) : cv::Scalar(240, 230, 210));
  const auto fixed = [&](const std::vector<cv::Point2d>& ring) {
    std::vector<cv::Point> points;
    for (const cv::Point2d& p : ring) {
      // Pixel centres lie at half pixels, those of OpenCV at whole ones.
      points.push_back({cvRound((p.x + shift.x - 0.5) * (1 << kBits)),
                        cvRound((p.y + shift.y - 0.5) * (1 << kBits))});
    }
    return std::vector<std::vector<cv::Point>>{points};
  };
  for (const auto& block : town.blocks) {
    cv::polylines(image, fixed(block), true,
                  inverted ? cv::Scalar(200, 200, 200) : cv::Scalar(30, 30, 30),
                  1, cv::LINE_AA, kBits);
  }
  for (const auto& building : town.buildings) {
    if (hand == Hand::kOutline) {
      cv::polylines(image, fixed(building), true, cv::Scalar(90, 20, 20), 1,
                    cv::LINE_AA, kBits);
    } else {
      cv::fillPoly(
          image, fixed(building),
          inverted ? cv::Scalar(220, 180, 180) : cv::Scalar(190, 90, 80),
          cv::LINE_AA, kBits);
    }
  }
  Rng rng(noise_seed);
  for (int row = 0; row < size.height; ++row) {
    for (int col = 0; col < size.width; ++col) {
      const double grain = rng.Normal(0.0, 4.0);
      for (int c = 0; c < 3; ++c) {
        uint8_t& value = image.at<cv::Vec3b>(row, col)[c];
        value = cv::saturate_cast<uint8_t>(value + grain);
      }
    }
  }
  return image;
}

}  // namespace mapweave::tracking
