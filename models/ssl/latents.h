// SPDX-License-Identifier: MIT
//
// Data whose latents are known, on which it can be asked what a network has
// found of them: clusters of directions on a sphere, seen through a network
// that loses nothing. Labels are the clusters, as in the generating process of
// Reizinger et al., 2024, arXiv:2410.21869, under which cross-entropy finds the
// latents up to a linear map.
//
// Internal to models: pulls in Torch.
#pragma once

#include "core/random.h"

#include <torch/torch.h>

#include <cstdint>
#include <vector>

namespace mapweave::ssl {

// Draws one unit vector around each row of `centres`, [N, D] of unit length,
// D >= 2: von Mises-Fisher with `concentration` >= 0, by rejection (Wood,
// 1994); 0 is uniform. Returns [N, D] float64. Throws Error{kBadInput}.
torch::Tensor SampleVonMisesFisher(const torch::Tensor& centres,
                                   double concentration, Rng rng);

struct LatentOptions {
  int64_t dims = 5;
  int64_t clusters = 100;
  double concentration = 10.0;
  // Of the network that the latents are seen through.
  int64_t layers = 3;
  double negative_slope = 0.2;
  // Throws Error{kUsage} naming the option.
  void Validate() const;
};

struct LatentSet {
  torch::Tensor latents;       // [N, dims] float64, unit length
  torch::Tensor cluster;       // [N] int64
  torch::Tensor observations;  // [N, dims] float64
};

class LatentWorld {
 public:
  // Cluster centres uniform on the sphere; mixing matrices orthogonal, so that
  // with a slope above 0 no two latents look alike. Throws what Validate
  // throws.
  LatentWorld(const LatentOptions& options, const Rng& rng);

  // Clusters are drawn uniformly. Sets of different streams are independent.
  LatentSet Draw(int64_t count, const Rng& rng) const;

  // `layers` times an orthogonal matrix and a leaky ReLU; and back. [N, dims].
  torch::Tensor Mix(const torch::Tensor& latents) const;
  torch::Tensor Unmix(const torch::Tensor& observations) const;

  const torch::Tensor& Centres() const { return centres_; }

 private:
  LatentOptions options_;
  torch::Tensor centres_;              // [clusters, dims]
  std::vector<torch::Tensor> mixing_;  // each [dims, dims]
};

}  // namespace mapweave::ssl
