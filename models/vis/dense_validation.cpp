// SPDX-License-Identifier: MIT
#include "models/vis/dense_validation.h"

#include "core/error.h"
#include "tracking/measures.h"

#include <span>

namespace mapweave::vis {
namespace {

using tracking::MatchScore;
using tracking::SeriesTracks;

double Sum(const ValidationScores& scores) {
  return scores.detection_f1 + scores.link_f1;
}

// Tries `values` for one option and keeps the best.
void CalibrateOption(const ValidationSet& set, std::span<const double> values,
                     double DecodeOptions::*option, DecodeOptions& decode,
                     ValidationScores& best) {
  for (const double value : values) {
    DecodeOptions candidate = decode;
    candidate.*option = value;
    const ValidationScores scores = CalibrateScore(set, candidate);
    if (Sum(scores) > Sum(best)) {
      best = scores;
      decode = candidate;
    }
  }
}

}  // namespace

ValidationSet LoadValidationSet(const tracking::ClipSource& source, int count) {
  ValidationSet set;
  for (int i = 0; i < count; ++i) {
    set.clips.push_back(source.Get(static_cast<uint64_t>(i)));
  }
  return set;
}

void PredictValidationSet(DenseNet& net, const torch::Device& device,
                          torch::ScalarType dtype, ValidationSet& set) {
  set.maps.clear();
  for (const tracking::LabelledClip& labelled : set.clips) {
    set.maps.push_back(PredictMaps(net, labelled.clip, device, dtype));
  }
}

ValidationScores CalibrateScore(const ValidationSet& set,
                                DecodeOptions& decode) {
  MAPWEAVE_CHECK(set.maps.size() == set.clips.size());
  std::vector<SeriesTracks> series;
  for (size_t i = 0; i < set.clips.size(); ++i) {
    series.push_back(
        {DecodeAllTracks(set.maps[i], set.clips[i].clip.coverage, decode),
         tracking::TracksFromLabels(set.clips[i].labels)});
  }
  ValidationScores best;
  best.detection_f1 = -1.0;
  constexpr int kSteps = 18;
  for (int i = 0; i <= kSteps; ++i) {
    tracking::MeasureOptions options;
    options.min_score = 0.05 * i;
    const tracking::Measures measures = Evaluate(series, options);
    MatchScore detections;
    for (const auto& edition : measures.editions) detections += edition.counts;
    const ValidationScores scores{detections.F1(), measures.link_f1,
                                  measures.ap_unlimited, options.min_score};
    if (Sum(scores) > Sum(best)) best = scores;
  }
  decode.min_score = best.threshold;
  return best;
}

ValidationScores CalibrateAll(const ValidationSet& set, DecodeOptions& decode) {
  ValidationScores best = CalibrateScore(set, decode);
  constexpr double kInterior[] = {0.3, 0.4, 0.6, 0.7};
  constexpr double kForeground[] = {0.3, 0.4, 0.6, 0.7};
  constexpr double kDistance[] = {3.0, 5.0, 8.0, 12.0};
  CalibrateOption(set, kInterior, &DecodeOptions::interior_threshold, decode,
                  best);
  CalibrateOption(set, kForeground, &DecodeOptions::foreground_threshold,
                  decode, best);
  CalibrateOption(set, kDistance, &DecodeOptions::centre_distance_px, decode,
                  best);
  return best;
}

}  // namespace mapweave::vis
