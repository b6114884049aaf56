// SPDX-License-Identifier: MIT
//
// What turns features into logits of classes, and is thrown away when training
// ends. All without bias.
//
// Internal to models: pulls in Torch.
#pragma once

#include "core/random.h"

#include <torch/torch.h>

#include <cstdint>
#include <vector>

namespace mapweave::ssl {

enum class HeadKind {
  kLinear,  // w_c . f
  kCosine,  // k w_c . f, both of unit length, with one k > 0 that is learnt
};

class ClassHeadImpl : public torch::nn::Module {
 public:
  // Throws Error{kUsage} for fewer than two classes.
  ClassHeadImpl(int64_t width, int64_t classes, HeadKind kind, const Rng& rng);
  // [N, width] to [N, classes].
  torch::Tensor forward(const torch::Tensor& features);
  // The k of kCosine, which starts at 10; 1 for kLinear.
  double Concentration() const;

 private:
  HeadKind kind_;
  torch::Tensor weight_;             // [classes, width]
  torch::Tensor log_concentration_;  // [1], of kCosine only
};
TORCH_MODULE(ClassHead);

// A linear head for as many classes as there are samples. Its rows lie in
// shards, each a parameter of its own: class i is row i / shards of shard
// i mod shards. A sample is told apart from those of its own shard alone, so
// that a batch of one shard makes logits, gradients and updates for that shard
// only. Neighbours in the data set, which may show the same, are in different
// shards and never told apart.
class ShardedHeadImpl : public torch::nn::Module {
 public:
  // 1 <= shards <= classes / 2, else Error{kUsage}.
  ShardedHeadImpl(int64_t width, int64_t classes, int64_t shards,
                  const Rng& rng);
  // Mean over samples of DietLoss within the sample's shard. features:
  // [N, width]; index: [N] int64 in [0, classes). Any mix of shards is right; a
  // batch of one shard is cheap. Throws Error{kBadInput} as DietLoss.
  torch::Tensor Loss(const torch::Tensor& features, const torch::Tensor& index,
                     double label_smoothing);

 private:
  int64_t classes_;
  std::vector<torch::Tensor> shards_;  // each [its classes, width]
};
TORCH_MODULE(ShardedHead);

}  // namespace mapweave::ssl
