// SPDX-License-Identifier: MIT
//
// Projected gradient descent against a classifier (Madry et al., 2018): the
// accuracy that is left when every input may move within a small ball.
//
// Internal to models: pulls in Torch.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <functional>

namespace mapweave::ssl {

enum class PgdNorm { kL2, kLinf };

struct PgdOptions {
  PgdNorm norm = PgdNorm::kLinf;
  double epsilon = 8.0 / 255.0;  // radius of the ball, in units of the inputs
  double step = 2.0 / 255.0;
  int64_t steps = 10;
  // Throws Error{kUsage} naming the option.
  void Validate() const;
};

// [N, ...] to logits [N, K]; differentiable.
using LogitsOf = std::function<torch::Tensor(const torch::Tensor& x)>;

// Inputs within the ball around x, [N, ...], that raise the cross-entropy of
// `label`, [N] int64. Starts at x; a step follows the gradient, of unit length
// (L2) or by its sign (Linf), and is projected back. Parameters get no
// gradient. Throws Error{kBadInput} for labels that do not fit, and logits that
// are no numbers.
torch::Tensor PgdAttack(const LogitsOf& classifier, const torch::Tensor& x,
                        const torch::Tensor& label, const PgdOptions& options);

// Share of inputs that are classified rightly both as they are and after the
// attack.
double PgdAccuracy(const LogitsOf& classifier, const torch::Tensor& x,
                   const torch::Tensor& label, const PgdOptions& options);

}  // namespace mapweave::ssl
