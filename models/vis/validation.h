// SPDX-License-Identifier: MIT
//
// Scores of a network on labelled clips, and the decoding options that
// reach the best ones.
//
// Internal to models: pulls in Torch.
#pragma once

#include "models/vis/network.h"
#include "models/vis/trainer.h"
#include "tracking/clip.h"

#include <memory>
#include <vector>

namespace mapweave::vis {

// Labelled clips with what a network says of them.
struct ValidationSet {
  std::vector<tracking::LabelledClip> clips;
  std::vector<std::unique_ptr<Prediction>> predictions;  // one per clip
};

// As a checkpoint's header holds them.
Json ToJson(const ValidationScores& scores, int clips);

// Clips 0 .. count - 1 of `source`, without predictions.
ValidationSet LoadValidationSet(const tracking::ClipSource& source, int count);

// Fills `set.predictions`. `network` is in evaluation mode on the device of
// `compute`.
void PredictValidationSet(Network& network, const Compute& compute,
                          ValidationSet& set);

// Chooses decode["min_score"], all else as given, for the best sum of detection
// F1, link F1 and track F1: the last keeps it from taking in what it finds on
// one edition alone.
ValidationScores CalibrateScore(const Network& network,
                                const ValidationSet& set, Json& decode);

// Chooses Network::DecodeChoices too, one after the other.
ValidationScores CalibrateAll(const Network& network, const ValidationSet& set,
                              Json& decode);

}  // namespace mapweave::vis
