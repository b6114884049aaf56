// SPDX-License-Identifier: MIT
//
// The building blocks of the query-based networks: attention with masks, feed
// forward layers, sine position codes, and the multi-scale deformable attention
// of the pixel decoder. All of them compute in float32 and put their norms
// behind the residual sum, as Mask2Former does (Cheng et al., 2022).
//
// Internal to models: pulls in Torch.
#pragma once

#include "core/random.h"

#include <torch/torch.h>

#include <array>
#include <vector>

namespace mapweave::nn {

// Multi-head attention (Vaswani et al., 2017) with a residual sum and a layer
// norm: LN(query + out(softmax(q k^T / sqrt(d / heads)) v)).
class AttentionImpl : public torch::nn::Module {
 public:
  AttentionImpl(int64_t channels, int64_t heads);

  // What is attended with and to; position codes are already in q and k.
  struct Input {
    torch::Tensor residual;  // [B, Q, C]
    torch::Tensor query;     // [B, Q, C]
    torch::Tensor key;       // [B, L, C]
    torch::Tensor value;     // [B, L, C]
    // bool [B, Q or 1, L], true = may not be looked at; undefined = none. A row
    // must not be true throughout.
    torch::Tensor hidden;
  };
  torch::Tensor forward(const Input& input);

 private:
  int64_t heads_;
  torch::nn::Linear query_{nullptr};
  torch::nn::Linear key_{nullptr};
  torch::nn::Linear value_{nullptr};
  torch::nn::Linear out_{nullptr};
  torch::nn::LayerNorm norm_{nullptr};
};
TORCH_MODULE(Attention);

// LN(x + linear(ReLU(linear(x)))).
class FeedForwardImpl : public torch::nn::Module {
 public:
  FeedForwardImpl(int64_t channels, int64_t hidden);
  torch::Tensor forward(const torch::Tensor& x);

 private:
  torch::nn::Linear first_{nullptr};
  torch::nn::Linear second_{nullptr};
  torch::nn::LayerNorm norm_{nullptr};
};
TORCH_MODULE(FeedForward);

// Linear layers with ReLU between them; widths from input to output.
class MlpImpl : public torch::nn::Module {
 public:
  explicit MlpImpl(const std::vector<int64_t>& widths);
  torch::Tensor forward(torch::Tensor x);

 private:
  std::vector<torch::nn::Linear> layers_;
};
TORCH_MODULE(Mlp);

// Sines and cosines of `positions` (float32, any shape) as `channels` (even)
// more entries in a last dimension: entry 2i is sin(p / 10000^(2i / channels)),
// entry 2i + 1 the cosine.
torch::Tensor SineCode(const torch::Tensor& positions, int64_t channels);

// Code of the cells of a grid of T editions, [T * height * width, channels]
// float32, channels a multiple of 4. GridCode: the first half from y, the
// second from x. EditionCode: from t. All run over (0, 2 pi]; their sum is the
// code of Mask2Former-VIS (Cheng et al., 2021).
struct GridShape {
  int64_t editions = 1;
  int64_t height = 0;
  int64_t width = 0;
};
torch::Tensor GridCode(const GridShape& shape, int64_t channels,
                       const torch::TensorOptions& options);
torch::Tensor EditionCode(const GridShape& shape, int64_t channels,
                          const torch::TensorOptions& options);

// Code of points in pixels, x and y in the last dimension of [..., 2], as
// [..., channels]: first half from y, second from x, waves of 32 pixels and
// longer. Unlike GridCode it is the same for a window of any size, and a shift
// of the window turns all codes alike.
torch::Tensor PixelCode(const torch::Tensor& points, int64_t channels);

// [height, width, 2] float32: x and y in pixels of the centres of cells that
// are `stride` pixels wide.
torch::Tensor CellCentres(int64_t height, int64_t width, double stride,
                          const torch::TensorOptions& options);

// Multi-scale deformable attention (Zhu et al., 2021, equation 3), written with
// grid_sample: every token looks at `points` places per level and head, at
// learned offsets from its own.
class DeformableAttentionImpl : public torch::nn::Module {
 public:
  struct Shape {
    int64_t channels = 256;
    int64_t heads = 8;
    int64_t levels = 3;
    int64_t points = 4;
  };
  explicit DeformableAttentionImpl(const Shape& shape);

  // query, value: [B, sum of h * w, C], levels one behind the other;
  // places: [sum of h * w, 2], each token's own x and y in (0, 1);
  // sizes: (h, w) of each level. Returns [B, sum of h * w, C].
  torch::Tensor forward(const torch::Tensor& query, const torch::Tensor& value,
                        const torch::Tensor& places,
                        const std::vector<std::array<int64_t, 2>>& sizes);

  // As published: offsets in as many directions as heads, one, two, ... pixels
  // far, whatever the query; equal weights.
  void InitialiseOffsets();

 private:
  Shape shape_;
  torch::nn::Linear offsets_{nullptr};
  torch::nn::Linear weights_{nullptr};
  torch::nn::Linear value_{nullptr};
  torch::nn::Linear out_{nullptr};
};
TORCH_MODULE(DeformableAttention);

// Draws linear layers and plain matrices (Glorot & Bengio, 2010, uniform;
// biases zero) below `module`; convolutions are InitialiseWeights's.
void InitialiseLinear(torch::nn::Module& module, Rng& rng);

}  // namespace mapweave::nn
