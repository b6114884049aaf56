// SPDX-License-Identifier: MIT
//
// Random tensors from the project's seeded streams. Numbers are drawn on the
// CPU, so that a run is the same on every device; Torch's global generator is
// never used.
//
// Internal to models: pulls in Torch.
#pragma once

#include "core/random.h"

#include <torch/torch.h>

namespace mapweave::ssl {

// A generator that depends on the stream of `rng` and leaves it as it is.
torch::Generator MakeGenerator(Rng rng);

// Draws all weights of `module` anew. Linear layers: uniform (Glorot & Bengio,
// 2010); convolutions: normal by fan-out (He et al., 2015); biases: 0. What
// belongs to no such layer keeps its value.
void InitialiseModule(torch::nn::Module& module, const Rng& rng);

// `count` rows drawn uniformly from the unit sphere of R^dims, float64.
torch::Tensor RandomDirections(int64_t count, int64_t dims,
                               torch::Generator& generator);

// A permutation of 0 .. n - 1, int64 on the CPU.
torch::Tensor RandomPermutation(int64_t n, torch::Generator& generator);

}  // namespace mapweave::ssl
