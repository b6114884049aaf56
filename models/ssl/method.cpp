// SPDX-License-Identifier: MIT
#include "models/ssl/method.h"

#include "core/error.h"
#include "models/ssl/tensor_random.h"

namespace mapweave::ssl {

EmaTeacher::EmaTeacher(torch::nn::Module& online, torch::nn::Module& teacher)
    : online_(online), teacher_(teacher) {
  CopyWeights(online, teacher);
  for (torch::Tensor& parameter : teacher.parameters()) {
    parameter.set_requires_grad(false);
  }
}

void EmaTeacher::Update(double momentum) {
  const torch::NoGradGuard no_grad;
  const auto online = online_.named_parameters();
  for (auto& item : teacher_.named_parameters()) {
    item.value().lerp_(online[item.key()], 1.0 - momentum);
  }
  const auto buffers = online_.named_buffers();
  for (auto& item : teacher_.named_buffers()) {
    item.value().copy_(buffers[item.key()]);
  }
}

torch::nn::Sequential MakeMlp(const MlpOptions& options, const Rng& rng) {
  MAPWEAVE_CHECK(options.layers >= 1 && options.in > 0);
  torch::nn::Sequential mlp;
  int64_t in = options.in;
  for (int i = 0; i + 1 < options.layers; ++i) {
    mlp->push_back(torch::nn::Linear(
        torch::nn::LinearOptions(in, options.hidden).bias(false)));
    mlp->push_back(torch::nn::BatchNorm1d(options.hidden));
    mlp->push_back(torch::nn::ReLU());
    in = options.hidden;
  }
  mlp->push_back(torch::nn::Linear(in, options.out));
  InitialiseModule(*mlp, rng);
  return mlp;
}

}  // namespace mapweave::ssl
