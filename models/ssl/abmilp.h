// SPDX-License-Identifier: MIT
//
// Reading tokens instead of [cls]: pooling by learnt attention, and what the
// attention of a vision transformer looks like from inside.
//
// Internal to models: pulls in Torch.
#pragma once

#include "core/random.h"
#include "models/ssl/batch.h"

#include <torch/torch.h>

#include <string>
#include <vector>

namespace mapweave::ssl {

struct AbmilpOptions {
  int64_t width = 0;  // of a token
  // Linear layers that score a token, with ReLU between them.
  int depth = 1;
};

// Attention-based multiple-instance pooling (Ilse et al., 2018) as
// Przewiezlikowski et al., 2024 (arXiv:2412.03215), put it behind a frozen
// transformer: s = MLP(token), one number each; a = softmax of s over the
// tokens; the pooled embedding is sum_t a_t token_t. Tokens do not see each
// other, so their order does not matter and any number of them will do.
class AbmilpImpl : public torch::nn::Module {
 public:
  // Throws Error{kUsage} unless width and depth are positive.
  AbmilpImpl(const AbmilpOptions& options, const Rng& rng);
  // tokens: [N, T, width], T >= 1. [N, T], rows sum to 1. Throws
  // Error{kBadInput} for another shape.
  torch::Tensor Attention(const torch::Tensor& tokens);
  // [N, width]
  torch::Tensor forward(const torch::Tensor& tokens);

 private:
  int64_t width_;
  torch::nn::Sequential score_{nullptr};
};
TORCH_MODULE(Abmilp);

// Of one block, means over the samples of a batch; [heads] float64 each.
struct AttentionStatistics {
  std::string block;
  torch::Tensor cls_to_cls;  // what [cls] keeps for itself
  torch::Tensor
      patch_to_self;  // what a patch keeps for itself, mean of patches
  // Of the attention of [cls] to the patches, made to sum to 1 without [cls],
  // in units of log T: 1 = it looks at all T patches alike, 0 = at one.
  torch::Tensor cls_entropy;
  // Length of what attention adds to a token over that of the token, mean over
  // all tokens.
  double norm_ratio = 0.0;
};

// One for every block that `taps` (with wants_attention) has seen, in its
// order. Throws Error{kBadInput} if it has seen none or fewer than two patches.
std::vector<AttentionStatistics> MeasureAttention(const Taps& taps);

}  // namespace mapweave::ssl
