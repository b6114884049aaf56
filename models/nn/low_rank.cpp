// SPDX-License-Identifier: MIT
#include "models/nn/low_rank.h"

#include "core/error.h"

#include <algorithm>
#include <cmath>

namespace mapweave::nn {
namespace {

// Under the root of DoRA's norms: a row of zeros has a gradient, too.
constexpr double kTinyNorm = 1e-12;

torch::Tensor RowNorms(const torch::Tensor& rows) {
  return (rows.square().sum(1) + kTinyNorm).sqrt();
}

// A copy of a layer's bias as a buffer of `module`; undefined if it has none.
torch::Tensor KeepBias(torch::nn::Module& module, const torch::Tensor& bias) {
  if (!bias.defined()) return {};
  return module.register_buffer("bias", bias.detach().clone());
}

}  // namespace

void LowRankOptions::Validate() const {
  const auto require = [](bool condition, const char* name, double value) {
    if (condition) return;
    throw Error(ErrorCode::kUsage,
                "low-rank adapter: " + std::string(name) + " is " +
                    std::to_string(value),
                "it must be positive");
  };
  require(rank > 0, "rank", static_cast<double>(rank));
  require(scale > 0.0 && std::isfinite(scale), "scale", scale);
  require(eta > 0.0 && std::isfinite(eta), "eta", eta);
}

LowRankImpl::LowRankImpl(const torch::Tensor& weight,
                         const LowRankOptions& options, Rng rng)
    : options_(options), shape_(weight.sizes().vec()) {
  options.Validate();
  if (weight.dim() < 2 || !weight.is_floating_point() || weight.numel() == 0) {
    throw Error(ErrorCode::kUsage,
                "low-rank adapter: the weight is no matrix of numbers",
                "adapt weights of two and more dimensions");
  }
  const torch::Tensor flat = weight.detach().flatten(1).contiguous().clone();
  const int64_t rows = flat.size(0);
  const int64_t columns = flat.size(1);
  if (options.rank > std::min(rows, columns)) {
    throw Error(ErrorCode::kUsage,
                "low-rank adapter: rank " + std::to_string(options.rank) +
                    " for a weight of " + std::to_string(rows) + " x " +
                    std::to_string(columns),
                "choose a rank that is not above either");
  }
  frozen_ = register_buffer("frozen", flat);
  const double bound = 1.0 / std::sqrt(static_cast<double>(columns));
  torch::Tensor a = torch::empty({options.rank, columns}, torch::kDouble);
  double* values = a.data_ptr<double>();
  for (int64_t i = 0; i < a.numel(); ++i) {
    values[i] = rng.Uniform(-bound, bound);
  }
  a_ = register_parameter("a", a.to(flat.options()));
  b_ = register_parameter("b",
                          torch::zeros({rows, options.rank}, flat.options()));
  if (options.kind == AdapterKind::kDora) {
    m_ = register_parameter("m", RowNorms(flat));
  }
  if (options.kind == AdapterKind::kAllora &&
      options.when == AlloraWhen::kOnce) {
    once_ = register_buffer("once", Coefficients());
  }
}

torch::Tensor LowRankImpl::Product() const { return b_.mm(a_); }

torch::Tensor LowRankImpl::Coefficients() const {
  const torch::NoGradGuard no_grad;
  if (options_.kind != AdapterKind::kAllora) {
    return torch::ones({frozen_.size(0)}, frozen_.options());
  }
  if (once_.defined()) return once_;
  const torch::Tensor square =
      (options_.row == AlloraRow::kB ? b_ : Product()).square().sum(1);
  // 1 / sqrt(square + 1 / eta^2), written so that it is eta to the last bit
  // where the row is 0.
  return options_.eta / (1.0 + options_.eta * options_.eta * square).sqrt();
}

torch::Tensor LowRankImpl::Weight() {
  const torch::Tensor product = Product();
  if (options_.kind == AdapterKind::kAllora) {
    if (options_.what == AlloraWhat::kGradient && product.requires_grad()) {
      const torch::Tensor c = Coefficients().unsqueeze(1);
      product.register_hook(
          [c](const torch::Tensor& gradient) { return gradient * c; });
    }
    return (frozen_ + product).view(shape_);
  }
  const torch::Tensor sum = frozen_ + options_.scale * product;
  if (options_.kind == AdapterKind::kLora) return sum.view(shape_);
  return (sum * (m_ / RowNorms(sum)).unsqueeze(1)).view(shape_);
}

void LowRankImpl::BeginStep() {
  if (options_.kind != AdapterKind::kAllora ||
      options_.what != AlloraWhat::kUpdate) {
    return;
  }
  b_before_ = b_.detach().clone();
  c_before_ = Coefficients().unsqueeze(1);
}

void LowRankImpl::EndStep() {
  if (!b_before_.defined()) return;
  const torch::NoGradGuard no_grad;
  b_.copy_(b_before_ + c_before_ * (b_ - b_before_));
  b_before_.reset();
}

void BeginLowRankStep(torch::nn::Module& module) {
  for (const auto& part : module.modules()) {
    if (auto* adapter = part->as<LowRankImpl>()) adapter->BeginStep();
  }
}

void EndLowRankStep(torch::nn::Module& module) {
  for (const auto& part : module.modules()) {
    if (auto* adapter = part->as<LowRankImpl>()) adapter->EndStep();
  }
}

LowRankLinearImpl::LowRankLinearImpl(const torch::nn::Linear& base,
                                     const LowRankOptions& options, Rng rng)
    : options_(base->options),
      adapter_(register_module("adapter",
                               LowRank(base->weight, options, std::move(rng)))),
      bias_(KeepBias(*this, base->bias)) {}

torch::Tensor LowRankLinearImpl::forward(const torch::Tensor& x) {
  return torch::linear(x, adapter_->Weight(), bias_);
}

torch::nn::Linear LowRankLinearImpl::Merge() {
  const torch::NoGradGuard no_grad;
  torch::nn::Linear merged(options_);
  const torch::Tensor weight = adapter_->Weight();
  merged->to(weight.device(), weight.scalar_type());
  merged->weight.copy_(weight);
  if (bias_.defined()) merged->bias.copy_(bias_);
  return merged;
}

LowRankConv2dImpl::LowRankConv2dImpl(const torch::nn::Conv2d& base,
                                     const LowRankOptions& options, Rng rng)
    : options_(base->options.in_channels(), base->options.out_channels(),
               base->options.kernel_size()),
      adapter_(register_module("adapter",
                               LowRank(base->weight, options, std::move(rng)))),
      bias_(KeepBias(*this, base->bias)) {
  // By name: the type of the variant changes with LibTorch's version.
  if (torch::enumtype::get_enum_name(base->options.padding_mode()) !=
      "kZeros") {
    throw Error(ErrorCode::kUsage,
                "low-rank adapter: a convolution pads with more than zeros",
                "pad before it");
  }
  options_.stride(base->options.stride())
      .padding(base->options.padding())
      .dilation(base->options.dilation())
      .groups(base->options.groups())
      .bias(base->options.bias());
}

torch::Tensor LowRankConv2dImpl::forward(const torch::Tensor& x) {
  return torch::nn::functional::conv2d(
      x, adapter_->Weight(),
      torch::nn::functional::Conv2dFuncOptions()
          .bias(bias_)
          .stride(options_.stride())
          .padding(options_.padding())
          .dilation(options_.dilation())
          .groups(options_.groups()));
}

torch::nn::Conv2d LowRankConv2dImpl::Merge() {
  const torch::NoGradGuard no_grad;
  torch::nn::Conv2d merged(options_);
  const torch::Tensor weight = adapter_->Weight();
  merged->to(weight.device(), weight.scalar_type());
  merged->weight.copy_(weight);
  if (bias_.defined()) merged->bias.copy_(bias_);
  return merged;
}

AdaptedWeights::AdaptedWeights(
    torch::nn::Module& network, const LowRankOptions& options,
    const std::function<bool(const std::string&)>& wants, const Rng& rng)
    : adapters_(std::make_shared<torch::nn::Module>()) {
  for (const auto& item : network.named_parameters()) {
    torch::Tensor weight = item.value();
    if (weight.dim() < 2 || !wants(item.key())) {
      weight.set_requires_grad(false);
      continue;
    }
    const auto key = static_cast<uint64_t>(pairs_.size());
    LowRank adapter(weight, options, rng.Fork(key));
    std::string name = item.key();
    std::replace(name.begin(), name.end(), '.', '/');
    adapters_->register_module(name, adapter);
    pairs_.push_back({weight, adapter, {}});
  }
  if (pairs_.empty()) {
    throw Error(ErrorCode::kUsage, "low-rank adapter: no weight is adapted",
                "let the names of some pass");
  }
}

void AdaptedWeights::Write() {
  for (Pair& pair : pairs_) {
    pair.written = pair.adapter->Weight();
    const torch::NoGradGuard no_grad;
    pair.weight.copy_(pair.written);
  }
}

void AdaptedWeights::Read() {
  for (Pair& pair : pairs_) {
    MAPWEAVE_CHECK(pair.written.defined());
    if (pair.weight.grad().defined()) {
      pair.written.backward(pair.weight.grad());
      pair.weight.mutable_grad().reset();
    }
    pair.written.reset();
  }
}

}  // namespace mapweave::nn
