// SPDX-License-Identifier: MIT
#include "models/ssl/relu_mlp.h"

#include "core/error.h"
#include "models/ssl/tensor_random.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace mapweave::ssl {

ReluMlpImpl::ReluMlpImpl(const std::vector<int64_t>& widths, const Rng& rng,
                         torch::Dtype dtype) {
  if (widths.size() < 2 ||
      std::ranges::any_of(widths, [](int64_t w) { return w < 1; })) {
    throw Error(ErrorCode::kBadInput,
                "ReLU network: needs two widths or more, all positive");
  }
  const torch::NoGradGuard no_grad;
  torch::Generator generator = MakeGenerator(rng);
  for (size_t i = 0; i + 1 < widths.size(); ++i) {
    torch::nn::Linear layer(widths[i], widths[i + 1]);
    const double bound = 1.0 / std::sqrt(static_cast<double>(widths[i]));
    for (torch::Tensor& p : layer->parameters()) {
      const torch::Tensor uniform =
          torch::rand(p.sizes(), generator, torch::kDouble);
      p.copy_((uniform * 2.0 - 1.0) * bound);
    }
    layers_.push_back(
        register_module("layer" + std::to_string(i), std::move(layer)));
  }
  to(dtype);
}

torch::Tensor ReluMlpImpl::forward(const torch::Tensor& x, Taps* taps) {
  torch::Tensor y = x;
  for (size_t i = 0; i < layers_.size(); ++i) {
    y = layers_[i]->forward(y);
    if (i + 1 == layers_.size()) break;
    if (taps != nullptr && taps->wants_activations) {
      taps->activations.emplace_back("layer." + std::to_string(i), y);
    }
    y = torch::relu(y);
  }
  return y;
}

torch::Tensor ReluMlpImpl::Jacobian(const torch::Tensor& x) const {
  const torch::NoGradGuard no_grad;
  torch::Tensor y = x;
  torch::Tensor slope;  // [N, width so far, inputs]
  for (size_t i = 0; i < layers_.size(); ++i) {
    const torch::Tensor weight = layers_[i]->weight.to(x.scalar_type());
    const torch::Tensor bias = layers_[i]->bias.to(x.scalar_type());
    y = torch::addmm(bias, y, weight.t());
    slope = i == 0 ? weight.unsqueeze(0).expand({x.size(0), -1, -1})
                   : torch::matmul(weight, slope);
    if (i + 1 == layers_.size()) break;
    const torch::Tensor active = y.gt(0.0).to(x.scalar_type());
    y = y * active;
    slope = slope * active.unsqueeze(2);
  }
  return slope;
}

}  // namespace mapweave::ssl
