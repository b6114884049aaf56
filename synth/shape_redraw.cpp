// SPDX-License-Identifier: MIT
#include "synth/shape_redraw.h"

#include "core/error.h"

#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <vector>

namespace mapweave::synth {
namespace {

constexpr int kOutside = 2;  // pixels around the outline that belong to it
constexpr int kDeep = 4;     // from here on depth and side do not matter
constexpr int kSides = 8;
constexpr int kDepths = kOutside + kDeep + 1;

// Where a pixel lies on a building: depth class and the side it faces.
struct Place {
  int depth = -1;  // 0: outermost, kDepths - 1: deep inside; -1: off it
  int side = 0;
};

bool Alike(const Place& a, const Place& b) {
  if (a.depth != b.depth) return false;
  if (a.depth == kDepths - 1) return true;
  const int turn = std::abs(a.side - b.side);
  return std::min(turn, kSides - turn) <= 1;
}

class PlaceMap {
 public:
  explicit PlaceMap(const cv::Mat& mask) : width_(mask.cols) {
    cv::Mat inside;
    cv::Mat outside;
    cv::distanceTransform(mask != 0, inside, cv::DIST_L2, 3);
    cv::distanceTransform(mask == 0, outside, cv::DIST_L2, 3);
    cv::Mat depth = inside - outside;
    cv::Mat smooth;
    cv::blur(depth, smooth, {3, 3});
    cv::Mat dx;
    cv::Mat dy;
    cv::Sobel(smooth, dx, CV_32F, 1, 0);
    cv::Sobel(smooth, dy, CV_32F, 0, 1);
    places_.resize(mask.total());
    for (int y = 0; y < mask.rows; ++y) {
      for (int x = 0; x < mask.cols; ++x) {
        // Whole numbers: 1 is the rim's inner side, -1 its outer side.
        const double d = depth.at<float>(y, x);
        const int step = d > 0.0 ? static_cast<int>(std::lround(d)) - 1
                                 : static_cast<int>(std::lround(d));
        if (step < -kOutside) continue;
        Place& place = places_[static_cast<size_t>(y * width_ + x)];
        place.depth = std::min(step, kDeep) + kOutside;
        const double angle = std::atan2(dy.at<float>(y, x), dx.at<float>(y, x));
        place.side = (static_cast<int>(std::lround(
                          angle / (2.0 * std::numbers::pi) * kSides)) +
                      kSides) %
                     kSides;
      }
    }
  }

  const Place& At(int x, int y) const {
    return places_[static_cast<size_t>(y * width_ + x)];
  }

 private:
  int width_;
  std::vector<Place> places_;
};

using Bins = std::array<std::array<std::vector<cv::Point>, kSides>, kDepths>;

// Any pixel of the original that is like `place`, or as deep, or nearly.
cv::Point Draw(const Bins& bins, const Place& place, Rng& rng) {
  for (int away = 0; away < kDepths; ++away) {
    for (const int depth : {place.depth - away, place.depth + away}) {
      if (depth < 0 || depth >= kDepths) continue;
      const auto& sides = bins[static_cast<size_t>(depth)];
      for (int turn = 0; turn <= kSides / 2; ++turn) {
        for (const int side : {place.side + turn, place.side - turn}) {
          const auto& pixels =
              sides[static_cast<size_t>((side + kSides) % kSides)];
          if (!pixels.empty()) return rng.Pick(pixels);
        }
      }
    }
  }
  return {-1, -1};
}

}  // namespace

void RedrawShape(const cv::Mat& rgb, const cv::Mat& source,
                 const cv::Mat& target, Rng& rng, cv::Mat& canvas) {
  MAPWEAVE_CHECK(rgb.size() == source.size() && rgb.size() == target.size() &&
                 rgb.size() == canvas.size());
  const PlaceMap from(source);
  const PlaceMap to(target);
  Bins bins;
  for (int y = 0; y < rgb.rows; ++y) {
    for (int x = 0; x < rgb.cols; ++x) {
      const Place& place = from.At(x, y);
      if (place.depth >= 0)
        bins[static_cast<size_t>(place.depth)][static_cast<size_t>(place.side)]
            .push_back({x, y});
    }
  }
  const cv::Rect whole({0, 0}, rgb.size());
  cv::Mat origin(rgb.size(), CV_32SC2, cv::Scalar(-1, -1));
  for (int y = 0; y < rgb.rows; ++y) {
    for (int x = 0; x < rgb.cols; ++x) {
      const Place& place = to.At(x, y);
      if (place.depth < 0) continue;
      cv::Point q(-1, -1);
      const auto try_from = [&](cv::Point candidate) {
        if (q.x < 0 && whole.contains(candidate) &&
            Alike(from.At(candidate.x, candidate.y), place)) {
          q = candidate;
        }
      };
      try_from({x, y});
      const auto follow = [&](int dx, int dy) {
        if (x < dx || y < dy) return;
        const auto& o = origin.at<cv::Vec2i>(y - dy, x - dx);
        if (o[0] >= 0) try_from({o[0] + dx, o[1] + dy});
      };
      follow(1, 0);
      follow(0, 1);
      if (q.x < 0) q = Draw(bins, place, rng);
      if (q.x < 0) continue;
      origin.at<cv::Vec2i>(y, x) = {q.x, q.y};
      canvas.at<cv::Vec3b>(y, x) = rgb.at<cv::Vec3b>(q);
    }
  }
}

}  // namespace mapweave::synth
