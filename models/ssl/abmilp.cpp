// SPDX-License-Identifier: MIT
#include "models/ssl/abmilp.h"

#include "core/error.h"
#include "models/ssl/tensor_random.h"

#include <cmath>

namespace mapweave::ssl {

AbmilpImpl::AbmilpImpl(const AbmilpOptions& options, const Rng& rng)
    : width_(options.width) {
  if (options.width < 1 || options.depth < 1) {
    throw Error(ErrorCode::kUsage,
                "AbMILP: the width and the depth must be 1 or more");
  }
  torch::nn::Sequential score;
  for (int i = 0; i + 1 < options.depth; ++i) {
    score->push_back(torch::nn::Linear(width_, width_));
    score->push_back(torch::nn::ReLU());
  }
  score->push_back(torch::nn::Linear(width_, 1));
  InitialiseModule(*score, rng);
  score_ = register_module("score", score);
}

torch::Tensor AbmilpImpl::Attention(const torch::Tensor& tokens) {
  if (!tokens.defined() || tokens.dim() != 3 || tokens.size(1) < 1 ||
      tokens.size(2) != width_) {
    throw Error(
        ErrorCode::kBadInput,
        "AbMILP: the tokens are not [samples, tokens, " +
            std::to_string(width_) + "]",
        "make the pooling for the encoder's width and give it its tokens");
  }
  return torch::softmax(score_->forward(tokens).squeeze(2), 1);
}

torch::Tensor AbmilpImpl::forward(const torch::Tensor& tokens) {
  return torch::bmm(Attention(tokens).unsqueeze(1), tokens).squeeze(1);
}

std::vector<AttentionStatistics> MeasureAttention(const Taps& taps) {
  const torch::NoGradGuard no_grad;
  std::vector<AttentionStatistics> blocks;
  for (size_t i = 0; i < taps.attention.size(); ++i) {
    const auto& [name, attention] = taps.attention[i];
    const int64_t patches = attention.size(3) - 1;
    if (patches < 2) {
      throw Error(ErrorCode::kBadInput,
                  "attention statistics: need two patches beside [cls]");
    }
    // [N, heads, 1 + T, 1 + T]
    const torch::Tensor a = attention.detach().to(torch::kCPU, torch::kDouble);
    AttentionStatistics block;
    block.block = name;
    block.cls_to_cls = a.select(2, 0).select(2, 0).mean(0);
    block.patch_to_self =
        a.diagonal(0, 2, 3).slice(2, 1).mean(torch::IntArrayRef{0, 2});
    torch::Tensor seen = a.select(2, 0).slice(2, 1);  // [N, heads, T]
    seen = seen / seen.sum(2, /*keepdim=*/true).clamp_min(1e-12);
    const torch::Tensor entropy =
        -(seen * seen.clamp_min(1e-12).log()).sum(2).mean(0);
    block.cls_entropy = entropy / std::log(static_cast<double>(patches));
    if (i < taps.attention_branch.size()) {
      const auto& [shortcut, added] = taps.attention_branch[i];
      block.norm_ratio = (added.detach().norm(2, -1) /
                          shortcut.detach().norm(2, -1).clamp_min(1e-12))
                             .mean()
                             .item<double>();
    }
    blocks.push_back(std::move(block));
  }
  if (blocks.empty()) {
    throw Error(ErrorCode::kBadInput,
                "attention statistics: no attention was seen",
                "encode by a vision transformer with taps that want attention");
  }
  return blocks;
}

}  // namespace mapweave::ssl
