// SPDX-License-Identifier: MIT
//
// Average precision and recall as the official COCO and YouTube-VIS code has
// them (pycocotools cocoeval.py, ytvoseval.py), on overlaps that the caller
// has computed: boxes, masks or tracks through time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace mapweave::tracking {

enum class TruthKind {
  kCounted,
  // Predictions that match it count neither as right nor as wrong, and any
  // number of them may (COCO's crowd regions).
  kCrowd,
};

struct ApOverlap {
  size_t prediction = 0;
  size_t truth = 0;
  double iou = 0.0;
};

// One image or video, one class.
struct ApVideo {
  std::vector<double> scores;    // one per prediction
  std::vector<TruthKind> truth;  // one per true object
  // Pairs that overlap, in any order; the rest have IoU 0.
  std::vector<ApOverlap> overlaps;
};

inline constexpr size_t kApThresholds = 10;  // IoU 0.50:0.05:0.95

struct ApResult {
  // Per threshold; -1 where there is nothing to be found.
  std::vector<double> precision;  // mean over 101 recall points
  std::vector<double> recall;     // reached by the last prediction

  // Means over thresholds.
  double Ap() const;
  double Ar() const;
};

enum class Verdict : uint8_t { kWrong, kRight, kIgnored };

// What the greedy matching says of one prediction, per threshold.
struct JudgedPrediction {
  size_t video = 0;
  size_t prediction = 0;  // within its video
  double score = 0.0;
  std::array<Verdict, kApThresholds> verdicts{};
};

// At most `max_predictions` of each video, by score, are looked at. Best score
// first; equal scores keep their order within a video, and the order of the
// videos.
std::vector<JudgedPrediction> JudgePredictions(
    std::span<const ApVideo> videos,
    size_t max_predictions = std::numeric_limits<size_t>::max());

// Of judged predictions that count weights[i] times each, among `truths` true
// objects.
ApResult WeightedPrecision(std::span<const JudgedPrediction> judged,
                           std::span<const double> weights, double truths);

// All of them once.
ApResult AveragePrecision(
    std::span<const ApVideo> videos,
    size_t max_predictions = std::numeric_limits<size_t>::max());

}  // namespace mapweave::tracking
