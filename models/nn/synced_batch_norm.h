// SPDX-License-Identifier: MIT
//
// Batch norm over the joined batch of several processes: every process
// normalises by the mean and variance of all of them, forwards and backwards,
// so that the gradients are those of one process with the joined batch.
//
// Internal to models: pulls in Torch.
#pragma once

#include "models/nn/process_group.h"

#include <torch/torch.h>

namespace mapweave::nn {

struct BatchNormState {
  torch::Tensor running_mean;  // [C] float32; moved towards the batch's
  torch::Tensor running_var;   // [C], unbiased
  double momentum = 0.1;
  double epsilon = 1e-5;
};

// x: [N, C, H, W], of any N that is the process's share; scale and shift: [C]
// float32. Returns y like x. The gradients of scale and shift are those of the
// process's own share: their sum over the processes is that of the joined
// batch.
torch::Tensor SyncedBatchNorm(const torch::Tensor& x,
                              const torch::Tensor& scale,
                              const torch::Tensor& shift, BatchNormState& state,
                              ProcessGroup& group);

}  // namespace mapweave::nn
