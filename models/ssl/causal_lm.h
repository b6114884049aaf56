// SPDX-License-Identifier: MIT
//
// A small decoder-only language model (Radford et al., 2019, in its layout:
// learned positions, norms before attention and before the GELU network, a norm
// at the end): token t + 1 from tokens up to t. For experiments on training;
// maps have no use for it.
//
// Internal to models: pulls in Torch.
#pragma once

#include "core/random.h"
#include "models/nn/per_group_loss.h"
#include "models/ssl/vit.h"

#include <torch/torch.h>

#include <cstdint>

namespace mapweave::ssl {

struct CausalLmConfig {
  int64_t vocabulary = 0;
  int64_t length = 24;  // of the longest sequence
  int64_t width = 64;   // a multiple of heads
  int64_t depth = 2;
  int64_t heads = 4;
};

class CausalLmImpl : public torch::nn::Module {
 public:
  // Throws Error{kUsage} for an impossible shape.
  CausalLmImpl(const CausalLmConfig& config, const Rng& rng);

  // tokens: [N, T] int64, T <= length. Returns [N, T, width] float32: what is
  // known at each place of the next token. Throws Error{kBadInput} if T or a
  // token does not fit.
  torch::Tensor Hidden(const torch::Tensor& tokens);
  // [..., width] to logits [..., vocabulary].
  torch::Tensor Logits(const torch::Tensor& hidden);
  // Logits of all places.
  torch::Tensor forward(const torch::Tensor& tokens) {
    return Logits(Hidden(tokens));
  }

 private:
  CausalLmConfig config_;
  torch::Tensor tokens_;     // [vocabulary, width]
  torch::Tensor positions_;  // [length, width]
  torch::nn::ModuleList blocks_;
  torch::nn::LayerNorm norm_{nullptr};
  torch::nn::Linear head_{nullptr};
};
TORCH_MODULE(CausalLm);

// Losses [N], any floating type, kept apart by `group` [N] int64, whose numbers
// are the names. Throws Error{kBadInput} for shapes that do not fit, negative
// groups, and losses that are not finite.
nn::PerGroupLoss LossByGroup(const torch::Tensor& losses,
                             const torch::Tensor& group);

}  // namespace mapweave::ssl
