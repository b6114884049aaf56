// SPDX-License-Identifier: MIT
//
// mask_advice.h on tensors.
//
// Internal to models: pulls in Torch.
#pragma once

#include "models/ssl/mask_advice.h"

#include <torch/torch.h>

namespace mapweave::ssl {

// images: [N, 3, H, W] uint8, square; targets: [N, C] of any floating type, or
// undefined. Throws what AdviseMask throws.
MaskAdvice RankMasks(const torch::Tensor& images, const torch::Tensor& targets,
                     const MaskAdviceOptions& options, RunContext& context);

}  // namespace mapweave::ssl
