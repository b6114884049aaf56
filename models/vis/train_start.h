// SPDX-License-Identifier: MIT
//
// What a training begins with: the weights, where and in which type it
// computes, and the recipe that it is known by.
//
// Internal to models: pulls in Torch.
#pragma once

#include "core/json.h"
#include "models/vis/checkpoint.h"
#include "models/vis/trainer.h"

#include <torch/torch.h>

namespace mapweave::vis {

// What must be the same for a resumed run to go on as if never interrupted.
Json Recipe(const TrainOptions& options);

// A checkpoint to start from or to go on from, or fresh weights. Throws what
// LoadCheckpoint and MakeNetwork throw.
Checkpoint StartingPoint(const TrainOptions& options);

// The device as ResolveDevice has it; of several processes each takes a GPU of
// its own unless told which.
torch::Device DeviceOf(const TrainOptions& options);

// Of convolutions: bfloat16 if asked for and there.
torch::ScalarType ComputeType(const TrainOptions& options,
                              const torch::Device& device);

}  // namespace mapweave::vis
