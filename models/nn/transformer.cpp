// SPDX-License-Identifier: MIT
#include "models/nn/transformer.h"

#include "core/error.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <string>

namespace mapweave::nn {
namespace {

constexpr double kTemperature = 1e4;
constexpr double kShortestWavePx = 32.0;

// 1, 2, ... count, scaled to end at 2 pi.
torch::Tensor Ramp(int64_t count, const torch::TensorOptions& options) {
  return torch::arange(1, count + 1, options) *
         (2.0 * std::numbers::pi / (static_cast<double>(count) + 1e-6));
}

}  // namespace

AttentionImpl::AttentionImpl(int64_t channels, int64_t heads) : heads_(heads) {
  MAPWEAVE_CHECK(channels % heads == 0);
  query_ = register_module("query", torch::nn::Linear(channels, channels));
  key_ = register_module("key", torch::nn::Linear(channels, channels));
  value_ = register_module("value", torch::nn::Linear(channels, channels));
  out_ = register_module("out", torch::nn::Linear(channels, channels));
  norm_ = register_module(
      "norm", torch::nn::LayerNorm(torch::nn::LayerNormOptions({channels})));
}

torch::Tensor AttentionImpl::forward(const Input& input) {
  const auto split = [this](const torch::Tensor& x) {
    return x.reshape({x.size(0), x.size(1), heads_, -1}).transpose(1, 2);
  };
  const torch::Tensor q = split(query_(input.query));  // [B, heads, Q, c]
  const torch::Tensor k = split(key_(input.key));
  const torch::Tensor v = split(value_(input.value));
  torch::Tensor scores = torch::matmul(
      q / std::sqrt(static_cast<double>(q.size(3))), k.transpose(2, 3));
  if (input.hidden.defined()) {
    scores = scores.masked_fill(input.hidden.unsqueeze(1),
                                -std::numeric_limits<float>::infinity());
  }
  const torch::Tensor mixed = torch::matmul(scores.softmax(-1), v);
  return norm_(input.residual +
               out_(mixed.transpose(1, 2).reshape(input.query.sizes())));
}

FeedForwardImpl::FeedForwardImpl(int64_t channels, int64_t hidden) {
  first_ = register_module("first", torch::nn::Linear(channels, hidden));
  second_ = register_module("second", torch::nn::Linear(hidden, channels));
  norm_ = register_module(
      "norm", torch::nn::LayerNorm(torch::nn::LayerNormOptions({channels})));
}

torch::Tensor FeedForwardImpl::forward(const torch::Tensor& x) {
  return norm_(x + second_(first_(x).relu()));
}

MlpImpl::MlpImpl(const std::vector<int64_t>& widths) {
  for (size_t i = 0; i + 1 < widths.size(); ++i) {
    layers_.push_back(
        register_module("layer" + std::to_string(i),
                        torch::nn::Linear(widths[i], widths[i + 1])));
  }
}

torch::Tensor MlpImpl::forward(torch::Tensor x) {
  for (size_t i = 0; i < layers_.size(); ++i) {
    x = layers_[i](x);
    if (i + 1 < layers_.size()) x = x.relu();
  }
  return x;
}

torch::Tensor SineCode(const torch::Tensor& positions, int64_t channels) {
  MAPWEAVE_CHECK(channels % 2 == 0);
  const torch::Tensor exponents =
      torch::arange(channels / 2, positions.options()) *
      (2.0 / static_cast<double>(channels));
  const torch::Tensor angles =
      positions.unsqueeze(-1) / torch::pow(kTemperature, exponents);
  return torch::stack({angles.sin(), angles.cos()}, -1).flatten(-2);
}

torch::Tensor GridCode(const GridShape& shape, int64_t channels,
                       const torch::TensorOptions& options) {
  const int64_t half = channels / 2;
  const torch::Tensor y = SineCode(Ramp(shape.height, options), half)
                              .unsqueeze(1)
                              .expand({-1, shape.width, -1});
  const torch::Tensor x = SineCode(Ramp(shape.width, options), half)
                              .unsqueeze(0)
                              .expand({shape.height, -1, -1});
  return torch::cat({y, x}, -1)
      .reshape({1, -1, channels})
      .expand({shape.editions, -1, -1})
      .reshape({-1, channels});
}

torch::Tensor EditionCode(const GridShape& shape, int64_t channels,
                          const torch::TensorOptions& options) {
  return SineCode(Ramp(shape.editions, options), channels)
      .unsqueeze(1)
      .expand({-1, shape.height * shape.width, -1})
      .reshape({-1, channels});
}

torch::Tensor PixelCode(const torch::Tensor& points, int64_t channels) {
  const torch::Tensor angles =
      points * (2.0 * std::numbers::pi / kShortestWavePx);
  return torch::cat({SineCode(angles.select(-1, 1), channels / 2),
                     SineCode(angles.select(-1, 0), channels / 2)},
                    -1);
}

torch::Tensor CellCentres(int64_t height, int64_t width, double stride,
                          const torch::TensorOptions& options) {
  const torch::Tensor y = (torch::arange(height, options) + 0.5) * stride;
  const torch::Tensor x = (torch::arange(width, options) + 0.5) * stride;
  return torch::stack({x.unsqueeze(0).expand({height, width}),
                       y.unsqueeze(1).expand({height, width})},
                      -1);
}

DeformableAttentionImpl::DeformableAttentionImpl(const Shape& shape)
    : shape_(shape) {
  MAPWEAVE_CHECK(shape.channels % shape.heads == 0);
  const int64_t places = shape.heads * shape.levels * shape.points;
  offsets_ =
      register_module("offsets", torch::nn::Linear(shape.channels, 2 * places));
  weights_ =
      register_module("weights", torch::nn::Linear(shape.channels, places));
  value_ = register_module("value",
                           torch::nn::Linear(shape.channels, shape.channels));
  out_ =
      register_module("out", torch::nn::Linear(shape.channels, shape.channels));
}

void DeformableAttentionImpl::InitialiseOffsets() {
  const torch::NoGradGuard no_grad;
  const torch::Tensor angles =
      torch::arange(shape_.heads, torch::kFloat) *
      (2.0 * std::numbers::pi / static_cast<double>(shape_.heads));
  torch::Tensor directions = torch::stack({angles.cos(), angles.sin()}, -1);
  directions = directions / directions.abs().amax(-1, /*keepdim=*/true);
  const torch::Tensor steps = torch::arange(1, shape_.points + 1, torch::kFloat)
                                  .view({1, 1, shape_.points, 1});
  const torch::Tensor bias = (directions.view({shape_.heads, 1, 1, 2}) * steps)
                                 .expand({-1, shape_.levels, -1, -1});
  offsets_->weight.zero_();
  offsets_->bias.copy_(bias.reshape(-1));
  weights_->weight.zero_();
  weights_->bias.zero_();
}

torch::Tensor DeformableAttentionImpl::forward(
    const torch::Tensor& query, const torch::Tensor& value,
    const torch::Tensor& places,
    const std::vector<std::array<int64_t, 2>>& sizes) {
  const int64_t batch = query.size(0);
  const int64_t tokens = query.size(1);
  const int64_t heads = shape_.heads;
  const int64_t depth = shape_.channels / heads;
  const int64_t levels = shape_.levels;
  MAPWEAVE_CHECK(static_cast<int64_t>(sizes.size()) == levels);
  // [B * heads, tokens, levels, points (, 2)]
  const auto by_head = [&](const torch::Tensor& x) {
    return x.view({batch, tokens, heads, levels, shape_.points, -1})
        .transpose(1, 2)
        .reshape({batch * heads, tokens, levels, shape_.points, -1});
  };
  const torch::Tensor offsets = by_head(offsets_(query));
  const torch::Tensor weights =
      by_head(weights_(query)
                  .view({batch, tokens, heads, levels * shape_.points})
                  .softmax(-1))
          .squeeze(-1);
  const torch::Tensor values =  // [B * heads, depth, tokens]
      value_(value)
          .view({batch, tokens, heads, depth})
          .permute({0, 2, 3, 1})
          .reshape({batch * heads, depth, tokens});
  torch::Tensor sum;
  int64_t first = 0;
  for (int64_t level = 0; level < levels; ++level) {
    const auto [height, width] = sizes[static_cast<size_t>(level)];
    const torch::Tensor map =
        values.narrow(2, first, height * width)
            .reshape({batch * heads, depth, height, width});
    first += height * width;
    const torch::Tensor size =
        torch::tensor({static_cast<float>(width), static_cast<float>(height)},
                      query.options());
    const torch::Tensor at =
        places.view({1, tokens, 1, 2}) + offsets.select(2, level) / size;
    const torch::Tensor seen = torch::grid_sampler_2d(
        map, 2.0 * at - 1.0, /*interpolation_mode=*/0, /*padding_mode=*/0,
        /*align_corners=*/false);  // [B * heads, depth, tokens, points]
    const torch::Tensor part =
        (seen * weights.select(2, level).unsqueeze(1)).sum(-1);
    sum = sum.defined() ? sum + part : part;
  }
  MAPWEAVE_CHECK(first == tokens);
  return out_(sum.view({batch, heads * depth, tokens}).transpose(1, 2));
}

void InitialiseLinear(torch::nn::Module& module, Rng& rng) {
  const torch::NoGradGuard no_grad;
  const auto draw = [&rng](torch::Tensor& weight) {
    const double bound =
        std::sqrt(6.0 / static_cast<double>(weight.size(0) + weight.size(1)));
    torch::Tensor values = torch::empty(weight.sizes(), torch::kFloat);
    float* data = values.data_ptr<float>();
    for (int64_t i = 0; i < values.numel(); ++i) {
      data[i] = static_cast<float>(rng.Uniform(-bound, bound));
    }
    weight.copy_(values);
  };
  for (const auto& part : module.modules()) {
    if (auto* linear = part->as<torch::nn::LinearImpl>()) {
      draw(linear->weight);
      linear->bias.zero_();
    }
  }
  for (const auto& part : module.modules()) {
    if (auto* attention = part->as<DeformableAttentionImpl>()) {
      attention->InitialiseOffsets();
    }
  }
}

}  // namespace mapweave::nn
