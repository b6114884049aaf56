// SPDX-License-Identifier: MIT
//
// Which latents of a generator decode to something that could be real? The
// latent exploration score (ScaLES; Ronen et al., 2024, arXiv:2406.09657)
// says so from the decoder's Jacobian alone: where a small step in the latent
// changes the decoded distribution a lot, the decoder leaves what it has seen.
// Formulas as in the authors' public code, with an exact Jacobian in place of
// finite differences. Float64.
//
// Internal to models: pulls in Torch.
#pragma once

#include "core/random.h"
#include "models/ssl/relu_mlp.h"

#include <torch/torch.h>

#include <cstdint>

namespace mapweave::ssl {

// d (p, 1 / sum exp) / d logits at every position, p the softmax: diag(p) -
// p p^T, and below it the row -p / sum exp, without which a matrix of softmax
// derivatives has no full rank. logits: [N, L, V] to [N, L, V + 1, V].
torch::Tensor ExtendedSoftmaxJacobian(const torch::Tensor& logits);

// -sum_i log sigma_i(J) = -1/2 log det J^T J, J = extended softmax Jacobian
// times the logits' slope: [N], higher where the decoder is at home. logits:
// [N, L, V]; slope: d logits / dz, [N, L * V, d], d <= L * V. Differentiable in
// the logits. Singular values below 1e-12 count as that. Throws
// Error{kBadInput} for shapes that do not fit and values that are no numbers.
torch::Tensor LatentExplorationScore(const torch::Tensor& logits,
                                     const torch::Tensor& slope);

struct CategoricalVaeOptions {
  int64_t positions = 64;
  int64_t values = 2;  // that a position can take
  int64_t latent = 8;
  int64_t hidden = 128;
  double beta = 1.0;  // weight of the divergence
};

// A variational autoencoder (Kingma & Welling, 2014) of independent categorical
// positions, fully connected.
class CategoricalVaeImpl : public torch::nn::Module {
 public:
  CategoricalVaeImpl(const CategoricalVaeOptions& options, const Rng& rng);

  // Negative evidence lower bound per sample, in nats. cells: [N, positions]
  // int64; noise: [N, latent] normal.
  torch::Tensor Loss(const torch::Tensor& cells, const torch::Tensor& noise);
  // z: [N, latent] to logits [N, positions, values].
  torch::Tensor Decode(const torch::Tensor& z);
  // LatentExplorationScore at z, float64; differentiable in z but for the
  // borders of the decoder's affine regions. The weights are float64.
  torch::Tensor Score(const torch::Tensor& z);
  // Log-likelihood of what z decodes to, the most likely value everywhere.
  torch::Tensor Likelihood(const torch::Tensor& z);

 private:
  CategoricalVaeOptions options_;
  ReluMlp encoder_{nullptr};
  ReluMlp decoder_{nullptr};
};
TORCH_MODULE(CategoricalVae);

}  // namespace mapweave::ssl
