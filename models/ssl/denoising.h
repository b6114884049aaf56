// SPDX-License-Identifier: MIT
//
// What a linear autoencoder learns from noisy images, in closed form
// (Balestriero & LeCun, 2024): without any training it says which noise makes
// reconstruction keep the directions that labels need. Only second moments
// enter.
//
// Internal to models: pulls in Torch.
#pragma once

#include <torch/torch.h>

#include <cstdint>

namespace mapweave::ssl {

struct NoiseKind {
  // Deviation of white noise on every pixel.
  double gaussian_sigma = 0.0;
  // Share of the square patches of `patch_px` that are set to 0; a patch of one
  // pixel drops pixels one by one.
  double drop = 0.0;
  int64_t patch_px = 1;
};

// Mean outer product of images, [H * W, H * W] float64. images: [N, H, W].
torch::Tensor SecondMoments(const torch::Tensor& images);

// The best linear code of `width` dimensions for reconstructing the clean image
// from the noisy one: [H * W, width] float64, most important column first. The
// columns are the leading generalised eigenvectors of (S S, E[noisy noisy^T]),
// S the second moments; for white noise E is S + sigma^2 I, for dropped patches
// S scaled by 1 / (1 - drop) within a patch. moments: [H * W, H * W] of images
// that are `image_width` pixels wide. Throws Error{kBadInput} for a matrix of
// another shape, patches that do not fill the image, a drop outside [0, 1) and
// a width above H * W.
torch::Tensor DenoisingCode(const torch::Tensor& moments, int64_t image_width,
                            const NoiseKind& noise, int64_t width);

// Sine of the largest angle between the spaces that the columns of two
// matrices of one shape span.
double LargestAngle(const torch::Tensor& first, const torch::Tensor& second);

}  // namespace mapweave::ssl
