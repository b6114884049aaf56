// SPDX-License-Identifier: MIT
//
// The loss of the dense network: binary cross-entropy and Dice (Milletari et
// al., 2016) on the foreground and on the interiors, smooth L1 on the offsets
// to the shared centres, and the focal loss of CenterNet (Zhou et al., 2019)
// on the map of centres.
//
// Internal to models: pulls in Torch.
#pragma once

#include "models/nn/process_group.h"
#include "models/vis/dense_net.h"
#include "models/vis/dense_targets.h"

#include <torch/torch.h>

namespace mapweave::vis {

// Scalars (float32). `total` is the weighted sum, the others are unweighted. Of
// a batch that several processes share, each holds its part of sums over all of
// them, divided by what the joined batch has to divide by: added up over the
// processes, they and their gradients are those of the joined batch.
struct DenseLoss {
  torch::Tensor total;
  torch::Tensor foreground;  // cross-entropy
  torch::Tensor interior;
  torch::Tensor foreground_dice;
  torch::Tensor interior_dice;
  torch::Tensor offset;
  torch::Tensor heat;
  // [B * T] float32, detached: `total` of every edition by itself, its clip's
  // heat counted on each. NaN without coverage.
  torch::Tensor editions;
};

// `output` for a batch with the sizes of `targets`. Pixels without coverage
// have no influence.
DenseLoss ComputeDenseLoss(const DenseOutput& output,
                           const DenseTargets& targets,
                           nn::ProcessGroup& group);
// In one process.
DenseLoss ComputeDenseLoss(const DenseOutput& output,
                           const DenseTargets& targets);

}  // namespace mapweave::vis
