// SPDX-License-Identifier: MIT
//
// Makes the views of a batch by batched transforms on the batch's device: every
// image gets changes of its own, no image is touched alone.
//
// Internal to models: pulls in Torch.
#pragma once

#include "core/random.h"
#include "models/ssl/batch.h"
#include "models/ssl/view_recipe.h"

#include <torch/torch.h>

namespace mapweave::ssl {

// Global views first. All random numbers come from `rng`'s stream. Throws
// Error{kBadInput} unless images are [N, 3, H, W] (the palette and saturation
// are of three colours) and Error{kUsage} as ViewRecipe::Validate.
Views MakeViews(const Batch& batch, const ViewRecipe& recipe, const Rng& rng);

// The transforms by themselves. images: [N, C, H, W] in [0, 1]; `chosen`,
// [N] bool, says which of them are changed; strengths are [N].
// Crops, turns and flips by `affine`, [N, 2, 3], from the view's coordinates
// in [-1, 1] to the image's; reflected beyond its edge.
torch::Tensor Crop(const torch::Tensor& images, const torch::Tensor& affine,
                   int64_t side_px);
torch::Tensor GaussianBlur(const torch::Tensor& images,
                           const torch::Tensor& sigma_px,
                           const torch::Tensor& chosen);
// Brightness above one half is inverted.
torch::Tensor Solarise(const torch::Tensor& images,
                       const torch::Tensor& chosen);
// Brightness becomes the place between two colours, [N, 3] each.
torch::Tensor SwapPalette(const torch::Tensor& images, const torch::Tensor& ink,
                          const torch::Tensor& paper,
                          const torch::Tensor& chosen);
// Dark strokes grow by a pixel where `widen`, [N] bool, else they shrink.
torch::Tensor ChangeLineWidth(const torch::Tensor& images,
                              const torch::Tensor& widen,
                              const torch::Tensor& chosen);

}  // namespace mapweave::ssl
