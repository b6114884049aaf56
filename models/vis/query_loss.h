// SPDX-License-Identifier: MIT
//
// The loss of the query network: after the decoder's every layer, queries are
// matched one to one with the true tracks, and answer for their class and their
// masks (Cheng et al., 2022, section 3; for videos arXiv 2112.10764).
//
// Internal to models: pulls in Torch.
#pragma once

#include "models/nn/process_group.h"
#include "models/vis/batch_loader.h"
#include "models/vis/query_net.h"
#include "tracking/assignment.h"

#include <torch/torch.h>

#include <vector>

namespace mapweave::vis {

// Scalars (float32), unweighted but for the total; of the last answer, the
// total over all answers. Of a batch that several processes share, parts of
// those of the joined batch, as in DenseLoss.
struct QueryLoss {
  torch::Tensor total;
  torch::Tensor classes;
  torch::Tensor masks;  // cross-entropy
  torch::Tensor dice;
  torch::Tensor presence;  // 0 without the option
  // [B] float32, detached: what the last answer adds to `total`, every clip by
  // itself.
  torch::Tensor clips;
};

// What all queries would cost as each of N tracks, from L places at which both
// are known: cross-entropy and Dice of the masks and the class's probability,
// weighted as in the loss. Returns [K, N].
//   logits, [K, L]; target and weight, [N, L]: in [0, 1], weight 0 = not asked;
//   building: [K] probability.
struct MatchingInput {
  torch::Tensor logits;
  torch::Tensor target;
  torch::Tensor weight;
  torch::Tensor building;
};
torch::Tensor MatchingCost(const MatchingInput& input);

// `output` for `batch`, on the same device as the network. What is drawn at
// random for a clip depends on batch.seed and its place in the joined batch.
// Pixels without coverage have no influence.
QueryLoss ComputeQueryLoss(const QueryOutput& output, const Batch& batch,
                           const QueryConfig& config, nn::ProcessGroup& group);
// In one process.
QueryLoss ComputeQueryLoss(const QueryOutput& output, const Batch& batch,
                           const QueryConfig& config);

}  // namespace mapweave::vis
