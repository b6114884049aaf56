// SPDX-License-Identifier: MIT
//
// The recipe for training the linker of a checkpoint: on simulated worlds,
// where it is known what became of every building.
#pragma once

#include "core/json.h"
#include "core/progress.h"
#include "models/vis/link_trainer.h"

#include <string>
#include <vector>

namespace mapweave::pipelines {

struct LinkWorldOptions {
  // Hands that the worlds are drawn in; empty: all.
  std::vector<std::string> hands;
  int clip_px = 128;
  vis::LinkTrainOptions training;
};

// Puts a newly trained linker into the checkpoint `options.training
// .checkpoint`; its network stays as it is. Validation clips come from worlds
// of another seed. Throws Error{kUsage} for that seed, and what
// synth::WorldClipSource and vis::TrainLinks throw.
vis::LinkTrainResult TrainLinksOnWorlds(const LinkWorldOptions& options,
                                        RunContext& context);

Json ToJson(const vis::LinkTrainResult& result);

}  // namespace mapweave::pipelines
