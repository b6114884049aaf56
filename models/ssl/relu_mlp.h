// SPDX-License-Identifier: MIT
//
// A fully connected ReLU network: the smallest on which theory about piecewise
// affine networks can be tried out. Its Jacobian is exact, from the masks of
// its ReLUs, so that no differences of nearby values are taken.
//
// Internal to models: pulls in Torch.
#pragma once

#include "core/random.h"
#include "models/ssl/batch.h"

#include <torch/torch.h>

#include <cstdint>
#include <vector>

namespace mapweave::ssl {

class ReluMlpImpl : public torch::nn::Module {
 public:
  // widths: inputs, hidden layers, outputs; ReLU stands between the layers, not
  // after the last. Weights and biases are uniform in +-1 / sqrt(inputs of the
  // layer). Throws Error{kBadInput} for fewer than two widths or one below 1.
  ReluMlpImpl(const std::vector<int64_t>& widths, const Rng& rng,
              torch::Dtype dtype = torch::kFloat);

  // x: [N, inputs] to [N, outputs]. Taps get the pre-activations of the hidden
  // layers, "layer.0" first; the last layer's output is none.
  torch::Tensor forward(const torch::Tensor& x, Taps* taps = nullptr);

  // d forward(x) / dx, [N, outputs, inputs], without a graph: it is constant
  // on each of the network's affine regions. Of x's dtype, whatever the
  // weights have.
  torch::Tensor Jacobian(const torch::Tensor& x) const;

 private:
  std::vector<torch::nn::Linear> layers_;
};
TORCH_MODULE(ReluMlp);

}  // namespace mapweave::ssl
