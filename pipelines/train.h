// SPDX-License-Identifier: MIT
//
// Recipes for training: which clips, which network, in which order.
#pragma once

#include "core/json.h"
#include "core/progress.h"
#include "models/vis/trainer.h"

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
  std::string checkpoint_sha256;
};

// Trains on simulated worlds made as they are needed. Validation clips come
// from worlds of another seed.
TrainReport TrainOnWorlds(const WorldTrainOptions& options,
                          RunContext& context);

// Chooses the decoding thresholds of the checkpoint `options.training.output`
// anew, on validation worlds, and writes them into the file.
vis::ValidationScores CalibrateOnWorlds(const WorldTrainOptions& options);

Json ToJson(const TrainReport& report);

}  // namespace mapweave::pipelines
