// SPDX-License-Identifier: MIT
#include "tracking/instance_registration.h"

#include "tracking/box_index.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace mapweave::tracking {
namespace {

// Neighbours farther than this many times consensus_px do not count.
constexpr double kReach = 2.0;

cv::Point CentreOf(const cv::Rect& box) { return (box.tl() + box.br()) / 2; }

// The square of that side around the middle of `bounds`, or more if `bounds`
// does not fit in.
cv::Rect Around(const cv::Rect& bounds, int side) {
  const cv::Point centre = CentreOf(bounds);
  const int half = side / 2;
  return bounds |
         cv::Rect(centre.x - half, centre.y - half, 2 * half, 2 * half);
}

// The smallest value at which half of the weight is reached.
int WeightedMedian(std::vector<std::pair<int, double>> values) {
  std::sort(values.begin(), values.end());
  double half = 0.0;
  for (const auto& [value, weight] : values) half += weight / 2.0;
  for (const auto& [value, weight] : values) {
    half -= weight;
    if (half <= 0.0) return value;
  }
  return values.back().first;
}

// What the instances around each one agree on, nearer and better fitting ones
// before others.
std::vector<cv::Point> ConsensusOf(const std::vector<cv::Rect>& bounds,
                                   const std::vector<InstanceShift>& shifts,
                                   double consensus_px) {
  BoxIndex index;
  for (size_t i = 0; i < bounds.size(); ++i) {
    index.Insert(static_cast<int>(i), {CentreOf(bounds[i]), cv::Size(1, 1)});
  }
  const int reach = static_cast<int>(kReach * consensus_px);
  std::vector<cv::Point> consensus;
  for (const cv::Rect& box : bounds) {
    const cv::Point centre = CentreOf(box);
    std::vector<std::pair<int, double>> x;
    std::vector<std::pair<int, double>> y;
    for (const int j : index.Overlapping({centre.x - reach, centre.y - reach,
                                          2 * reach + 1, 2 * reach + 1})) {
      const InstanceShift& other = shifts[static_cast<size_t>(j)];
      const cv::Point apart = CentreOf(bounds[static_cast<size_t>(j)]) - centre;
      const double near = std::hypot(static_cast<double>(apart.x),
                                     static_cast<double>(apart.y)) /
                          consensus_px;
      const double fit = std::max(other.correlation, 0.01);
      const double weight = fit * fit * std::exp2(-near * near);
      x.emplace_back(other.shift.x, weight);
      y.emplace_back(other.shift.y, weight);
    }
    consensus.emplace_back(WeightedMedian(std::move(x)),
                           WeightedMedian(std::move(y)));
  }
  return consensus;
}

}  // namespace

std::vector<InstanceShift> RegisterInstances(
    const BitImage& from, const BitImage& to,
    const std::vector<cv::Rect>& bounds, cv::Point window_shift,
    const InstanceRegistrationOptions& options) {
  std::vector<InstanceShift> shifts;
  for (const cv::Rect& box : bounds) {
    const cv::Rect near = Around(box, options.neighbourhood_px);
    cv::Point middle = window_shift;
    int reach = options.max_local_shift_px;
    if (options.wide_px > 0) {
      middle = FindShift(from, to, Around(box, options.wide_px), middle, reach)
                   .shift;
      reach /= 2;
    }
    const BoxShift own = FindShift(from, to, near, middle, reach);
    shifts.push_back({own.shift, own.shift, own.correlation,
                      CorrelationAt(from, to, near, window_shift)});
  }
  if (options.consensus_px <= 0.0) return shifts;
  const std::vector<cv::Point> consensus =
      ConsensusOf(bounds, shifts, options.consensus_px);
  for (size_t i = 0; i < bounds.size(); ++i) {
    InstanceShift& shift = shifts[i];
    shift.consensus = consensus[i];
    const cv::Point off = shift.shift - consensus[i];
    if (std::max(std::abs(off.x), std::abs(off.y)) <= options.max_dissent_px) {
      continue;
    }
    const BoxShift agreed =
        FindShift(from, to, Around(bounds[i], options.neighbourhood_px),
                  consensus[i], options.max_dissent_px);
    if (agreed.correlation + options.dissent < shift.correlation) continue;
    shift.shift = agreed.shift;
    shift.correlation = agreed.correlation;
  }
  return shifts;
}

}  // namespace mapweave::tracking
