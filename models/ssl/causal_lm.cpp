// SPDX-License-Identifier: MIT
#include "models/ssl/causal_lm.h"

#include "core/error.h"
#include "models/ssl/tensor_random.h"

#include <fmt/format.h>

namespace mapweave::ssl {

CausalLmImpl::CausalLmImpl(const CausalLmConfig& config, const Rng& rng)
    : config_(config) {
  if (config.vocabulary < 2 || config.length < 1 || config.depth < 1 ||
      config.heads < 1 || config.width < 1 ||
      config.width % config.heads != 0) {
    throw Error(ErrorCode::kUsage,
                fmt::format("language model: {} tokens, length {}, width {}, "
                            "depth {}, {} heads",
                            config.vocabulary, config.length, config.width,
                            config.depth, config.heads),
                "all must be positive, and the width a multiple of the heads");
  }
  constexpr double kEmbeddingSigma = 0.02;  // as in GPT-2
  torch::Generator generator = MakeGenerator(rng.Fork(1));
  const auto table = [&](int64_t rows) {
    return torch::randn({rows, config.width}, generator) * kEmbeddingSigma;
  };
  tokens_ = register_parameter("tokens", table(config.vocabulary));
  positions_ = register_parameter("positions", table(config.length));
  for (int64_t i = 0; i < config.depth; ++i) {
    blocks_->push_back(
        TransformerBlock(config.width, config.heads, 4 * config.width));
  }
  register_module("blocks", blocks_);
  norm_ = register_module(
      "norm",
      torch::nn::LayerNorm(torch::nn::LayerNormOptions({config.width})));
  head_ = register_module(
      "head", torch::nn::Linear(
                  torch::nn::LinearOptions(config.width, config.vocabulary)
                      .bias(false)));
  // Not of *this: a module that is being made is nobody's yet.
  uint64_t stream = 2;
  for (const auto& child : children()) {
    InitialiseModule(*child, rng.Fork(stream++));
  }
}

torch::Tensor CausalLmImpl::Hidden(const torch::Tensor& tokens) {
  if (tokens.dim() != 2 || tokens.scalar_type() != torch::kLong ||
      tokens.numel() == 0 || tokens.size(1) > config_.length) {
    throw Error(ErrorCode::kBadInput,
                fmt::format("language model: tokens must be int64 [N, T] with "
                            "T up to {}",
                            config_.length));
  }
  if (tokens.min().item<int64_t>() < 0 ||
      tokens.max().item<int64_t>() >= config_.vocabulary) {
    throw Error(ErrorCode::kBadInput,
                fmt::format("language model: a token is none of the {}",
                            config_.vocabulary));
  }
  torch::Tensor x = torch::embedding(tokens_, tokens) +
                    positions_.slice(0, 0, tokens.size(1));
  for (const auto& block : *blocks_) {
    x = block->as<TransformerBlock>()->forward(
        x, TransformerBlockImpl::Sight::kCausal);
  }
  return norm_(x);
}

torch::Tensor CausalLmImpl::Logits(const torch::Tensor& hidden) {
  return head_(hidden);
}

nn::PerGroupLoss LossByGroup(const torch::Tensor& losses,
                             const torch::Tensor& group) {
  if (losses.dim() != 1 || group.sizes() != losses.sizes() ||
      group.scalar_type() != torch::kLong ||
      (group.numel() > 0 && group.min().item<int64_t>() < 0)) {
    throw Error(
        ErrorCode::kBadInput,
        "losses by group: both must be [N], the groups int64 from 0 on");
  }
  const torch::Tensor count =
      torch::bincount(group.cpu()).to(torch::kLong).contiguous();
  const torch::Tensor sum =
      torch::zeros({count.size(0)}, torch::kDouble)
          .index_add(0, group.cpu(), losses.detach().cpu().to(torch::kDouble));
  nn::PerGroupLoss result;
  for (int64_t i = 0; i < count.size(0); ++i) {
    const int64_t n = count.data_ptr<int64_t>()[i];
    if (n == 0) continue;
    result.Add(std::to_string(i),
               sum.data_ptr<double>()[i] / static_cast<double>(n), n);
  }
  return result;
}

}  // namespace mapweave::ssl
