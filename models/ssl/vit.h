// SPDX-License-Identifier: MIT
//
// Vision transformers (Dosovitskiy et al., 2021) with [cls] and patch tokens,
// able to see a part of the patches only, as a masked autoencoder needs it.
// Position codes are fixed sines and cosines in two dimensions (He et al.,
// 2022, and their code).
//
// Internal to models: pulls in Torch.
#pragma once

#include "models/ssl/encoder.h"

namespace mapweave::ssl {

// Attention and a two-layer GELU network, each behind a layer norm and beside
// a shortcut.
class TransformerBlockImpl : public torch::nn::Module {
 public:
  TransformerBlockImpl(int64_t width, int64_t heads, int64_t hidden);
  // x: [N, T, width]. With `causal`, place t sees places up to t.
  enum class Sight { kAll, kCausal };
  torch::Tensor forward(const torch::Tensor& x, Sight sight = Sight::kAll,
                        const std::string& name = "", Taps* taps = nullptr);

 private:
  int64_t heads_;
  torch::nn::LayerNorm norm1_{nullptr};
  torch::nn::Linear qkv_{nullptr};
  torch::nn::Linear proj_{nullptr};
  torch::nn::LayerNorm norm2_{nullptr};
  torch::nn::Linear fc1_{nullptr};
  torch::nn::Linear fc2_{nullptr};
};
TORCH_MODULE(TransformerBlock);

// [1 + side * side, width] float32; the first row, of [cls], is 0. width is a
// multiple of 4.
torch::Tensor SineCosinePositions(int64_t side, int64_t width);

// [N, C, H, W] to [N, T, C * p * p] and the other way; patches in row-major
// order, in each of them channels, then rows, then columns.
torch::Tensor ToPatches(const torch::Tensor& images, int64_t patch_px);
torch::Tensor FromPatches(const torch::Tensor& patches, int64_t patch_px,
                          int64_t channels);

class VitEncoderImpl : public EncoderImpl {
 public:
  // config.kind is one of the ViTs; its images are square, of config.image_px.
  explicit VitEncoderImpl(const EncoderConfig& config);
  // The embedding is that of [cls].
  EncoderOutput Encode(const torch::Tensor& images,
                       Taps* taps = nullptr) override;
  // Sees the patches `kept`, [N, K] int64, alone. Tokens are [N, K, Width()].
  EncoderOutput EncodeKept(const torch::Tensor& images,
                           const torch::Tensor& kept);
  int64_t Width() const override { return width_; }
  int64_t Patches() const;

 private:
  torch::Tensor Embed(const torch::Tensor& images);
  EncoderOutput Run(const torch::Tensor& tokens, Taps* taps);

  int64_t width_ = 0;
  torch::Tensor cls_token_;  // [1, 1, width]
  torch::Tensor positions_;  // [1 + T, width], a buffer
  torch::nn::Linear patch_embed_{nullptr};
  torch::nn::ModuleList blocks_;
  torch::nn::LayerNorm norm_{nullptr};
};

}  // namespace mapweave::ssl
