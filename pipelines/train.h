// SPDX-License-Identifier: MIT
//
// Recipes for training: which clips, which network, in which order.
#pragma once

#include "core/json.h"
#include "core/progress.h"
#include "models/vis/trainer.h"
#include "pipelines/videos.h"

#include <cstdint>
#include <string>
#include <vector>

namespace mapweave::pipelines {

struct WorldTrainOptions {
  // Hands that the training worlds are drawn in; empty: all.
  std::vector<std::string> hands;
  int clip_px = 128;
  vis::TrainOptions training;
};

struct TrainReport {
  vis::TrainResult result;
  std::string checkpoint;
  // Empty but in the first of several processes.
  std::string checkpoint_sha256;
};

// Trains on simulated worlds made as they are needed. Validation clips come
// from worlds of another seed.
TrainReport TrainOnWorlds(const WorldTrainOptions& options,
                          RunContext& context);

// Chooses the decoding thresholds of the checkpoint `options.training.output`
// anew, on validation worlds, and writes them into the file.
vis::ValidationScores CalibrateOnWorlds(const WorldTrainOptions& options);

struct VideoTrainOptions {
  // Scans that nobody has labelled, georeferenced or not.
  std::vector<std::string> sheets;
  MapSheetOptions reading;
  // Its seed is that of `training`.
  synth::VideoOptions clips;
  vis::TrainOptions training;
};

// Pretrains on synthetic videos cut from unlabelled sheets. Validation clips
// come from the same sheets with another seed: they tell whether the network
// learns, not how well it does on real labels. Throws Error{kBadInput} if fewer
// than ten buildings are guessed, and what ReadMapSheets,
// synth::VideoClipSource and vis::Train throw.
TrainReport PretrainOnSheets(const VideoTrainOptions& options,
                             RunContext& context);

// Trains on any clips; `validation` may be null. Throws what vis::Train throws.
TrainReport TrainOn(const tracking::ClipSource& train,
                    const tracking::ClipSource* validation,
                    const vis::TrainOptions& training, RunContext& context);

Json ToJson(const TrainReport& report);

}  // namespace mapweave::pipelines
