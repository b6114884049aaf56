// SPDX-License-Identifier: MIT
#include "tracking/local_match.h"

#include "core/error.h"
#include "tracking/correlation_peak.h"
#include "tracking/masked_correlation.h"

#include <fmt/format.h>
#include <opencv2/core/utility.hpp>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <tuple>

namespace mapweave::tracking {
namespace {

// Pairs of up to this many editions apart are matched.
constexpr size_t kReach = 3;
// How far around a window its likes are looked for, in windows.
constexpr int kNeighbourhood = 2;
constexpr size_t kFewestNeighbours = 3;

struct Found {
  cv::Point2d offset;
  double confidence = 0.0;
  cv::Matx22d information;
};

// Curvature of the correlation at its peak, over the peak's height, by
// differences over two pixels; the noise of one pixel is averaged out. Its
// inverse is the squared width of the peak, to which the covariance of the
// peak's place is in proportion.
cv::Matx22d PeakShape(const CorrelationSurface& surface, cv::Point2d shift) {
  constexpr int kStep = 2;
  const int last = 2 * surface.radius - kStep;
  const int col = std::clamp(surface.radius + cvRound(shift.x), kStep, last);
  const int row = std::clamp(surface.radius + cvRound(shift.y), kStep, last);
  const auto at = [&](int dx, int dy) {
    return static_cast<double>(
        surface.value.at<float>(row + dy * kStep, col + dx * kStep));
  };
  const double height = std::max(at(0, 0), 1e-3) * kStep * kStep;
  const double xx = (2.0 * at(0, 0) - at(-1, 0) - at(1, 0)) / height;
  const double yy = (2.0 * at(0, 0) - at(0, -1) - at(0, 1)) / height;
  const double xy =
      (at(1, -1) + at(-1, 1) - at(1, 1) - at(-1, -1)) / (4.0 * height);
  // Neither direction is known better than a sharp peak allows, nor worse than
  // the search radius does.
  cv::Matx22d shape{xx, xy, xy, yy};
  cv::Mat values;
  cv::Mat vectors;
  cv::eigen(cv::Mat(shape), values, vectors);
  constexpr double kSharpest = 0.5;
  constexpr double kBluntest = 0.01;
  cv::Matx22d bounded = cv::Matx22d::zeros();
  for (int i = 0; i < 2; ++i) {
    const double value = std::clamp(values.at<double>(i), kBluntest, kSharpest);
    const cv::Vec2d v(vectors.at<double>(i, 0), vectors.at<double>(i, 1));
    bounded += value * v * v.t();
  }
  return bounded;
}

double CoveredPart(const FeatureImage& image, cv::Rect window) {
  if (image.coverage.empty()) return 1.0;
  return static_cast<double>(cv::countNonZero(image.coverage(window))) /
         static_cast<double>(window.area());
}

std::optional<Found> Match(const WindowSpectra& a, const WindowSpectra& b,
                           const LocalMatchOptions& options) {
  const CorrelationSurface surface = Correlate(a, b);
  const ShiftEstimate estimate = LocatePeak(surface, options.radius_px, {});
  if (!(estimate.confidence > 0.0) ||
      estimate.confidence < options.min_confidence) {
    return std::nullopt;
  }
  return Found{estimate.shift, estimate.confidence,
               estimate.confidence * PeakShape(surface, estimate.shift)};
}

std::vector<LocalMatch> MatchWindow(const FramePart& part, cv::Point window,
                                    const LocalMatchOptions& options) {
  const cv::Rect box(window * options.stride_px - part.area.tl(),
                     cv::Size(options.window_px, options.window_px));
  const cv::Rect inside = box & cv::Rect(cv::Point(0, 0), part.area.size());
  if (2 * inside.area() < box.area()) return {};
  std::vector<std::optional<WindowSpectra>> looks;
  for (const FeatureImage& image : part.editions) {
    looks.emplace_back();
    if (image.features.empty() ||
        CoveredPart(image, inside) < options.min_coverage) {
      continue;
    }
    looks.back() =
        TransformWindow(image, inside, options.radius_px + kBackground);
  }
  std::vector<LocalMatch> matches;
  for (const auto& [a, b] : PairsToMatch(part.editions.size())) {
    if (!looks[a] || !looks[b]) continue;
    const auto forward = Match(*looks[a], *looks[b], options);
    if (!forward) continue;
    const auto back = Match(*looks[b], *looks[a], options);
    if (!back || cv::norm(forward->offset + back->offset) >
                     options.max_inconsistency_px) {
      continue;
    }
    LocalMatch match;
    match.a = a;
    match.b = b;
    match.window = window;
    match.at = cv::Point2d(part.area.tl() + inside.tl()) +
               0.5 * cv::Point2d(inside.width, inside.height);
    match.offset = 0.5 * (forward->offset - back->offset);
    match.confidence = std::min(forward->confidence, back->confidence);
    match.information = 0.5 * (forward->information + back->information);
    matches.push_back(match);
  }
  return matches;
}

double Median(std::vector<double>& values) {
  const auto middle =
      values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace

void LocalMatchOptions::Validate() const {
  if (window_px < 32 || stride_px < 1 || radius_px < 1) {
    throw Error(
        ErrorCode::kUsage,
        fmt::format("window_px is {}, stride_px is {}, radius_px is {}",
                    window_px, stride_px, radius_px),
        "Give windows of 32 pixels or more, a stride and a radius of 1 or "
        "more.");
  }
  for (const double part : {min_coverage, min_confidence}) {
    if (!(part >= 0.0) || part > 1.0) {
      throw Error(ErrorCode::kUsage,
                  fmt::format("min_coverage is {}, min_confidence is {}",
                              min_coverage, min_confidence),
                  "Give numbers in [0, 1].");
    }
  }
  if (!(max_inconsistency_px > 0.0)) {
    throw Error(ErrorCode::kUsage,
                fmt::format("max_inconsistency_px is {}", max_inconsistency_px),
                "Give a positive number of pixels.");
  }
}

int MatchMargin(const LocalMatchOptions& options) {
  return options.radius_px + kBackground;
}

std::vector<std::pair<size_t, size_t>> PairsToMatch(size_t editions) {
  std::vector<std::pair<size_t, size_t>> pairs;
  for (size_t a = 0; a < editions; ++a) {
    for (size_t b = a + 1; b < editions; ++b) {
      if (b - a <= kReach || b + 1 == editions) pairs.emplace_back(a, b);
    }
  }
  return pairs;
}

std::vector<LocalMatch> MatchLocally(const FramePart& part,
                                     const LocalMatchOptions& options) {
  options.Validate();
  std::vector<std::vector<LocalMatch>> found(
      static_cast<size_t>(part.windows.area()));
  cv::parallel_for_(
      cv::Range(0, part.windows.area()), [&](const cv::Range& range) {
        for (int i = range.start; i < range.end; ++i) {
          const cv::Point window(i % part.windows.width,
                                 i / part.windows.width);
          found[static_cast<size_t>(i)] =
              MatchWindow(part, part.windows.tl() + window, options);
        }
      });
  std::vector<LocalMatch> matches;
  for (const std::vector<LocalMatch>& some : found) {
    matches.insert(matches.end(), some.begin(), some.end());
  }
  return matches;
}

std::vector<LocalMatch> LikeNeighbours(const std::vector<LocalMatch>& matches,
                                       double tolerance_px) {
  using Key = std::tuple<size_t, size_t, int, int>;
  std::map<Key, const LocalMatch*> by_place;
  for (const LocalMatch& match : matches) {
    by_place[{match.a, match.b, match.window.x, match.window.y}] = &match;
  }
  std::vector<LocalMatch> kept;
  for (const LocalMatch& match : matches) {
    std::vector<double> x;
    std::vector<double> y;
    for (int dy = -kNeighbourhood; dy <= kNeighbourhood; ++dy) {
      for (int dx = -kNeighbourhood; dx <= kNeighbourhood; ++dx) {
        if (dx == 0 && dy == 0) continue;
        const auto other = by_place.find(
            {match.a, match.b, match.window.x + dx, match.window.y + dy});
        if (other == by_place.end()) continue;
        x.push_back(other->second->offset.x);
        y.push_back(other->second->offset.y);
      }
    }
    // A match that stands alone may be right, but nothing says so.
    if (x.size() < kFewestNeighbours) continue;
    const cv::Point2d typical(Median(x), Median(y));
    for (double& v : x) v = std::abs(v - typical.x);
    for (double& v : y) v = std::abs(v - typical.y);
    const double spread = 1.4826 * std::max(Median(x), Median(y));
    if (cv::norm(match.offset - typical) <=
        std::max(tolerance_px, 3.0 * spread)) {
      kept.push_back(match);
    }
  }
  return kept;
}

}  // namespace mapweave::tracking
