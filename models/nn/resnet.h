// SPDX-License-Identifier: MIT
//
// ResNets (He et al., 2016) as torchvision numbers them, so that its published
// weights load by name: conv1, bn1, layer1 .. layer4, with the stride in the
// 3 x 3 convolution. One network for finding buildings and for self-supervised
// encoders.
//
// Internal to models: pulls in Torch.
#pragma once

#include <torch/torch.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

namespace mapweave::nn {

// Frozen: batch norm that keeps the statistics and scales it was given, for
// pretrained weights. Group norm (32 groups) is for training from scratch on
// few images, batch norm for large batches.
enum class ResNetNorm { kFrozen, kGroup, kBatch };

// "frozen" or "group", which the networks that find buildings can have; throws
// Error{kUsage}.
ResNetNorm ParseResNetNorm(const std::string& text);
const char* ResNetNormName(ResNetNorm norm);

struct ResNetShape {
  int depth = 50;  // 18 (two 3 x 3 convolutions a block) or 50 (bottlenecks)
  int64_t width = 64;  // of the first stage; for kGroup a multiple of 32
  ResNetNorm norm = ResNetNorm::kFrozen;
};

// Is given the input of every ReLU by its name, "bn1", "layer1.0.bn1" or
// "layer1.0" (after the shortcut), in the order of the pass.
using ActivationWatch =
    std::function<void(const std::string& name, const torch::Tensor& x)>;

class ResNetImpl : public torch::nn::Module {
 public:
  explicit ResNetImpl(const ResNetShape& shape);

  // x: [N, 3, H, W]. Features at strides 4, 8, 16 and 32, rounded up; with
  // depth 50 and width 64 they have 256, 512, 1024 and 2048 channels.
  std::array<torch::Tensor, 4> forward(const torch::Tensor& x,
                                       const ActivationWatch& watch = nullptr);
  // Of the last features.
  int64_t Channels() const { return channels_; }

 private:
  int64_t channels_ = 0;
  torch::nn::Conv2d stem_{nullptr};
  torch::nn::AnyModule stem_norm_;
  std::array<torch::nn::ModuleList, 4> stages_;
};
TORCH_MODULE(ResNet);

// As published.
class ResNet50Impl : public ResNetImpl {
 public:
  explicit ResNet50Impl(ResNetNorm norm) : ResNetImpl({50, 64, norm}) {}
};
TORCH_MODULE(ResNet50);

// Fills `net` from a safetensors file with torchvision's names; a classifier
// (fc.*) and batch counters in it are left out, and so are, for group norm, the
// statistics. Throws Error{kDevice} naming the file and the tensor that is
// missing or does not fit.
void LoadTorchvisionWeights(const std::filesystem::path& path, ResNet50& net);

}  // namespace mapweave::nn
