// SPDX-License-Identifier: MIT
#include "models/nn/adamw.h"

#include "core/error.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace mapweave::nn {
namespace {

// Copies `tensors` end to end into a new flat tensor and makes each of them a
// view of its part.
torch::Tensor Flatten(const std::vector<torch::Tensor>& tensors,
                      const torch::TensorOptions& options) {
  int64_t total = 0;
  for (const torch::Tensor& tensor : tensors) total += tensor.numel();
  torch::Tensor flat = torch::zeros({total}, options);
  int64_t offset = 0;
  for (torch::Tensor tensor : tensors) {
    torch::Tensor part =
        flat.narrow(0, offset, tensor.numel()).view(tensor.sizes());
    part.copy_(tensor.detach());
    tensor.set_data(part);
    offset += tensor.numel();
  }
  return flat;
}

}  // namespace

AdamW::AdamW(torch::nn::Module& model, const AdamWOptions& options)
    : options_(options) {
  const torch::NoGradGuard no_grad;
  struct Part {
    torch::Tensor values;
    double rate = 1.0;
  };
  std::vector<Part> parts;
  bool has_rates = false;
  for (const auto& item : model.named_parameters()) {
    parts.push_back(
        {item.value(), options.rate_of ? options.rate_of(item.key()) : 1.0});
    has_rates = has_rates || parts.back().rate != 1.0;
  }
  MAPWEAVE_CHECK(!parts.empty());
  // Those that learn and decay first, so that they are one slice, then those
  // that learn, then the rest.
  const auto rest = std::stable_partition(
      parts.begin(), parts.end(),
      [](const Part& part) { return part.values.requires_grad(); });
  const auto plain = std::stable_partition(
      parts.begin(), rest,
      [](const Part& part) { return part.values.dim() > 1; });
  std::vector<torch::Tensor> parameters;
  for (auto it = parts.begin(); it != parts.end(); ++it) {
    parameters.push_back(it->values);
    if (it < plain) decayed_ += it->values.numel();
    if (it < rest) learned_ += it->values.numel();
  }
  const auto storage =
      torch::TensorOptions(torch::kFloat).device(parameters[0].device());
  weights_ = Flatten(parameters, storage);
  buffers_ = Flatten(model.buffers(), storage);
  gradients_ = torch::zeros({learned_}, storage);
  if (has_rates) rates_ = torch::ones({learned_}, storage);
  int64_t offset = 0;
  for (auto it = parts.begin(); it != rest; ++it) {
    const int64_t size = it->values.numel();
    it->values.mutable_grad() =
        gradients_.narrow(0, offset, size).view(it->values.sizes());
    if (has_rates) rates_.narrow(0, offset, size).fill_(it->rate);
    offset += size;
  }
  mean_ = torch::zeros_like(gradients_);
  variance_ = torch::zeros_like(gradients_);
  average_ = weights_.clone();
  buffers_average_ = buffers_.clone();
}

void AdamW::ZeroGrad() { gradients_.zero_(); }

double AdamW::GradientNorm() const { return gradients_.norm().item<double>(); }

void AdamW::Step(double learning_rate, double gradient_norm, double clip_norm) {
  const torch::NoGradGuard no_grad;
  ++steps_;
  if (gradient_norm > clip_norm) gradients_.mul_(clip_norm / gradient_norm);
  mean_.lerp_(gradients_, 1.0 - options_.beta1);
  variance_.mul_(options_.beta2)
      .addcmul_(gradients_, gradients_, 1.0 - options_.beta2);
  const auto step = static_cast<double>(steps_);
  const double mean_bias = 1.0 - std::pow(options_.beta1, step);
  const double variance_bias = 1.0 - std::pow(options_.beta2, step);
  torch::Tensor decayed = weights_.narrow(0, 0, decayed_);
  const double decay_by = learning_rate * options_.weight_decay;
  if (rates_.defined()) {
    decayed.mul_(1.0 - decay_by * rates_.narrow(0, 0, decayed_));
  } else {
    decayed.mul_(1.0 - decay_by);
  }
  const torch::Tensor scale =
      (variance_ / variance_bias).sqrt_().add_(options_.epsilon);
  weights_.narrow(0, 0, learned_)
      .addcdiv_(rates_.defined() ? mean_ * rates_ : mean_, scale,
                -learning_rate / mean_bias);
  // The first weights are far from the last: start with a short memory.
  const double decay =
      std::min(options_.ema_decay, (1.0 + step) / (10.0 + step));
  average_.lerp_(weights_, 1.0 - decay);
  buffers_average_.lerp_(buffers_, 1.0 - decay);
}

void AdamW::SwapAverage() {
  const torch::NoGradGuard no_grad;
  const auto swap = [](torch::Tensor& a, torch::Tensor& b) {
    // By value: the module's parameters are views of `a`'s memory.
    const torch::Tensor copy = a.clone();
    a.copy_(b);
    b.copy_(copy);
  };
  swap(weights_, average_);
  swap(buffers_, buffers_average_);
}

std::map<std::string, torch::Tensor> AdamW::State() const {
  return {{"steps", torch::full({1}, steps_, torch::kLong)},
          {"weights", weights_},
          {"mean", mean_},
          {"variance", variance_},
          {"average", average_},
          {"buffers", buffers_},
          {"buffers_average", buffers_average_}};
}

void AdamW::LoadState(const std::map<std::string, torch::Tensor>& state) {
  const torch::NoGradGuard no_grad;
  torch::Tensor steps = torch::zeros({1}, torch::kLong);
  const std::map<std::string, torch::Tensor*> targets = {
      {"steps", &steps},
      {"weights", &weights_},
      {"mean", &mean_},
      {"variance", &variance_},
      {"average", &average_},
      {"buffers", &buffers_},
      {"buffers_average", &buffers_average_}};
  for (const auto& [name, target] : targets) {
    const auto found = state.find(name);
    if (found == state.end() || found->second.sizes() != target->sizes()) {
      throw Error(ErrorCode::kDevice, "the saved training state has no \"" +
                                          name + "\" that fits this network");
    }
    target->copy_(found->second);
  }
  steps_ = steps.item<int64_t>();
}

}  // namespace mapweave::nn
