// SPDX-License-Identifier: MIT
#include "models/nn/synced_batch_norm.h"

#include <algorithm>
#include <cstdint>
#include <tuple>
#include <vector>

namespace mapweave::nn {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

torch::Tensor PerChannel(const torch::Tensor& values) {
  return values.view({1, -1, 1, 1});
}

// What all processes know of the joined batch.
struct Moments {
  torch::Tensor mean;  // [C] float32
  torch::Tensor var;   // [C] float32, biased
  double count = 0.0;  // values of a channel
};

Moments JoinedMoments(const torch::Tensor& x, ProcessGroup& group) {
  const std::vector<int64_t> but_channels = {0, 2, 3};
  const auto own = torch::var_mean(
      x.to(torch::kFloat), at::IntArrayRef(but_channels), /*unbiased=*/false,
      /*keepdim=*/false);
  const torch::Tensor var = std::get<0>(own).to(torch::kDouble);
  const torch::Tensor mean = std::get<1>(own).to(torch::kDouble);
  const int64_t channels = x.size(1);
  const double count = static_cast<double>(x.numel() / channels);
  torch::Tensor sums = torch::cat({mean * count, (var + mean.square()) * count,
                                   torch::full({1}, count, mean.options())});
  group.Sum(sums);
  Moments moments;
  moments.count = sums[2 * channels].item<double>();
  const torch::Tensor joined = sums.slice(0, 0, channels) / moments.count;
  moments.mean = joined.to(torch::kFloat);
  moments.var =
      (sums.slice(0, channels, 2 * channels) / moments.count - joined.square())
          .clamp_min(0.0)
          .to(torch::kFloat);
  return moments;
}

class Normalise : public torch::autograd::Function<Normalise> {
 public:
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& x,
                               const torch::Tensor& scale,
                               const torch::Tensor& shift,
                               const torch::Tensor& mean,
                               const torch::Tensor& inverse, double count,
                               int64_t group) {
    context->save_for_backward({x, scale, mean, inverse});
    context->saved_data["count"] = count;
    context->saved_data["group"] = group;
    const torch::Tensor slope = inverse * scale;
    const torch::Tensor y = x.to(torch::kFloat) * PerChannel(slope) +
                            PerChannel(shift - mean * slope);
    return y.to(x.scalar_type());
  }

  static tensor_list backward(AutogradContext* context, tensor_list outputs) {
    const auto saved = context->get_saved_variables();
    const torch::Tensor& scale = saved[1];
    const torch::Tensor& inverse = saved[3];
    const double count = context->saved_data["count"].toDouble();
    auto& group = *reinterpret_cast<ProcessGroup*>(
        static_cast<intptr_t>(context->saved_data["group"].toInt()));

    const torch::Tensor dy = outputs[0].to(torch::kFloat);
    const torch::Tensor normal =
        (saved[0].to(torch::kFloat) - PerChannel(saved[2])) *
        PerChannel(inverse);
    const torch::Tensor of_shift = dy.sum({0, 2, 3});
    const torch::Tensor of_scale = (dy * normal).sum({0, 2, 3});
    torch::Tensor joined = torch::cat({of_shift, of_scale});
    group.Sum(joined);
    joined.div_(count);
    const int64_t channels = scale.size(0);
    const torch::Tensor dx =
        (dy - PerChannel(joined.slice(0, 0, channels)) -
         normal * PerChannel(joined.slice(0, channels, 2 * channels))) *
        PerChannel(inverse * scale);
    return {dx.to(saved[0].scalar_type()),
            of_scale,
            of_shift,
            torch::Tensor(),
            torch::Tensor(),
            torch::Tensor(),
            torch::Tensor()};
  }
};

}  // namespace

torch::Tensor SyncedBatchNorm(const torch::Tensor& x,
                              const torch::Tensor& scale,
                              const torch::Tensor& shift, BatchNormState& state,
                              ProcessGroup& group) {
  Moments moments;
  {
    const torch::NoGradGuard no_grad;
    moments = JoinedMoments(x.detach(), group);
    const double unbiased = moments.count / std::max(1.0, moments.count - 1.0);
    state.running_mean.lerp_(moments.mean, state.momentum);
    state.running_var.lerp_(moments.var * unbiased, state.momentum);
  }
  const torch::Tensor inverse = (moments.var + state.epsilon).rsqrt();
  return Normalise::apply(
      x, scale, shift, moments.mean, inverse, moments.count,
      static_cast<int64_t>(reinterpret_cast<intptr_t>(&group)));
}

}  // namespace mapweave::nn
