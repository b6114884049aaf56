// SPDX-License-Identifier: MIT
#include "models/vis/validation.h"

#include "core/error.h"
#include "models/vis/checkpoint.h"
#include "models/vis/device.h"
#include "tracking/measures.h"

namespace mapweave::vis {
namespace {

using tracking::MatchScore;
using tracking::SeriesTracks;

double Sum(const ValidationScores& scores) {
  return scores.detection_f1 + scores.link_f1 + scores.track_f1;
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

void PredictValidationSet(Network& network, const Compute& compute,
                          ValidationSet& set) {
  set.predictions.clear();
  for (const tracking::LabelledClip& labelled : set.clips) {
    set.predictions.push_back(network.Predict(labelled.clip, compute));
  }
}

ValidationScores CalibrateScore(const Network& network,
                                const ValidationSet& set, Json& decode) {
  MAPWEAVE_CHECK(set.predictions.size() == set.clips.size());
  std::vector<SeriesTracks> series;
  for (size_t i = 0; i < set.clips.size(); ++i) {
    series.push_back({network.AllTracks(*set.predictions[i],
                                        set.clips[i].clip.coverage, decode),
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
  decode["min_score"] = best.threshold;
  return best;
}

ValidationScores CalibrateAll(const Network& network, const ValidationSet& set,
                              Json& decode) {
  ValidationScores best = CalibrateScore(network, set, decode);
  for (const DecodeChoice& choice : network.DecodeChoices()) {
    for (const Json& value : choice.values) {
      Json candidate = decode;
      candidate[choice.key] = value;
      const ValidationScores scores = CalibrateScore(network, set, candidate);
      if (Sum(scores) > Sum(best)) {
        best = scores;
        decode = candidate;
      }
    }
  }
  return best;
}

ValidationScores Calibrate(const std::string& checkpoint,
                           const tracking::ClipSource& source, int clips,
                           const std::string& device) {
  if (clips < 1) {
    throw Error(ErrorCode::kUsage, "calibration needs at least one clip");
  }
  const Compute compute = ToCompute(device, "auto");
  Checkpoint content = LoadCheckpoint(checkpoint);
  Network& network = *content.network;
  network.Module().to(compute.device);
  ValidationSet set = LoadValidationSet(source, clips);
  PredictValidationSet(network, compute, set);
  content.decode = network.CheckDecode(Json::object());
  const ValidationScores scores = CalibrateAll(network, set, content.decode);
  content.training["validation"] = ToJson(scores, clips);
  SaveCheckpoint(checkpoint, content);
  return scores;
}

}  // namespace mapweave::vis
