// SPDX-License-Identifier: MIT
//
// What the query decoder looks at: tokens at three strides, and the features
// that masks are read from. Two sources behind one shape: the published
// ResNet-50 with its deformable pixel decoder, and the dense network's pyramid.
//
// Internal to models: pulls in Torch.
#pragma once

#include "models/nn/resnet.h"
#include "models/nn/transformer.h"
#include "models/vis/query_config.h"

#include <torch/torch.h>

#include <array>

namespace mapweave::vis {

// Of B clips of T editions, whose sides are padded to [H, W]; all float32.
struct QueryFeatures {
  // [B * T, config.channels, h, w], coarsest first.
  std::array<torch::Tensor, 3> levels;
  torch::Tensor masks;     // [B * T, config.mask_channels, h, w]
  torch::Tensor coverage;  // [B * T, 1, H, W]: 1 = covered, 0 elsewhere
  // Only of the trunk kDense, and per cell of `masks`:
  DenseOutput dense;
  // Where the dense heads believe the centre of the cell's building to be, in
  // pixels, [B * T, h, w, 2], and the logit of there being one, [B * T, h, w];
  // without gradient.
  torch::Tensor votes;
  torch::Tensor foreground;
};

// Mask2Former's: levels at strides 32, 16 and 8, masks at stride 4. Six layers
// of deformable attention over the three levels, then a step of a feature
// pyramid (Cheng et al., 2022, appendix A). Editions do not see each other.
class ResNetFeaturesImpl : public torch::nn::Module {
 public:
  explicit ResNetFeaturesImpl(const QueryConfig& config);

  // bytes: uint8 [B * T, H, W, 4] on the module's device, as in Batch::pixels.
  QueryFeatures forward(const torch::Tensor& bytes);
  nn::ResNet50& Backbone() { return backbone_; }

 private:
  struct Layer {
    nn::DeformableAttention attention{nullptr};
    torch::nn::LayerNorm norm{nullptr};
    nn::FeedForward forward{nullptr};
  };
  // Refines levels (coarsest first, [N, C, h, w] each) in place.
  void Encode(std::array<torch::Tensor, 3>& levels,
              const torch::Tensor& coverage);

  int64_t channels_;
  nn::ResNet50 backbone_{nullptr};
  std::array<torch::nn::Sequential, 3> inputs_;  // coarsest first
  torch::Tensor level_code_;                     // [3, C]
  std::vector<Layer> layers_;
  torch::nn::Sequential lateral_;
  torch::nn::Sequential smooth_;
  torch::nn::Conv2d masks_{nullptr};
};
TORCH_MODULE(ResNetFeatures);

// The dense network's: levels at strides 16, 8 and 4, masks at stride 2. The
// mask features know where their building's centre is believed to be, since
// equal buildings look alike.
class DenseFeaturesImpl : public torch::nn::Module {
 public:
  explicit DenseFeaturesImpl(const QueryConfig& config);

  // Convolutions in `dtype`.
  QueryFeatures forward(const torch::Tensor& bytes, int64_t editions,
                        torch::ScalarType dtype);
  // A frozen trunk stays in evaluation.
  void train(bool on = true) override;
  DenseNet& Trunk() { return trunk_; }

 private:
  bool frozen_;
  DenseNet trunk_{nullptr};
  std::array<nn::ConvNorm, 3> inputs_{nullptr, nullptr, nullptr};
  nn::ConvNorm smooth_{nullptr};
  nn::Conv masks_{nullptr};
};
TORCH_MODULE(DenseFeatures);

}  // namespace mapweave::vis
