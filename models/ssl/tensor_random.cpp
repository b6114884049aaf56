// SPDX-License-Identifier: MIT
#include "models/ssl/tensor_random.h"

#include <ATen/CPUGeneratorImpl.h>
#include <cmath>

namespace mapweave::ssl {

torch::Generator MakeGenerator(Rng rng) {
  return at::make_generator<at::CPUGeneratorImpl>(rng.Next());
}

void InitialiseModule(torch::nn::Module& module, const Rng& rng) {
  const torch::NoGradGuard no_grad;
  torch::Generator generator = MakeGenerator(rng);
  const auto copy_normal = [&](torch::Tensor& weight, double sigma) {
    weight.copy_(torch::randn(weight.sizes(), generator) * sigma);
  };
  for (const auto& part : module.modules(/*include_self=*/true)) {
    if (auto* linear = part->as<torch::nn::Linear>()) {
      const double bound =
          std::sqrt(6.0 / static_cast<double>(linear->weight.size(0) +
                                              linear->weight.size(1)));
      const torch::Tensor uniform =
          torch::rand(linear->weight.sizes(), generator);
      linear->weight.copy_((uniform * 2.0 - 1.0) * bound);
      if (linear->bias.defined()) linear->bias.zero_();
    } else if (auto* conv = part->as<torch::nn::Conv2d>()) {
      const torch::Tensor& w = conv->weight;  // [out, in, k, k]
      const auto fan_out =
          static_cast<double>(w.size(0) * w.size(2) * w.size(3));
      copy_normal(conv->weight, std::sqrt(2.0 / fan_out));
      if (conv->bias.defined()) conv->bias.zero_();
    }
  }
}

torch::Tensor RandomDirections(int64_t count, int64_t dims,
                               torch::Generator& generator) {
  const torch::Tensor normal =
      torch::randn({count, dims}, generator, torch::kDouble);
  return normal / normal.norm(2, 1, /*keepdim=*/true);
}

torch::Tensor RandomPermutation(int64_t n, torch::Generator& generator) {
  return torch::randperm(n, generator, torch::kLong);
}

}  // namespace mapweave::ssl
