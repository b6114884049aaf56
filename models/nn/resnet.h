// SPDX-License-Identifier: MIT
//
// ResNet-50 (He et al., 2016) as torchvision numbers it, so that its published
// weights load by name: conv1, bn1, layer1 .. layer4 of bottlenecks with the
// stride in the 3 x 3 convolution.
//
// Internal to models: pulls in Torch.
#pragma once

#include <torch/torch.h>

#include <array>
#include <filesystem>
#include <string>

namespace mapweave::nn {

// Frozen: batch norm that keeps the statistics and scales it was given, for
// pretrained weights. Group norm (32 groups) is for training from scratch.
enum class ResNetNorm { kFrozen, kGroup };

// "frozen" or "group"; throws Error{kUsage}.
ResNetNorm ParseResNetNorm(const std::string& text);
const char* ResNetNormName(ResNetNorm norm);

class ResNet50Impl : public torch::nn::Module {
 public:
  explicit ResNet50Impl(ResNetNorm norm);

  // x: [N, 3, H, W], H and W multiples of 32. Features of 256, 512, 1024 and
  // 2048 channels at strides 4, 8, 16 and 32.
  std::array<torch::Tensor, 4> forward(const torch::Tensor& x);

 private:
  torch::nn::Conv2d stem_{nullptr};
  torch::nn::AnyModule stem_norm_;
  std::array<torch::nn::Sequential, 4> stages_;
};
TORCH_MODULE(ResNet50);

// Fills `net` from a safetensors file with torchvision's names; a classifier
// (fc.*) and batch counters in it are left out, and so are, for group norm, the
// statistics. Throws Error{kDevice} naming the file and the tensor that is
// missing or does not fit.
void LoadTorchvisionWeights(const std::filesystem::path& path, ResNet50& net);

}  // namespace mapweave::nn
