// SPDX-License-Identifier: MIT
#include "models/ssl/optimiser.h"

#include "core/error.h"

#include <cmath>

namespace mapweave::ssl {

OptimiserKind ParseOptimiserKind(const std::string& text) {
  for (const OptimiserKind kind :
       {OptimiserKind::kAdamW, OptimiserKind::kSgd, OptimiserKind::kLars}) {
    if (text == OptimiserKindName(kind)) return kind;
  }
  throw Error(ErrorCode::kUsage, "unknown optimiser \"" + text + "\"",
              "use adamw, sgd or lars");
}

const char* OptimiserKindName(OptimiserKind kind) {
  switch (kind) {
    case OptimiserKind::kAdamW:
      return "adamw";
    case OptimiserKind::kSgd:
      return "sgd";
    case OptimiserKind::kLars:
      return "lars";
  }
  return "";
}

Json OptimiserOptions::ToJson() const {
  return {{"kind", OptimiserKindName(kind)},
          {"beta1", beta1},
          {"beta2", beta2},
          {"epsilon", epsilon},
          {"weight_decay", weight_decay},
          {"lars_trust", lars_trust},
          {"clip_norm", clip_norm}};
}

Optimiser::Optimiser(const torch::nn::Module& module,
                     const OptimiserOptions& options)
    : options_(options) {
  for (const auto& item : module.named_parameters()) {
    if (!item.value().requires_grad()) continue;
    Slot slot;
    slot.parameter = item.value();
    slot.momentum = torch::zeros_like(item.value());
    if (options.kind == OptimiserKind::kAdamW) {
      slot.variance = torch::zeros_like(item.value());
    }
    slots_.emplace(item.key(), std::move(slot));
  }
  if (slots_.empty()) {
    throw Error(ErrorCode::kUsage, "optimiser: nothing to train",
                "leave some parameters with gradients");
  }
}

void Optimiser::ZeroGrad() {
  for (auto& [name, slot] : slots_) slot.parameter.mutable_grad().reset();
}

double Optimiser::Step(double learning_rate) {
  const torch::NoGradGuard no_grad;
  double square = 0.0;
  for (const auto& [name, slot] : slots_) {
    if (!slot.parameter.grad().defined()) continue;
    square += slot.parameter.grad().square().sum().item<double>();
  }
  const double norm = std::sqrt(square);
  if (!std::isfinite(norm)) return norm;
  const bool clips = options_.clip_norm > 0.0 && norm > options_.clip_norm;
  const double scale = clips ? options_.clip_norm / norm : 1.0;
  for (auto& [name, slot] : slots_) {
    if (!slot.parameter.grad().defined()) continue;
    const torch::Tensor gradient = slot.parameter.grad() * scale;
    ++slot.steps;
    if (options_.kind == OptimiserKind::kAdamW) {
      StepAdamW(slot, gradient, learning_rate);
    } else {
      StepSgd(slot, gradient, learning_rate);
    }
  }
  return norm;
}

void Optimiser::StepAdamW(Slot& slot, const torch::Tensor& gradient,
                          double rate) {
  torch::Tensor& weight = slot.parameter;
  slot.momentum.lerp_(gradient, 1.0 - options_.beta1);
  slot.variance.mul_(options_.beta2)
      .addcmul_(gradient, gradient, 1.0 - options_.beta2);
  const auto steps = static_cast<double>(slot.steps);
  const double mean_bias = 1.0 - std::pow(options_.beta1, steps);
  const double variance_bias = 1.0 - std::pow(options_.beta2, steps);
  if (weight.dim() > 1) weight.mul_(1.0 - rate * options_.weight_decay);
  weight.addcdiv_(
      slot.momentum,
      (slot.variance / variance_bias).sqrt_().add_(options_.epsilon),
      -rate / mean_bias);
}

void Optimiser::StepSgd(Slot& slot, const torch::Tensor& gradient,
                        double rate) {
  torch::Tensor& weight = slot.parameter;
  torch::Tensor step = gradient;
  if (weight.dim() > 1) {
    step = step + options_.weight_decay * weight;
    if (options_.kind == OptimiserKind::kLars) {
      // The layer's own rate; norms and biases take the global one.
      const double weight_norm = weight.norm().item<double>();
      const double step_norm = step.norm().item<double>();
      if (weight_norm > 0.0 && step_norm > 0.0) {
        step = step * (options_.lars_trust * weight_norm / step_norm);
      }
    }
  }
  slot.momentum.mul_(options_.beta1).add_(step);
  weight.add_(slot.momentum, -rate);
}

std::map<std::string, torch::Tensor> Optimiser::State() const {
  std::map<std::string, torch::Tensor> state;
  for (const auto& [name, slot] : slots_) {
    state["momentum." + name] = slot.momentum;
    if (slot.variance.defined()) state["variance." + name] = slot.variance;
    state["steps." + name] = torch::full({1}, slot.steps, torch::kLong);
  }
  return state;
}

void Optimiser::LoadState(const std::map<std::string, torch::Tensor>& state) {
  const torch::NoGradGuard no_grad;
  const auto find = [&](const std::string& name, torch::IntArrayRef sizes) {
    const auto found = state.find(name);
    if (found == state.end() || found->second.sizes() != sizes) {
      throw Error(ErrorCode::kDevice, "the saved training state has no \"" +
                                          name + "\" that fits this method");
    }
    return found->second;
  };
  for (auto& [name, slot] : slots_) {
    const torch::IntArrayRef sizes = slot.parameter.sizes();
    slot.momentum.copy_(find("momentum." + name, sizes));
    if (slot.variance.defined()) {
      slot.variance.copy_(find("variance." + name, sizes));
    }
    slot.steps = find("steps." + name, {1}).item<int64_t>();
  }
}

}  // namespace mapweave::ssl
