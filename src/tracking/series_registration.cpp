// SPDX-License-Identifier: MIT
#include "tracking/registration.h"

#include <algorithm>
#include <cmath>

namespace mapweave::tracking {
namespace {

// Pairs that disagree with the joint solution by this much count half, px.
constexpr double kDisagreementScale = 2.0;
constexpr int kReweightings = 20;

double Distance(cv::Point2d a, cv::Point2d b) { return cv::norm(a - b); }

// The newest edition's coordinates less each edition's, by following the most
// confident pairs from the newest edition on (Prim's maximum spanning tree).
std::vector<EditionShift> FollowBestPairs(const std::vector<PairShift>& pairs,
                                          size_t editions) {
  std::vector<EditionShift> shifts(editions);
  shifts.back().confidence = 1.0;
  shifts.back().is_confident = true;
  while (true) {
    const PairShift* best = nullptr;
    for (const PairShift& pair : pairs) {
      if (!pair.estimate.is_confident ||
          shifts[pair.a].is_confident == shifts[pair.b].is_confident) {
        continue;
      }
      if (best == nullptr ||
          pair.estimate.confidence > best->estimate.confidence) {
        best = &pair;
      }
    }
    if (best == nullptr) return shifts;
    const bool a_known = shifts[best->a].is_confident;
    const EditionShift& from = shifts[a_known ? best->a : best->b];
    EditionShift& to = shifts[a_known ? best->b : best->a];
    to.shift = a_known ? from.shift - best->estimate.shift
                       : from.shift + best->estimate.shift;
    to.confidence = std::min(from.confidence, best->estimate.confidence);
    to.is_confident = true;
  }
}

// One step of iteratively reweighted least squares with Cauchy weights.
void Reweigh(const std::vector<PairShift>& pairs,
             std::vector<EditionShift>& shifts) {
  const int unknowns = static_cast<int>(shifts.size()) - 1;
  cv::Mat normal = cv::Mat::zeros(unknowns, unknowns, CV_64F);
  cv::Mat right = cv::Mat::zeros(unknowns, 2, CV_64F);
  for (const PairShift& pair : pairs) {
    if (!pair.estimate.is_confident || !shifts[pair.a].is_confident) continue;
    // shift[a] - shift[b] = estimate; the newest edition's shift is 0.
    const cv::Point2d expected = shifts[pair.a].shift - shifts[pair.b].shift;
    const double off =
        Distance(expected, pair.estimate.shift) / kDisagreementScale;
    const double weight = pair.estimate.confidence / (1.0 + off * off);
    const int a = static_cast<int>(pair.a);
    const int b = static_cast<int>(pair.b);
    const cv::Point2d& d = pair.estimate.shift;
    normal.at<double>(a, a) += weight;
    right.at<double>(a, 0) += weight * d.x;
    right.at<double>(a, 1) += weight * d.y;
    if (b == unknowns) continue;
    normal.at<double>(b, b) += weight;
    normal.at<double>(a, b) -= weight;
    normal.at<double>(b, a) -= weight;
    right.at<double>(b, 0) -= weight * d.x;
    right.at<double>(b, 1) -= weight * d.y;
  }
  for (int i = 0; i < unknowns; ++i) {
    // Untied editions stay where they are.
    if (!shifts[static_cast<size_t>(i)].is_confident) {
      normal.at<double>(i, i) = 1.0;
    }
  }
  cv::Mat solution;
  if (!cv::solve(normal, right, solution, cv::DECOMP_CHOLESKY)) return;
  for (int i = 0; i < unknowns; ++i) {
    shifts[static_cast<size_t>(i)].shift = {solution.at<double>(i, 0),
                                            solution.at<double>(i, 1)};
  }
}

}  // namespace

void SeriesShiftOptions::Validate() const { pair.Validate(); }

SeriesShifts EstimateSeriesShifts(const std::vector<FeatureImage>& editions,
                                  const SeriesShiftOptions& options) {
  options.Validate();
  SeriesShifts series;
  if (editions.empty()) return series;
  const size_t newest = editions.size() - 1;
  for (size_t a = 0; a < newest; ++a) {
    for (size_t b = a + 1; b <= newest; ++b) {
      series.pairs.push_back(
          {a, b, EstimateShift(editions[a], editions[b], options.pair), 0.0});
    }
  }
  series.editions = FollowBestPairs(series.pairs, editions.size());
  if (newest > 0) {
    for (int i = 0; i < kReweightings; ++i) {
      Reweigh(series.pairs, series.editions);
    }
  }
  for (PairShift& pair : series.pairs) {
    pair.disagreement_px =
        Distance(pair.estimate.shift,
                 series.editions[pair.a].shift - series.editions[pair.b].shift);
  }
  return series;
}

}  // namespace mapweave::tracking
