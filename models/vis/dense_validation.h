// SPDX-License-Identifier: MIT
//
// Scores of a dense network on labelled clips, and the decoding options that
// reach the best ones.
//
// Internal to models: pulls in Torch.
#pragma once

#include "models/vis/dense_segmenter.h"
#include "models/vis/trainer.h"
#include "tracking/clip.h"

#include <vector>

namespace mapweave::vis {

// Labelled clips with what a network says of them.
struct ValidationSet {
  std::vector<tracking::LabelledClip> clips;
  std::vector<DenseMaps> maps;  // one per clip
};

// As a checkpoint's header holds them.
Json ToJson(const ValidationScores& scores, int clips);

// Clips 0 .. count - 1 of `source`, without maps.
ValidationSet LoadValidationSet(const tracking::ClipSource& source, int count);

// Fills `set.maps`. `net` is in evaluation mode.
void PredictValidationSet(DenseNet& net, const torch::Device& device,
                          ValidationSet& set);

// Chooses decode.min_score, all else as given, for the best sum of detection
// F1, link F1 and track F1: the last keeps it from taking in what it finds on
// one edition alone.
ValidationScores CalibrateScore(const ValidationSet& set,
                                DecodeOptions& decode);

// Chooses the other thresholds too, one after the other.
ValidationScores CalibrateAll(const ValidationSet& set, DecodeOptions& decode);

}  // namespace mapweave::vis
