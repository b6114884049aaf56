// SPDX-License-Identifier: MIT
#include "models/vis/dense_validation.h"

#include "core/error.h"
#include "models/vis/dense_checkpoint.h"
#include "models/vis/device.h"
#include "tracking/measures.h"

#include <initializer_list>

namespace mapweave::vis {
namespace {

using tracking::MatchScore;
using tracking::SeriesTracks;

double Sum(const ValidationScores& scores) {
  return scores.detection_f1 + scores.link_f1 + scores.track_f1;
}

// Tries `values` for one option and keeps the best.
template <typename T>
void CalibrateOption(const ValidationSet& set, std::initializer_list<T> values,
                     T DecodeOptions::*option, DecodeOptions& decode,
                     ValidationScores& best) {
  for (const T value : values) {
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

Json ToJson(const ValidationScores& scores, int clips) {
  return {{"clips", clips},
          {"detection_f1", scores.detection_f1},
          {"link_f1", scores.link_f1},
          {"track_f1", scores.track_f1},
          {"ap_unlimited", scores.ap_unlimited},
          {"threshold", scores.threshold}};
}

ValidationSet LoadValidationSet(const tracking::ClipSource& source, int count) {
  ValidationSet set;
  for (int i = 0; i < count; ++i) {
    set.clips.push_back(source.Get(static_cast<uint64_t>(i)));
  }
  return set;
}

void PredictValidationSet(DenseNet& net, const torch::Device& device,
                          ValidationSet& set) {
  set.maps.clear();
  for (const tracking::LabelledClip& labelled : set.clips) {
    set.maps.push_back(PredictMaps(net, labelled.clip, device));
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
  // From the middle outwards, so that of equally good thresholds the least
  // extreme one is chosen.
  constexpr int kSteps = 18;
  for (int i = 0; i <= kSteps; ++i) {
    tracking::MeasureOptions options;
    options.min_score = 0.5 + 0.05 * ((i + 1) / 2) * (i % 2 == 0 ? -1 : 1);
    const tracking::Measures measures = Evaluate(series, options);
    MatchScore detections;
    for (const auto& edition : measures.editions) detections += edition.counts;
    const ValidationScores scores{detections.F1(), measures.link_f1,
                                  measures.track_f1, measures.ap_unlimited,
                                  options.min_score};
    if (Sum(scores) > Sum(best)) best = scores;
  }
  decode.min_score = best.threshold;
  return best;
}

ValidationScores CalibrateAll(const ValidationSet& set, DecodeOptions& decode) {
  ValidationScores best = CalibrateScore(set, decode);
  CalibrateOption(set, {0.3, 0.4, 0.6, 0.7}, &DecodeOptions::interior_threshold,
                  decode, best);
  CalibrateOption(set, {0.3, 0.4, 0.6, 0.7},
                  &DecodeOptions::foreground_threshold, decode, best);
  CalibrateOption(set, {1, 3, 4}, &DecodeOptions::grow_px, decode, best);
  return best;
}

ValidationScores Calibrate(const std::string& checkpoint,
                           const tracking::ClipSource& source, int clips,
                           const std::string& device) {
  if (clips < 1) {
    throw Error(ErrorCode::kUsage, "calibration needs at least one clip");
  }
  const torch::Device torch_device = ToTorchDevice(device);
  DenseCheckpoint content = LoadDenseCheckpoint(checkpoint);
  content.net->to(torch_device);
  ValidationSet set = LoadValidationSet(source, clips);
  PredictValidationSet(content.net, torch_device, set);
  content.decode = DecodeOptions{};
  const ValidationScores scores = CalibrateAll(set, content.decode);
  content.training["validation"] = ToJson(scores, clips);
  SaveDenseCheckpoint(checkpoint, content);
  return scores;
}

}  // namespace mapweave::vis
