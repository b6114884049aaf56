// SPDX-License-Identifier: MIT
//
// ResNet-18 and ResNet-50 (He et al., 2016) under torchvision's key names, so
// that its weights load by path.
//
// Internal to models: pulls in Torch.
#pragma once

#include "models/ssl/encoder.h"

#include <array>

namespace mapweave::ssl {

class ResNetEncoderImpl : public EncoderImpl {
 public:
  // config.kind is "resnet18" or "resnet50".
  explicit ResNetEncoderImpl(const EncoderConfig& config);
  EncoderOutput Encode(const torch::Tensor& images,
                       Taps* taps = nullptr) override;
  int64_t Width() const override { return width_; }

 private:
  int64_t width_ = 0;
  torch::nn::Conv2d conv1_{nullptr};
  torch::nn::BatchNorm2d bn1_{nullptr};
  std::array<torch::nn::ModuleList, 4> layers_;
};

}  // namespace mapweave::ssl
