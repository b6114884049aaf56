// SPDX-License-Identifier: MIT
#include "models/nn/resnet.h"

#include "core/error.h"
#include "models/nn/safetensors.h"

#include <vector>

namespace mapweave::nn {
namespace {

using torch::nn::AnyModule;
using torch::nn::Conv2d;
using torch::nn::Conv2dOptions;

// Batch norm as a fixed affine map. All four are buffers, so that nothing
// trains them.
class FrozenNormImpl : public torch::nn::Module {
 public:
  explicit FrozenNormImpl(int64_t channels) {
    weight_ = register_buffer("weight", torch::ones({channels}));
    bias_ = register_buffer("bias", torch::zeros({channels}));
    running_mean_ = register_buffer("running_mean", torch::zeros({channels}));
    running_var_ = register_buffer("running_var", torch::ones({channels}));
  }
  torch::Tensor forward(const torch::Tensor& x) {
    const torch::Tensor scale = weight_ * (running_var_ + 1e-5).rsqrt();
    const torch::Tensor shift = bias_ - running_mean_ * scale;
    return x * scale.view({1, -1, 1, 1}) + shift.view({1, -1, 1, 1});
  }

 private:
  torch::Tensor weight_;
  torch::Tensor bias_;
  torch::Tensor running_mean_;
  torch::Tensor running_var_;
};
TORCH_MODULE(FrozenNorm);

AnyModule MakeNorm(int64_t channels, ResNetNorm norm) {
  if (norm == ResNetNorm::kFrozen) return AnyModule(FrozenNorm(channels));
  return AnyModule(
      torch::nn::GroupNorm(torch::nn::GroupNormOptions(32, channels)));
}

Conv2d MakeConv(int64_t in, int64_t out, int64_t kernel, int64_t stride) {
  return Conv2d(Conv2dOptions(in, out, kernel)
                    .stride(stride)
                    .padding(kernel / 2)
                    .bias(false));
}

struct BottleneckShape {
  int64_t in = 0;
  int64_t inner = 0;
  int64_t stride = 1;
  ResNetNorm norm = ResNetNorm::kFrozen;
};

class BottleneckImpl : public torch::nn::Module {
 public:
  explicit BottleneckImpl(const BottleneckShape& shape) {
    const int64_t out = 4 * shape.inner;
    const std::array<Conv2d, 3> convs = {
        MakeConv(shape.in, shape.inner, 1, 1),
        MakeConv(shape.inner, shape.inner, 3, shape.stride),
        MakeConv(shape.inner, out, 1, 1)};
    for (size_t i = 0; i < 3; ++i) {
      const std::string number = std::to_string(i + 1);
      convs_.push_back(register_module("conv" + number, convs[i]));
      norms_.push_back(MakeNorm(i < 2 ? shape.inner : out, shape.norm));
      register_module("bn" + number, norms_.back().ptr());
    }
    if (shape.in != out || shape.stride != 1) {
      // A Sequential, for torchvision's names: downsample.0, downsample.1.
      shortcut_ = register_module(
          "downsample",
          torch::nn::Sequential(MakeConv(shape.in, out, 1, shape.stride)));
      shortcut_->push_back(MakeNorm(out, shape.norm));
    }
  }

  torch::Tensor forward(const torch::Tensor& x) {
    torch::Tensor y = x;
    for (size_t i = 0; i < 3; ++i) {
      y = norms_[i].forward(convs_[i](y));
      if (i < 2) y = y.relu();
    }
    return (y + (shortcut_ ? shortcut_->forward(x) : x)).relu();
  }

 private:
  std::vector<Conv2d> convs_;
  std::vector<AnyModule> norms_;
  torch::nn::Sequential shortcut_{nullptr};
};
TORCH_MODULE(Bottleneck);

}  // namespace

ResNetNorm ParseResNetNorm(const std::string& text) {
  if (text == "frozen") return ResNetNorm::kFrozen;
  if (text == "group") return ResNetNorm::kGroup;
  throw Error(ErrorCode::kUsage, "unknown norm of a ResNet \"" + text + "\"",
              "use \"frozen\" or \"group\"");
}

const char* ResNetNormName(ResNetNorm norm) {
  return norm == ResNetNorm::kFrozen ? "frozen" : "group";
}

ResNet50Impl::ResNet50Impl(ResNetNorm norm) {
  stem_ = register_module(
      "conv1",
      Conv2d(Conv2dOptions(3, 64, 7).stride(2).padding(3).bias(false)));
  stem_norm_ = MakeNorm(64, norm);
  register_module("bn1", stem_norm_.ptr());
  constexpr std::array<int64_t, 4> kDepths = {3, 4, 6, 3};
  int64_t channels = 64;
  for (size_t i = 0; i < kDepths.size(); ++i) {
    const int64_t inner = int64_t{64} << i;
    torch::nn::Sequential stage;
    for (int64_t j = 0; j < kDepths[i]; ++j) {
      const int64_t stride = i > 0 && j == 0 ? 2 : 1;
      stage->push_back(
          Bottleneck(BottleneckShape{channels, inner, stride, norm}));
      channels = 4 * inner;
    }
    stages_[i] = register_module("layer" + std::to_string(i + 1), stage);
  }
}

std::array<torch::Tensor, 4> ResNet50Impl::forward(const torch::Tensor& x) {
  torch::Tensor y = stem_norm_.forward(stem_(x)).relu();
  y = torch::max_pool2d(y, 3, 2, 1);
  std::array<torch::Tensor, 4> features;
  for (size_t i = 0; i < features.size(); ++i) {
    y = stages_[i]->forward(y);
    features[i] = y;
  }
  return features;
}

void LoadTorchvisionWeights(const std::filesystem::path& path, ResNet50& net) {
  const Safetensors content = ReadSafetensors(path);
  const torch::NoGradGuard no_grad;
  const auto fill = [&](const std::string& name, torch::Tensor target) {
    const auto found = content.tensors.find(name);
    if (found == content.tensors.end() ||
        found->second.sizes() != target.sizes() ||
        !found->second.is_floating_point()) {
      throw Error(ErrorCode::kDevice,
                  path.string() + ": has no tensor \"" + name +
                      "\" that fits a ResNet-50",
                  "use torchvision's resnet50 weights saved as safetensors");
    }
    target.copy_(found->second);
  };
  for (auto& item : net->named_parameters()) fill(item.key(), item.value());
  for (auto& item : net->named_buffers()) fill(item.key(), item.value());
}

}  // namespace mapweave::nn
