// SPDX-License-Identifier: MIT
//
// The optimisers of self-supervised recipes over named parameters: AdamW
// (Loshchilov & Hutter, 2019), SGD with momentum, and LARS (You et al., 2017),
// which LibTorch for C++ lacks. Unlike nn::AdamW, which flattens a whole
// float32 module, it takes parameters of any floating type one by one, leaves
// out those that got no gradient (a teacher, an unused head), and saves its
// state by their names.
//
// Internal to models: pulls in Torch.
#pragma once

#include "core/json.h"

#include <torch/torch.h>

#include <cstdint>
#include <map>
#include <string>

namespace mapweave::ssl {

enum class OptimiserKind { kAdamW, kSgd, kLars };

// "adamw", "sgd" or "lars"; throws Error{kUsage}.
OptimiserKind ParseOptimiserKind(const std::string& text);
const char* OptimiserKindName(OptimiserKind kind);

struct OptimiserOptions {
  OptimiserKind kind = OptimiserKind::kAdamW;
  double beta1 = 0.9;  // and the momentum of kSgd and kLars
  double beta2 = 0.999;
  double epsilon = 1e-8;
  // Decoupled for kAdamW, added to the gradient otherwise. Not applied to
  // parameters of one dimension (norms and biases).
  double weight_decay = 0.05;
  double lars_trust = 1e-3;  // eta of the paper
  double clip_norm = 0.0;    // 0 = none
  Json ToJson() const;
};

class Optimiser {
 public:
  // Borrows the parameters of `module` that want gradients at this moment.
  Optimiser(const torch::nn::Module& module, const OptimiserOptions& options);

  void ZeroGrad();
  // One update from the gradients as they are. Returns their L2 norm before
  // clipping; where it is no number nothing is changed.
  double Step(double learning_rate);

  std::map<std::string, torch::Tensor> State() const;
  // Throws Error{kDevice} if a tensor is missing or does not fit.
  void LoadState(const std::map<std::string, torch::Tensor>& state);

 private:
  struct Slot {
    torch::Tensor parameter;
    torch::Tensor momentum;  // first moment of kAdamW
    torch::Tensor variance;  // kAdamW only
    int64_t steps = 0;
  };
  void StepAdamW(Slot& slot, const torch::Tensor& gradient, double rate);
  void StepSgd(Slot& slot, const torch::Tensor& gradient, double rate);

  OptimiserOptions options_;
  std::map<std::string, Slot> slots_;
};

}  // namespace mapweave::ssl
