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

// How much of `second`'s space `first`'s lacks: 1 - |A^T B|^2 / K for
// orthonormal bases A, B of the two, the mean squared sine of their principal
// angles. 0 where they are one space, 1 where they are orthogonal; unlike the
// largest sine it does not saturate. Matrices of one shape, [D, K].
double SubspaceChange(const torch::Tensor& first, const torch::Tensor& second);

// Sine of the largest angle between the spaces that the columns of two
// matrices of one shape span.
double LargestAngle(const torch::Tensor& first, const torch::Tensor& second);

// Principal directions whose variance, added up from the largest, begins in
// [from, to) of the whole: {0, 0.9} are the fewest that make up 90 %, {0.8, 1}
// the rest after those that make up 80 %. [D, K] float64, largest first.
// moments: [D, D]. Throws Error{kBadInput} for a range outside 0 <= from < to
// <= 1 and for one without any direction.
struct VarianceBand {
  double from = 0.0;
  double to = 1.0;
};
torch::Tensor BandDirections(const torch::Tensor& moments,
                             const VarianceBand& band);

// Supervised alignment (the same paper's code): the share of what all features
// say about the targets that a code keeps, |Y Y^T Q_code|_F / |Y Y^T Q_all|_F
// with orthonormal bases Q of the columns and centred targets Y. features: [N,
// D], code: [N, K] of the same samples, K <= D; targets: [N, C]. In [0, 1] if
// the code is a function of the features. Throws Error{kBadInput}.
double SupervisedAlignment(const torch::Tensor& features,
                           const torch::Tensor& code,
                           const torch::Tensor& targets);

}  // namespace mapweave::ssl
