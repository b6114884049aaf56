// SPDX-License-Identifier: MIT
#include "models/ssl/vit.h"

#include "core/error.h"

#include <fmt/format.h>

#include <cmath>

namespace mapweave::ssl {
namespace {

struct VitSize {
  int64_t width;
  int64_t depth;
  int64_t heads;
};

VitSize SizeOf(const std::string& kind) {
  if (kind == "vit-micro") return {64, 4, 4};
  if (kind == "vit-tiny") return {192, 12, 3};
  if (kind == "vit-small") return {384, 12, 6};
  throw Error(ErrorCode::kUsage, "unknown transformer \"" + kind + "\"",
              "use vit-micro, vit-tiny or vit-small");
}

torch::nn::LayerNorm Norm(int64_t width) {
  return torch::nn::LayerNorm(
      torch::nn::LayerNormOptions(std::vector<int64_t>{width}).eps(1e-6));
}

}  // namespace

TransformerBlockImpl::TransformerBlockImpl(int64_t width, int64_t heads,
                                           int64_t hidden)
    : heads_(heads) {
  MAPWEAVE_CHECK(width % heads == 0);
  norm1_ = register_module("norm1", Norm(width));
  qkv_ = register_module("qkv", torch::nn::Linear(width, 3 * width));
  proj_ = register_module("proj", torch::nn::Linear(width, width));
  norm2_ = register_module("norm2", Norm(width));
  fc1_ = register_module("fc1", torch::nn::Linear(width, hidden));
  fc2_ = register_module("fc2", torch::nn::Linear(hidden, width));
}

torch::Tensor TransformerBlockImpl::forward(const torch::Tensor& x, Sight sight,
                                            const std::string& name,
                                            Taps* taps) {
  const int64_t n = x.size(0);
  const int64_t t = x.size(1);
  const int64_t width = x.size(2);
  const torch::Tensor qkv = qkv_(norm1_(x))
                                .view({n, t, 3, heads_, width / heads_})
                                .permute({2, 0, 3, 1, 4});
  const double scale = std::sqrt(static_cast<double>(width / heads_));
  torch::Tensor scores =
      torch::matmul(qkv[0], qkv[1].transpose(-2, -1)) / scale;
  if (sight == Sight::kCausal) {
    const torch::Tensor future =
        torch::ones({t, t}, x.options().dtype(torch::kBool)).triu(1);
    scores = scores.masked_fill(future, -1e9);
  }
  const torch::Tensor attention = torch::softmax(scores, -1);
  if (taps != nullptr && taps->wants_attention) {
    taps->attention.emplace_back(name, attention);
  }
  const torch::Tensor seen =
      torch::matmul(attention, qkv[2]).transpose(1, 2).reshape({n, t, width});
  const torch::Tensor added = proj_(seen);
  if (taps != nullptr && taps->wants_attention) {
    taps->attention_branch.emplace_back(x, added);
  }
  const torch::Tensor y = x + added;
  const torch::Tensor hidden = fc1_(norm2_(y));
  if (taps != nullptr && taps->wants_activations) {
    taps->activations.emplace_back(name + ".fc1", hidden);
  }
  return y + fc2_(torch::gelu(hidden));
}

torch::Tensor SineCosinePositions(int64_t side, int64_t width) {
  MAPWEAVE_CHECK(width % 4 == 0);
  const int64_t quarter = width / 4;
  const torch::Tensor rate =
      torch::pow(10000.0, -torch::arange(quarter, torch::kDouble) /
                              static_cast<double>(quarter));
  const torch::Tensor place = torch::arange(side, torch::kDouble);
  const torch::Tensor phase = place.unsqueeze(1) * rate;  // [side, quarter]
  const torch::Tensor code =
      torch::cat({phase.sin(), phase.cos()}, 1);  // [side, width / 2]
  const torch::Tensor columns = code.unsqueeze(0).expand({side, side, -1});
  const torch::Tensor rows = code.unsqueeze(1).expand({side, side, -1});
  const torch::Tensor places =
      torch::cat({columns, rows}, 2).reshape({side * side, width});
  return torch::cat({torch::zeros({1, width}, torch::kDouble), places})
      .to(torch::kFloat);
}

torch::Tensor ToPatches(const torch::Tensor& images, int64_t patch_px) {
  const int64_t n = images.size(0);
  const int64_t c = images.size(1);
  const int64_t rows = images.size(2) / patch_px;
  const int64_t cols = images.size(3) / patch_px;
  return images.reshape({n, c, rows, patch_px, cols, patch_px})
      .permute({0, 2, 4, 1, 3, 5})
      .reshape({n, rows * cols, c * patch_px * patch_px});
}

torch::Tensor FromPatches(const torch::Tensor& patches, int64_t patch_px,
                          int64_t channels) {
  const auto side =
      static_cast<int64_t>(std::lround(std::sqrt(patches.size(1))));
  MAPWEAVE_CHECK(side * side == patches.size(1));
  return patches
      .reshape({patches.size(0), side, side, channels, patch_px, patch_px})
      .permute({0, 3, 1, 4, 2, 5})
      .reshape({patches.size(0), channels, side * patch_px, side * patch_px});
}

VitEncoderImpl::VitEncoderImpl(const EncoderConfig& config)
    : EncoderImpl(config) {
  const VitSize size = SizeOf(config.kind);
  width_ = size.width;
  if (config.patch_px < 1 || config.image_px % config.patch_px != 0) {
    throw Error(ErrorCode::kUsage,
                fmt::format("{}: images of {} px cannot be cut into patches of "
                            "{} px",
                            config.kind, config.image_px, config.patch_px));
  }
  cls_token_ = register_parameter("cls_token", torch::zeros({1, 1, width_}));
  positions_ = register_buffer(
      "positions",
      SineCosinePositions(config.image_px / config.patch_px, width_));
  patch_embed_ = register_module(
      "patch_embed",
      torch::nn::Linear(3 * config.patch_px * config.patch_px, width_));
  for (int64_t i = 0; i < size.depth; ++i) {
    blocks_->push_back(TransformerBlock(width_, size.heads, 4 * width_));
  }
  register_module("blocks", blocks_);
  norm_ = register_module("norm", Norm(width_));
}

int64_t VitEncoderImpl::Patches() const { return positions_.size(0) - 1; }

torch::Tensor VitEncoderImpl::Embed(const torch::Tensor& images) {
  RequireImages(images, Config().patch_px, Config().kind);
  if (images.size(2) != Config().image_px ||
      images.size(3) != Config().image_px) {
    throw Error(ErrorCode::kBadInput,
                fmt::format("{}: an image is {} x {} px, the positions are "
                            "made for {} x {}",
                            Config().kind, images.size(3), images.size(2),
                            Config().image_px, Config().image_px),
                "make the encoder for the size of the views");
  }
  const torch::Tensor patches =
      ToPatches((images - 0.5) * 2.0, Config().patch_px);
  return patch_embed_(patches) + positions_.slice(0, 1);
}

EncoderOutput VitEncoderImpl::Run(const torch::Tensor& tokens, Taps* taps) {
  torch::Tensor x =
      torch::cat({cls_token_.expand({tokens.size(0), -1, -1}), tokens}, 1);
  int64_t i = 0;
  for (const auto& block : *blocks_) {
    x = block->as<TransformerBlock>()->forward(
        x, TransformerBlockImpl::Sight::kAll, "blocks." + std::to_string(i++),
        taps);
  }
  x = norm_(x);
  return {x.select(1, 0), x.slice(1, 1)};
}

EncoderOutput VitEncoderImpl::Encode(const torch::Tensor& images, Taps* taps) {
  return Run(Embed(images), taps);
}

EncoderOutput VitEncoderImpl::EncodeKept(const torch::Tensor& images,
                                         const torch::Tensor& kept) {
  const torch::Tensor tokens = Embed(images);
  return Run(
      tokens.gather(1, kept.unsqueeze(2).expand({-1, -1, tokens.size(2)})),
      nullptr);
}

}  // namespace mapweave::ssl
