// SPDX-License-Identifier: MIT
#include "core/error.h"
#include "tracking/correlation_peak.h"
#include "tracking/masked_correlation.h"
#include "tracking/registration.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace mapweave::tracking {
namespace {

// Pairs that disagree with the joint solution by this much count half, px.
constexpr double kDisagreementScale = 2.0;
constexpr int kReweightings = 20;

// Tiles in rows; what is left at the right and lower edge is a tile of its own
// if it is at least half as wide and high.
std::vector<cv::Rect> TilesOf(cv::Size size, int tile_px) {
  std::vector<cv::Rect> tiles;
  const auto steps = [&](int length) {
    return std::max(1, (length + tile_px / 2) / tile_px);
  };
  for (int row = 0; row < steps(size.height); ++row) {
    for (int col = 0; col < steps(size.width); ++col) {
      tiles.push_back(cv::Rect(col * tile_px, row * tile_px, tile_px, tile_px) &
                      cv::Rect(cv::Point(0, 0), size));
    }
  }
  return tiles;
}

int FoldOf(const cv::Rect& tile, int tile_px) {
  return (tile.x / tile_px + tile.y / tile_px) % 2;
}

double CoveredPart(const FeatureImage& image, cv::Rect tile) {
  if (image.coverage.empty()) return 1.0;
  return static_cast<double>(cv::countNonZero(image.coverage(tile))) /
         static_cast<double>(tile.area());
}

double Distance(cv::Point2d a, cv::Point2d b) { return cv::norm(a - b); }

double Median(std::vector<double> values) {
  const size_t middle = values.size() / 2;
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(middle);
  std::nth_element(values.begin(), at, values.end());
  if (values.size() % 2 == 1) return *at;
  return 0.5 * (*at + *std::max_element(values.begin(), at));
}

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

// Coverage of every second tile, as on a chessboard.
FeatureImage Fold(const FeatureImage& image, int tile_px, int fold) {
  FeatureImage kept;
  kept.features = image.features;
  kept.coverage = cv::Mat::zeros(image.features.size(), CV_8UC1);
  for (const cv::Rect& tile : TilesOf(image.features.size(), tile_px)) {
    if (FoldOf(tile, tile_px) != fold) continue;
    if (image.coverage.empty()) {
      kept.coverage(tile).setTo(255);
    } else {
      image.coverage(tile).copyTo(kept.coverage(tile));
    }
  }
  return kept;
}

void MeasureResidual(const FeatureImage& a, const FeatureImage& b,
                     cv::Point2d shift, const SeriesShiftOptions& options,
                     EditionShift& result) {
  const int tile_px = options.local.tile_px;
  const std::vector<LocalShift> tiles =
      EstimateLocalShifts(a, b, shift, options.local);
  std::vector<double> distances;
  for (const int fold : {0, 1}) {
    const ShiftEstimate others =
        EstimateShift(Fold(a, tile_px, 1 - fold), b, options.pair);
    if (!others.is_confident) continue;
    for (const LocalShift& tile : tiles) {
      if (FoldOf(tile.tile, tile_px) != fold || !tile.estimate.is_confident) {
        continue;
      }
      distances.push_back(Distance(tile.estimate.shift, others.shift));
    }
  }
  result.held_out_points = distances.size();
  if (!distances.empty()) result.residual_px = Median(distances);
}

// The edition against which `edition` is best measured: the newest if that is
// possible, else that of the most confident pair.
const PairShift* PairToCompare(const std::vector<PairShift>& pairs,
                               size_t edition, size_t newest) {
  const PairShift* best = nullptr;
  for (const PairShift& pair : pairs) {
    if (!pair.estimate.is_confident) continue;
    if (pair.a != edition && pair.b != edition) continue;
    if (pair.b == newest) return &pair;
    if (best == nullptr ||
        pair.estimate.confidence > best->estimate.confidence) {
      best = &pair;
    }
  }
  return best;
}

}  // namespace

void LocalShiftOptions::Validate() const {
  if (tile_px < 32) {
    throw Error(ErrorCode::kUsage, fmt::format("tile_px is {}", tile_px),
                "Give 32 pixels or more.");
  }
  if (!(max_deviation_px >= 1.0) || !std::isfinite(max_deviation_px)) {
    throw Error(ErrorCode::kUsage,
                fmt::format("max_deviation_px is {}", max_deviation_px),
                "Give 1 pixel or more.");
  }
  for (const double part : {min_coverage, min_confidence}) {
    if (!(part >= 0.0) || part > 1.0) {
      throw Error(ErrorCode::kUsage,
                  fmt::format("min_coverage is {}, min_confidence is {}",
                              min_coverage, min_confidence),
                  "Give numbers in [0, 1].");
    }
  }
}

void SeriesShiftOptions::Validate() const {
  pair.Validate();
  local.Validate();
}

std::vector<LocalShift> EstimateLocalShifts(const FeatureImage& a,
                                            const FeatureImage& b,
                                            cv::Point2d whole_shift,
                                            const LocalShiftOptions& options) {
  options.Validate();
  std::vector<LocalShift> shifts;
  const int limit = static_cast<int>(std::floor(options.max_deviation_px));
  CorrelationRequest request;
  request.origin = cv::Point(cvRound(whole_shift.x), cvRound(whole_shift.y));
  request.radius = limit + kBackground;
  request.min_overlap = options.min_coverage;
  for (const cv::Rect& tile : TilesOf(a.features.size(), options.tile_px)) {
    if (CoveredPart(a, tile) < options.min_coverage) continue;
    request.part = tile;
    LocalShift shift;
    shift.tile = tile;
    shift.estimate =
        LocatePeak(Correlate(a, b, request), limit, request.origin);
    shift.estimate.is_confident =
        shift.estimate.confidence > 0.0 &&
        shift.estimate.confidence >= options.min_confidence;
    shifts.push_back(shift);
  }
  return shifts;
}

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
  for (size_t i = 0; i < newest; ++i) {
    const PairShift* pair = PairToCompare(series.pairs, i, newest);
    if (pair == nullptr) continue;
    EditionShift& edition = series.editions[i];
    edition.compared_with = pair->a == i ? pair->b : pair->a;
    MeasureResidual(editions[pair->a], editions[pair->b], pair->estimate.shift,
                    options, edition);
  }
  return series;
}

}  // namespace mapweave::tracking
