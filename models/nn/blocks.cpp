// SPDX-License-Identifier: MIT
#include "models/nn/blocks.h"

#include "core/error.h"
#include "models/nn/synced_batch_norm.h"

#include <cmath>

namespace mapweave::nn {
namespace {

// Slow enough that the statistics of some hundred steps are averaged: steps
// are small and differ in their number of editions.
constexpr double kBatchNormMomentum = 0.03;
constexpr double kNormEpsilon = 1e-5;
// Of the initial weights of layers that end in an answer: near zero, so that
// the first answers are their biases.
constexpr double kOutputSigma = 0.01;

// `weight` in the type of x and the layout that the convolution wants.
torch::Tensor CastLike(const torch::Tensor& weight, const torch::Tensor& x) {
  return weight.to(x.scalar_type())
      .contiguous(torch::MemoryFormat::ChannelsLast);
}

}  // namespace

NormKind ParseNormKind(const std::string& text) {
  if (text == "group") return NormKind::kGroup;
  if (text == "batch") return NormKind::kBatch;
  throw Error(ErrorCode::kUsage, "unknown norm \"" + text + "\"",
              "use \"batch\" or \"group\"");
}

const char* NormKindName(NormKind kind) {
  return kind == NormKind::kGroup ? "group" : "batch";
}

NormImpl::NormImpl(int64_t channels, NormKind kind) : kind_(kind) {
  scale_ = register_parameter("scale", torch::ones({channels}));
  shift_ = register_parameter("shift", torch::zeros({channels}));
  if (kind_ == NormKind::kBatch) {
    running_mean_ = register_buffer("running_mean", torch::zeros({channels}));
    running_var_ = register_buffer("running_var", torch::ones({channels}));
  }
}

torch::Tensor NormImpl::forward(const torch::Tensor& x) {
  if (kind_ == NormKind::kBatch && group_ != nullptr && is_training()) {
    BatchNormState state{running_mean_, running_var_, kBatchNormMomentum,
                         kNormEpsilon};
    return SyncedBatchNorm(x, scale_, shift_, state, *group_);
  }
  if (kind_ == NormKind::kBatch) {
    return torch::batch_norm(x, scale_, shift_, running_mean_, running_var_,
                             is_training(), kBatchNormMomentum, kNormEpsilon,
                             /*cudnn_enabled=*/true);
  }
  // Torch's group norm is several times slower on channels-last tensors, and
  // its CPU kernel takes no bfloat16 input beside float32 parameters.
  torch::Tensor y = x.to(torch::kFloat).contiguous();
  y = torch::group_norm(y, kGroupsPerNorm, scale_, shift_, kNormEpsilon);
  return y.to(x.scalar_type()).contiguous(torch::MemoryFormat::ChannelsLast);
}

ConvNormImpl::ConvNormImpl(const ConvNormOptions& options) : options_(options) {
  weight_ = register_parameter(
      "weight",
      torch::zeros({options.out, options.in, options.kernel, options.kernel}));
  norm_ = register_module("norm", Norm(options.out, options.norm));
}

torch::Tensor ConvNormImpl::forward(const torch::Tensor& x) {
  torch::Tensor y = torch::conv2d(x, CastLike(weight_, x), {}, options_.stride,
                                  options_.kernel / 2);
  y = norm_(y);
  return options_.relu ? y.relu_() : y;
}

ConvImpl::ConvImpl(int64_t in, int64_t out, int64_t kernel, float bias) {
  weight_ =
      register_parameter("weight", torch::zeros({out, in, kernel, kernel}));
  bias_ = register_parameter("bias", torch::full({out}, bias));
}

torch::Tensor ConvImpl::forward(const torch::Tensor& x) {
  return torch::conv2d(x, CastLike(weight_, x), bias_.to(x.scalar_type()), 1,
                       weight_.size(2) / 2);
}

BasicBlockImpl::BasicBlockImpl(int64_t in, int64_t out, int64_t stride,
                               NormKind norm) {
  first_ = register_module(
      "first",
      ConvNorm(ConvNormOptions{in, out, 3, stride, norm, /*relu=*/true}));
  second_ = register_module(
      "second",
      ConvNorm(ConvNormOptions{out, out, 3, 1, norm, /*relu=*/false}));
  if (in != out || stride != 1) {
    shortcut_ = register_module(
        "shortcut",
        ConvNorm(ConvNormOptions{in, out, 1, stride, norm, /*relu=*/false}));
  }
}

torch::Tensor BasicBlockImpl::forward(const torch::Tensor& x) {
  const torch::Tensor y = second_(first_(x));
  return (y + (shortcut_ ? shortcut_(x) : x)).relu_();
}

TemporalFusionImpl::TemporalFusionImpl(int64_t channels, NormKind norm) {
  own_weight_ = register_parameter("own_weight",
                                   torch::zeros({channels, channels, 1, 1}));
  shared_weight_ = register_parameter(
      "shared_weight", torch::zeros({channels, 2 * channels, 1, 1}));
  norm_ = register_module("norm", Norm(channels, norm));
}

torch::Tensor TemporalFusionImpl::forward(const torch::Tensor& x,
                                          int64_t editions) {
  const int64_t clips = x.size(0) / editions;
  const int64_t channels = x.size(1);
  const int64_t height = x.size(2);
  const int64_t width = x.size(3);
  // Reductions over T as [B, T, H * W * C], the order in which a channels-last
  // tensor lies in memory: Torch would change the layout otherwise.
  const torch::Tensor flat =
      x.permute({0, 2, 3, 1}).reshape({clips, editions, -1});
  const auto reduced = [&](const torch::Tensor& values) {
    return values.view({clips, height, width, channels}).permute({0, 3, 1, 2});
  };
  const torch::Tensor shared =
      torch::cat({reduced(flat.mean(1)), reduced(flat.amax(1))}, 1);
  // A 1x1 convolution of the concatenation is the sum of one per part; the
  // parts that all editions share are computed once per clip.
  const torch::Tensor from_shared =
      torch::conv2d(shared, CastLike(shared_weight_, x));
  const torch::Tensor from_own = torch::conv2d(x, CastLike(own_weight_, x));
  const torch::Tensor sum =
      (from_own.permute({0, 2, 3, 1}).reshape({clips, editions, -1}) +
       from_shared.permute({0, 2, 3, 1}).reshape({clips, 1, -1}))
          .view({clips * editions, height, width, channels})
          .permute({0, 3, 1, 2});
  return (x + norm_(sum)).relu_();
}

void SyncBatchNorms(torch::nn::Module& model, ProcessGroup& group) {
  if (group.Size() == 1) return;
  for (const auto& module : model.modules()) {
    if (auto* norm = module->as<NormImpl>()) norm->SyncOver(group);
  }
}

void FreezeBatchStatistics(torch::nn::Module& model) {
  for (const auto& module : model.modules()) {
    if (auto* norm = module->as<NormImpl>()) norm->eval();
  }
}

void InitialiseWeights(torch::nn::Module& model, Rng rng) {
  const torch::NoGradGuard no_grad;
  for (const auto& module : model.modules()) {
    const bool is_output = module->as<ConvImpl>() != nullptr;
    for (torch::Tensor& weight : module->parameters(/*recurse=*/false)) {
      if (weight.dim() != 4) continue;
      const auto fan_out =
          static_cast<double>(weight.size(0) * weight.size(2) * weight.size(3));
      const double sigma = is_output ? kOutputSigma : std::sqrt(2.0 / fan_out);
      torch::Tensor values = torch::empty(weight.sizes(), torch::kFloat);
      float* data = values.data_ptr<float>();
      for (int64_t i = 0; i < values.numel(); ++i) {
        data[i] = static_cast<float>(rng.Normal(0.0, sigma));
      }
      weight.copy_(values);
    }
  }
}

}  // namespace mapweave::nn
