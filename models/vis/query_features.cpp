// SPDX-License-Identifier: MIT
#include "models/vis/query_features.h"

#include "core/error.h"

#include <string>
#include <vector>

namespace mapweave::vis {
namespace {

using torch::nn::Conv2d;
using torch::nn::Conv2dOptions;

constexpr int64_t kResNetStride = 32;
constexpr int64_t kGroups = 32;     // of the pixel decoder's norms
constexpr int64_t kPixelCode = 32;  // channels of it beside the mask features

// [N, 3, H', W'] as torchvision's weights expect colours, 0 without coverage.
torch::Tensor ResNetInput(const torch::Tensor& colours,
                          const torch::Tensor& coverage) {
  const auto row = [&](float r, float g, float b) {
    return torch::tensor({r, g, b}, colours.options()).view({1, 3, 1, 1});
  };
  const torch::Tensor mean = row(123.675f, 116.28f, 103.53f);
  const torch::Tensor deviation = row(58.395f, 57.12f, 57.375f);
  return (colours - mean) / deviation * coverage;
}

torch::nn::Sequential ConvGroupNorm(const Conv2dOptions& options, bool relu) {
  torch::nn::Sequential parts(Conv2d(options),
                              torch::nn::GroupNorm(torch::nn::GroupNormOptions(
                                  kGroups, options.out_channels())));
  if (relu) parts->push_back(torch::nn::ReLU());
  return parts;
}

}  // namespace

ResNetFeaturesImpl::ResNetFeaturesImpl(const QueryConfig& config)
    : channels_(config.channels) {
  backbone_ = register_module("backbone",
                              nn::ResNet50(nn::ParseResNetNorm(config.norm)));
  constexpr std::array<int64_t, 3> kWidths = {2048, 1024, 512};
  for (size_t i = 0; i < kWidths.size(); ++i) {
    inputs_[i] = register_module(
        "input" + std::to_string(i),
        ConvGroupNorm(Conv2dOptions(kWidths[i], channels_, 1), false));
  }
  level_code_ = register_parameter("level_code", torch::zeros({3, channels_}));
  for (int64_t i = 0; i < config.encoder_layers; ++i) {
    const std::string name = "encoder" + std::to_string(i);
    layers_.push_back(
        {register_module(
             name + "_attention",
             nn::DeformableAttention(nn::DeformableAttentionImpl::Shape{
                 .channels = channels_, .heads = config.heads})),
         register_module(
             name + "_norm",
             torch::nn::LayerNorm(torch::nn::LayerNormOptions({channels_}))),
         register_module(name + "_forward",
                         nn::FeedForward(channels_, config.encoder_hidden))});
  }
  lateral_ = register_module(
      "lateral",
      ConvGroupNorm(Conv2dOptions(256, channels_, 1).bias(false), false));
  smooth_ = register_module(
      "smooth",
      ConvGroupNorm(
          Conv2dOptions(channels_, channels_, 3).padding(1).bias(false), true));
  masks_ = register_module(
      "masks", Conv2d(Conv2dOptions(channels_, config.mask_channels, 1)));
}

void ResNetFeaturesImpl::Encode(std::array<torch::Tensor, 3>& levels,
                                const torch::Tensor& coverage) {
  const auto options = levels[0].options();
  std::vector<torch::Tensor> tokens;
  std::vector<torch::Tensor> codes;
  std::vector<torch::Tensor> places;
  std::vector<torch::Tensor> covered;
  std::vector<std::array<int64_t, 2>> sizes;
  for (size_t i = 0; i < levels.size(); ++i) {
    const int64_t height = levels[i].size(2);
    const int64_t width = levels[i].size(3);
    sizes.push_back({height, width});
    tokens.push_back(levels[i].flatten(2).transpose(1, 2));
    codes.push_back(nn::GridCode({1, height, width}, channels_, options) +
                    level_code_[static_cast<int64_t>(i)]);
    const torch::Tensor size = torch::tensor(
        {static_cast<float>(width), static_cast<float>(height)}, options);
    places.push_back(
        (nn::CellCentres(height, width, 1.0, options) / size).reshape({-1, 2}));
    const int64_t stride = coverage.size(2) / height;
    covered.push_back(
        torch::max_pool2d(coverage, stride, stride).flatten(2).transpose(1, 2));
  }
  torch::Tensor x = torch::cat(tokens, 1);
  const torch::Tensor code = torch::cat(codes).unsqueeze(0);
  const torch::Tensor place = torch::cat(places);
  const torch::Tensor seen = torch::cat(covered, 1);  // [N, L, 1]
  for (Layer& layer : layers_) {
    x = layer.norm(x + layer.attention(x + code, x * seen, place, sizes));
    x = layer.forward(x);
  }
  int64_t first = 0;
  for (size_t i = 0; i < levels.size(); ++i) {
    const auto [height, width] = sizes[i];
    levels[i] = x.narrow(1, first, height * width)
                    .transpose(1, 2)
                    .reshape({x.size(0), channels_, height, width});
    first += height * width;
  }
}

QueryFeatures ResNetFeaturesImpl::forward(const torch::Tensor& bytes) {
  const torch::Tensor x = bytes.permute({0, 3, 1, 2}).to(torch::kFloat);
  const auto padding = [](int64_t size) {
    return (kResNetStride - size % kResNetStride) % kResNetStride;
  };
  const auto padded = [&](const torch::Tensor& image) {
    return torch::constant_pad_nd(
        image, {0, padding(image.size(3)), 0, padding(image.size(2))});
  };
  QueryFeatures result;
  const torch::Tensor coverage = x.slice(1, 3, 4);
  const std::array<torch::Tensor, 4> features =
      backbone_(padded(ResNetInput(x.slice(1, 0, 3), coverage)));
  result.coverage = padded(coverage);
  for (size_t i = 0; i < inputs_.size(); ++i) {
    result.levels[i] = inputs_[i]->forward(features[3 - i]);
  }
  Encode(result.levels, result.coverage);
  const torch::Tensor lateral = lateral_->forward(features[0]);
  const torch::Tensor top = torch::upsample_bilinear2d(
      result.levels[2], {lateral.size(2), lateral.size(3)},
      /*align_corners=*/false);
  result.masks = masks_(smooth_->forward(lateral + top));
  return result;
}

DenseFeaturesImpl::DenseFeaturesImpl(const QueryConfig& config)
    : frozen_(config.freeze_trunk) {
  const nn::NormKind norm = config.dense.norm;
  trunk_ = register_module("trunk", DenseNet(config.dense));
  for (size_t i = 0; i < inputs_.size(); ++i) {
    inputs_[i] = register_module(
        "input" + std::to_string(i),
        nn::ConvNorm(nn::ConvNormOptions{config.dense.pyramid, config.channels,
                                         1, 1, norm, /*relu=*/false}));
  }
  smooth_ = register_module(
      "smooth", nn::ConvNorm(nn::ConvNormOptions{config.dense.fine + kPixelCode,
                                                 config.mask_channels, 3, 1,
                                                 norm, /*relu=*/true}));
  masks_ = register_module(
      "masks", nn::Conv(config.mask_channels, config.mask_channels, 1));
  if (frozen_) {
    for (torch::Tensor& parameter : trunk_->parameters()) {
      parameter.requires_grad_(false);
    }
  }
}

void DenseFeaturesImpl::train(bool on) {
  torch::nn::Module::train(on);
  if (frozen_) trunk_->eval();
}

QueryFeatures DenseFeaturesImpl::forward(const torch::Tensor& bytes,
                                         int64_t editions,
                                         torch::ScalarType dtype) {
  QueryFeatures result;
  const torch::Tensor x = NormaliseInput(bytes, bytes.device(), dtype);
  result.coverage = x.slice(1, 3, 4).to(torch::kFloat);
  result.dense = trunk_(x, editions);
  for (size_t i = 0; i < inputs_.size(); ++i) {
    result.levels[i] = inputs_[i](result.dense.levels[2 - i]).to(torch::kFloat);
  }
  const torch::Tensor& fine = result.dense.fine;
  const int64_t height = fine.size(2);
  const int64_t width = fine.size(3);
  // Of the four maps in DenseOutput::cells, the means over a cell's pixels.
  const torch::Tensor maps =
      result.dense.cells.detach().reshape({-1, 4, 4, height, width}).mean(2);
  result.foreground = maps.select(1, 0);
  result.votes = nn::CellCentres(height, width, 2.0, maps.options()) +
                 maps.slice(1, 2, 4).permute({0, 2, 3, 1}) *
                     static_cast<double>(kOffsetUnit);
  const torch::Tensor code =
      nn::PixelCode(result.votes, kPixelCode).permute({0, 3, 1, 2}).to(dtype);
  result.masks = masks_(smooth_(torch::cat({fine, code}, 1))).to(torch::kFloat);
  return result;
}

}  // namespace mapweave::vis
