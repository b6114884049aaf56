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
  switch (norm) {
    case ResNetNorm::kFrozen:
      return AnyModule(FrozenNorm(channels));
    case ResNetNorm::kGroup:
      return AnyModule(
          torch::nn::GroupNorm(torch::nn::GroupNormOptions(32, channels)));
    case ResNetNorm::kBatch:
      break;
  }
  return AnyModule(torch::nn::BatchNorm2d(channels));
}

Conv2d MakeConv(int64_t in, int64_t out, int64_t kernel, int64_t stride) {
  return Conv2d(Conv2dOptions(in, out, kernel)
                    .stride(stride)
                    .padding(kernel / 2)
                    .bias(false));
}

enum class BlockKind { kPlain, kBottleneck };

struct BlockShape {
  BlockKind kind = BlockKind::kPlain;
  int64_t in = 0;
  int64_t inner = 0;
  int64_t stride = 1;
  ResNetNorm norm = ResNetNorm::kFrozen;

  int64_t Out() const {
    return kind == BlockKind::kBottleneck ? 4 * inner : inner;
  }
};

// Two 3 x 3 convolutions, or in a bottleneck 1 x 1, 3 x 3 and 1 x 1, beside a
// shortcut.
class BlockImpl : public torch::nn::Module {
 public:
  explicit BlockImpl(const BlockShape& shape) {
    const int64_t out = shape.Out();
    if (shape.kind == BlockKind::kBottleneck) {
      Add(MakeConv(shape.in, shape.inner, 1, 1), shape.inner, shape.norm);
      Add(MakeConv(shape.inner, shape.inner, 3, shape.stride), shape.inner,
          shape.norm);
      Add(MakeConv(shape.inner, out, 1, 1), out, shape.norm);
    } else {
      Add(MakeConv(shape.in, out, 3, shape.stride), out, shape.norm);
      Add(MakeConv(out, out, 3, 1), out, shape.norm);
    }
    if (shape.in != out || shape.stride != 1) {
      // A Sequential, for torchvision's names: downsample.0, downsample.1.
      shortcut_ = register_module(
          "downsample",
          torch::nn::Sequential(MakeConv(shape.in, out, 1, shape.stride)));
      shortcut_->push_back(MakeNorm(out, shape.norm));
    }
  }

  torch::Tensor forward(const torch::Tensor& x, const std::string& name,
                        const ActivationWatch& watch) {
    torch::Tensor y = x;
    for (size_t i = 0; i < convs_.size(); ++i) {
      y = norms_[i].forward(convs_[i](y));
      if (i + 1 == convs_.size()) break;
      if (watch) watch(name + ".bn" + std::to_string(i + 1), y);
      y = y.relu();
    }
    y = y + (shortcut_ ? shortcut_->forward(x) : x);
    if (watch) watch(name, y);
    return y.relu();
  }

 private:
  void Add(const Conv2d& conv, int64_t channels, ResNetNorm norm) {
    const std::string number = std::to_string(convs_.size() + 1);
    convs_.push_back(register_module("conv" + number, conv));
    norms_.push_back(MakeNorm(channels, norm));
    register_module("bn" + number, norms_.back().ptr());
  }

  std::vector<Conv2d> convs_;
  std::vector<AnyModule> norms_;
  torch::nn::Sequential shortcut_{nullptr};
};
TORCH_MODULE(Block);

}  // namespace

ResNetNorm ParseResNetNorm(const std::string& text) {
  if (text == "frozen") return ResNetNorm::kFrozen;
  if (text == "group") return ResNetNorm::kGroup;
  throw Error(ErrorCode::kUsage, "unknown norm of a ResNet \"" + text + "\"",
              "use \"frozen\" or \"group\"");
}

const char* ResNetNormName(ResNetNorm norm) {
  switch (norm) {
    case ResNetNorm::kFrozen:
      return "frozen";
    case ResNetNorm::kGroup:
      return "group";
    case ResNetNorm::kBatch:
      return "batch";
  }
  return "";
}

ResNetImpl::ResNetImpl(const ResNetShape& shape) {
  MAPWEAVE_CHECK(shape.depth == 18 || shape.depth == 50);
  const bool deep = shape.depth == 50;
  stem_ = register_module(
      "conv1",
      Conv2d(
          Conv2dOptions(3, shape.width, 7).stride(2).padding(3).bias(false)));
  stem_norm_ = MakeNorm(shape.width, shape.norm);
  register_module("bn1", stem_norm_.ptr());
  const std::array<int64_t, 4> depths =
      deep ? std::array<int64_t, 4>{3, 4, 6, 3}
           : std::array<int64_t, 4>{2, 2, 2, 2};
  channels_ = shape.width;
  for (size_t i = 0; i < depths.size(); ++i) {
    torch::nn::ModuleList stage;
    for (int64_t j = 0; j < depths[i]; ++j) {
      BlockShape block;
      block.kind = deep ? BlockKind::kBottleneck : BlockKind::kPlain;
      block.in = channels_;
      block.inner = shape.width << i;
      block.stride = i > 0 && j == 0 ? 2 : 1;
      block.norm = shape.norm;
      stage->push_back(Block(block));
      channels_ = block.Out();
    }
    stages_[i] = register_module("layer" + std::to_string(i + 1), stage);
  }
}

std::array<torch::Tensor, 4> ResNetImpl::forward(const torch::Tensor& x,
                                                 const ActivationWatch& watch) {
  torch::Tensor y = stem_norm_.forward(stem_(x));
  if (watch) watch("bn1", y);
  y = torch::max_pool2d(y.relu(), 3, 2, 1);
  std::array<torch::Tensor, 4> features;
  for (size_t i = 0; i < features.size(); ++i) {
    const std::string stage = "layer" + std::to_string(i + 1) + ".";
    int64_t j = 0;
    for (const auto& block : *stages_[i]) {
      y = block->as<Block>()->forward(y, stage + std::to_string(j++), watch);
    }
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
