// SPDX-License-Identifier: MIT
#include "tracking/average_precision.h"

#include "core/error.h"

#include <algorithm>
#include <numeric>

namespace mapweave::tracking {
namespace {

constexpr size_t kRecallPoints = 101;

// As numpy's linspace(0.5, 0.95, 10) has it, so that a pair that lies exactly
// on a threshold falls on the same side as in the official code.
double Threshold(size_t index) {
  constexpr double kStep = (0.95 - 0.5) / 9.0;
  return index + 1 == kApThresholds ? 0.95
                                    : static_cast<double>(index) * kStep + 0.5;
}

double RecallPoint(size_t index) {
  return index + 1 == kRecallPoints ? 1.0 : static_cast<double>(index) * 0.01;
}

// Greedy, best score first: each prediction takes the free true object that it
// overlaps most, the later one among equals, and a crowd region only if there
// is no other.
std::vector<JudgedPrediction> JudgeVideo(const ApVideo& video, size_t index,
                                         size_t max_predictions) {
  std::vector<size_t> order(video.scores.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return video.scores[a] > video.scores[b];
  });
  order.resize(std::min(order.size(), max_predictions));

  std::vector<std::vector<ApOverlap>> of_prediction(video.scores.size());
  for (const ApOverlap& overlap : video.overlaps) {
    MAPWEAVE_CHECK(overlap.prediction < video.scores.size());
    MAPWEAVE_CHECK(overlap.truth < video.truth.size());
    of_prediction[overlap.prediction].push_back(overlap);
  }
  for (std::vector<ApOverlap>& overlaps : of_prediction) {
    std::sort(overlaps.begin(), overlaps.end(),
              [](const ApOverlap& a, const ApOverlap& b) {
                return a.truth < b.truth;
              });
  }

  std::vector<JudgedPrediction> judged(order.size());
  for (size_t i = 0; i < order.size(); ++i) {
    judged[i].video = index;
    judged[i].prediction = order[i];
    judged[i].score = video.scores[order[i]];
  }
  for (size_t t = 0; t < kApThresholds; ++t) {
    std::vector<char> taken(video.truth.size(), 0);
    for (size_t i = 0; i < order.size(); ++i) {
      double least = std::min(Threshold(t), 1.0 - 1e-10);
      const ApOverlap* counted = nullptr;
      const ApOverlap* crowd = nullptr;
      double crowd_least = least;
      for (const ApOverlap& overlap : of_prediction[order[i]]) {
        if (video.truth[overlap.truth] == TruthKind::kCrowd) {
          if (overlap.iou < crowd_least) continue;
          crowd_least = overlap.iou;
          crowd = &overlap;
        } else {
          if (taken[overlap.truth] || overlap.iou < least) continue;
          least = overlap.iou;
          counted = &overlap;
        }
      }
      if (counted != nullptr) {
        taken[counted->truth] = 1;
        judged[i].verdicts[t] = Verdict::kRight;
      } else if (crowd != nullptr) {
        judged[i].verdicts[t] = Verdict::kIgnored;
      }
    }
  }
  return judged;
}

double Mean(const std::vector<double>& values) {
  double sum = 0.0;
  for (const double value : values) sum += value;
  return values.empty() ? -1.0 : sum / static_cast<double>(values.size());
}

struct Curve {
  double precision = 0.0;
  double recall = 0.0;
};

Curve CurveAt(std::span<const JudgedPrediction> judged,
              std::span<const double> weights, size_t threshold,
              double truths) {
  std::vector<double> recalls;
  std::vector<double> precisions;
  double right = 0.0;
  double wrong = 0.0;
  for (size_t i = 0; i < judged.size(); ++i) {
    // Ignored predictions repeat the point before them, as the official
    // cumulative sums do.
    const Verdict verdict = judged[i].verdicts[threshold];
    if (verdict == Verdict::kRight) right += weights[i];
    if (verdict == Verdict::kWrong) wrong += weights[i];
    recalls.push_back(right / truths);
    precisions.push_back(
        right / (right + wrong + std::numeric_limits<double>::epsilon()));
  }
  for (size_t i = precisions.size(); i-- > 1;) {
    precisions[i - 1] = std::max(precisions[i - 1], precisions[i]);
  }
  Curve curve;
  if (!recalls.empty()) curve.recall = recalls.back();
  for (size_t point = 0; point < kRecallPoints; ++point) {
    const auto at =
        std::lower_bound(recalls.begin(), recalls.end(), RecallPoint(point));
    if (at == recalls.end()) break;
    curve.precision += precisions[static_cast<size_t>(at - recalls.begin())];
  }
  curve.precision /= static_cast<double>(kRecallPoints);
  return curve;
}

}  // namespace

double ApResult::Ap() const { return Mean(precision); }
double ApResult::Ar() const { return Mean(recall); }

std::vector<JudgedPrediction> JudgePredictions(std::span<const ApVideo> videos,
                                               size_t max_predictions) {
  std::vector<JudgedPrediction> judged;
  for (size_t v = 0; v < videos.size(); ++v) {
    const std::vector<JudgedPrediction> of_video =
        JudgeVideo(videos[v], v, max_predictions);
    judged.insert(judged.end(), of_video.begin(), of_video.end());
  }
  std::stable_sort(judged.begin(), judged.end(),
                   [](const JudgedPrediction& a, const JudgedPrediction& b) {
                     return a.score > b.score;
                   });
  return judged;
}

ApResult WeightedPrecision(std::span<const JudgedPrediction> judged,
                           std::span<const double> weights, double truths) {
  MAPWEAVE_CHECK(judged.size() == weights.size());
  ApResult result;
  for (size_t t = 0; t < kApThresholds; ++t) {
    const Curve curve =
        truths > 0.0 ? CurveAt(judged, weights, t, truths) : Curve{-1.0, -1.0};
    result.precision.push_back(curve.precision);
    result.recall.push_back(curve.recall);
  }
  return result;
}

ApResult AveragePrecision(std::span<const ApVideo> videos,
                          size_t max_predictions) {
  int64_t truths = 0;
  for (const ApVideo& video : videos) {
    truths +=
        std::count(video.truth.begin(), video.truth.end(), TruthKind::kCounted);
  }
  const std::vector<JudgedPrediction> judged =
      JudgePredictions(videos, max_predictions);
  return WeightedPrecision(judged, std::vector<double>(judged.size(), 1.0),
                           static_cast<double>(truths));
}

}  // namespace mapweave::tracking
