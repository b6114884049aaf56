// SPDX-License-Identifier: MIT
//
// AdamW (Loshchilov & Hutter, 2019) with gradient clipping and an exponential
// moving average of the weights. All parameters lie in one flat tensor, so that
// a step is a dozen operations however many layers there are, and the whole
// state is a handful of tensors to save.
//
// Internal to models: pulls in Torch.
#pragma once

#include <torch/torch.h>

#include <functional>
#include <map>
#include <string>

namespace mapweave::nn {

struct AdamWOptions {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  // Not applied to parameters of one dimension (norms and biases).
  double weight_decay = 0.05;
  // What the learning rate of a named parameter is multiplied by; none: 1.
  std::function<double(const std::string&)> rate_of;
  // Of the average, reached after a warm-up; 0 = the average is the weights.
  double ema_decay = 0.998;
};

class AdamW {
 public:
  // Moves the parameters, gradients and buffers of `model` into flat storage;
  // the module stays usable as before, on the device where it is, but must not
  // be moved to another. Its buffers must be float32. Parameters that ask for
  // no gradient stay as they are.
  AdamW(torch::nn::Module& model, const AdamWOptions& options);

  void ZeroGrad();
  // [n] of all parameters that learn: what Step reads, to be added up over
  // processes before it.
  torch::Tensor& Gradients() { return gradients_; }
  // L2 norm of all gradients.
  double GradientNorm() const;
  // One update; gradients of a norm above `clip_norm` are scaled down to it.
  void Step(double learning_rate, double gradient_norm, double clip_norm);

  // Exchanges the weights (and buffers) with their average. Calling it twice
  // restores both.
  void SwapAverage();

  // Everything that Step reads or writes, the weights included.
  std::map<std::string, torch::Tensor> State() const;
  // Throws Error{kDevice} if a tensor is missing or does not fit.
  void LoadState(const std::map<std::string, torch::Tensor>& state);

 private:
  AdamWOptions options_;
  int64_t steps_ = 0;
  int64_t decayed_ = 0;      // weights_[0, decayed_) are decayed
  int64_t learned_ = 0;      // weights_[0, learned_) have gradients
  torch::Tensor weights_;    // [parameters]
  torch::Tensor gradients_;  // [learned_], as are mean_, variance_ and rates_
  torch::Tensor mean_;
  torch::Tensor variance_;
  torch::Tensor rates_;  // undefined if all are 1
  torch::Tensor average_;
  torch::Tensor buffers_;  // [buffers]
  torch::Tensor buffers_average_;
};

}  // namespace mapweave::nn
