// SPDX-License-Identifier: MIT
#include "models/ssl/resnet.h"

namespace mapweave::ssl {
namespace {

torch::nn::Conv2d Convolution(int64_t in, int64_t out, int64_t kernel,
                              int64_t stride = 1) {
  return torch::nn::Conv2d(torch::nn::Conv2dOptions(in, out, kernel)
                               .stride(stride)
                               .padding(kernel / 2)
                               .bias(false));
}

void KeepActivation(Taps* taps, const std::string& name,
                    const torch::Tensor& x) {
  if (taps != nullptr && taps->wants_activations) {
    taps->activations.emplace_back(name, x);
  }
}

struct BlockShape {
  int64_t in;
  int64_t middle;
  int64_t out;
  int64_t stride;
};

// Two 3x3 convolutions (out == middle), or 1x1, 3x3, 1x1 (a bottleneck).
class BlockImpl : public torch::nn::Module {
 public:
  BlockImpl(const BlockShape& shape, bool bottleneck) {
    const auto add = [&](int64_t in, int64_t out, int64_t kernel,
                         int64_t stride) {
      const std::string i = std::to_string(convs_.size() + 1);
      convs_.push_back(
          register_module("conv" + i, Convolution(in, out, kernel, stride)));
      norms_.push_back(register_module("bn" + i, torch::nn::BatchNorm2d(out)));
    };
    if (bottleneck) {
      add(shape.in, shape.middle, 1, 1);
      add(shape.middle, shape.middle, 3, shape.stride);
      add(shape.middle, shape.out, 1, 1);
    } else {
      add(shape.in, shape.middle, 3, shape.stride);
      add(shape.middle, shape.out, 3, 1);
    }
    if (shape.stride != 1 || shape.in != shape.out) {
      downsample_ = register_module(
          "downsample", torch::nn::Sequential(
                            Convolution(shape.in, shape.out, 1, shape.stride),
                            torch::nn::BatchNorm2d(shape.out)));
    }
  }

  torch::Tensor forward(const torch::Tensor& x, const std::string& name,
                        Taps* taps) {
    torch::Tensor y = x;
    for (size_t i = 0; i < convs_.size(); ++i) {
      y = norms_[i](convs_[i](y));
      if (i + 1 == convs_.size()) break;
      KeepActivation(taps, name + ".bn" + std::to_string(i + 1), y);
      y = torch::relu(y);
    }
    y = y + (downsample_.is_empty() ? x : downsample_->forward(x));
    KeepActivation(taps, name, y);
    return torch::relu(y);
  }

 private:
  std::vector<torch::nn::Conv2d> convs_;
  std::vector<torch::nn::BatchNorm2d> norms_;
  torch::nn::Sequential downsample_{nullptr};
};
TORCH_MODULE(Block);

}  // namespace

ResNetEncoderImpl::ResNetEncoderImpl(const EncoderConfig& config)
    : EncoderImpl(config) {
  const bool bottleneck = config.kind == "resnet50";
  const std::array<int64_t, 4> depths =
      bottleneck ? std::array<int64_t, 4>{3, 4, 6, 3}
                 : std::array<int64_t, 4>{2, 2, 2, 2};
  conv1_ = register_module("conv1", Convolution(3, config.width, 7, 2));
  bn1_ = register_module("bn1", torch::nn::BatchNorm2d(config.width));
  int64_t in = config.width;
  for (size_t i = 0; i < layers_.size(); ++i) {
    const int64_t middle = config.width << i;
    const int64_t out = bottleneck ? 4 * middle : middle;
    torch::nn::ModuleList layer;
    for (int64_t j = 0; j < depths[i]; ++j) {
      const int64_t stride = i > 0 && j == 0 ? 2 : 1;
      layer->push_back(Block(BlockShape{in, middle, out, stride}, bottleneck));
      in = out;
    }
    layers_[i] = register_module("layer" + std::to_string(i + 1), layer);
  }
  width_ = in;
}

EncoderOutput ResNetEncoderImpl::Encode(const torch::Tensor& images,
                                        Taps* taps) {
  RequireImages(images, 1, Config().kind);
  // Of ImageNet, which torchvision's weights expect.
  const auto options = images.options().requires_grad(false);
  const torch::Tensor mean =
      torch::tensor({0.485, 0.456, 0.406}, options).view({1, 3, 1, 1});
  const torch::Tensor sigma =
      torch::tensor({0.229, 0.224, 0.225}, options).view({1, 3, 1, 1});
  torch::Tensor y = bn1_(conv1_((images - mean) / sigma));
  KeepActivation(taps, "bn1", y);
  y = torch::max_pool2d(torch::relu(y), 3, 2, 1);
  for (size_t i = 0; i < layers_.size(); ++i) {
    int64_t j = 0;
    for (const auto& block : *layers_[i]) {
      y = block->as<Block>()->forward(
          y, "layer" + std::to_string(i + 1) + "." + std::to_string(j++), taps);
    }
  }
  return {y.mean({2, 3}), y.flatten(2).transpose(1, 2)};
}

}  // namespace mapweave::ssl
