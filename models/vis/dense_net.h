// SPDX-License-Identifier: MIT
//
// The dense network: for every pixel of every edition, is it building, is it
// the inside of one, and where is that building's centre, shared by all
// editions. A residual trunk and a feature pyramid per edition (Lin et al.,
// 2017), with temporal fusion after each pyramid level; heads at the full
// resolution through pixel shuffle (Shi et al., 2016), since buildings on maps
// are 5 to 30 pixels wide. What tells two of them apart is often a line of one
// pixel, which the trunk's first stride blurs: a thin branch that never left
// the full resolution corrects foreground and interior.
//
// Internal to models: pulls in Torch.
#pragma once

#include "core/json.h"
#include "models/nn/blocks.h"

#include <torch/torch.h>

#include <array>
#include <string>

namespace mapweave::vis {

struct DenseConfig {
  std::string preset = "small";
  nn::NormKind norm = nn::NormKind::kBatch;
  // Channels and residual blocks of the stages at strides 2, 4, 8 and 16.
  std::array<int64_t, 4> widths = {24, 48, 96, 160};
  std::array<int64_t, 4> depths = {1, 2, 2, 2};
  int64_t pyramid = 96;  // channels of the levels at strides 4, 8 and 16
  int64_t fine = 48;     // and at stride 2
  int64_t head = 64;
  // Channels of the refinement at full resolution; 0 = none.
  int64_t refine = 16;

  // Throws Error{kUsage} for a preset that does not exist.
  static DenseConfig Preset(const std::string& name);
  // Throws Error{kBadInput} naming the field that is missing or impossible.
  static DenseConfig FromJson(const Json& json);
  Json ToJson() const;
};

// What the network needs H and W to be multiples of; it pads by itself.
inline constexpr int64_t kDenseStride = 16;
// Offsets are learned in units of this many pixels.
inline constexpr float kOffsetUnit = 8.0f;

struct DenseOutput {
  // [B * T, 16, H / 2, W / 2] float32, H and W padded: four maps (foreground
  // logit, interior logit, x and y offset to the shared centre in
  // kOffsetUnits) with the four pixels of a 2 x 2 cell as channels, as
  // torch::pixel_unshuffle makes them.
  torch::Tensor cells;
  // [B, 1, H / 2, W / 2] float32: logit of a shared centre lying there.
  torch::Tensor heat;
  // What they were read from, for other heads: [B * T, C, ., .] at stride 2,
  // and at strides 4, 8 and 16 after temporal fusion.
  torch::Tensor fine;
  std::array<torch::Tensor, 3> levels;
};

class DenseNetImpl : public torch::nn::Module {
 public:
  explicit DenseNetImpl(const DenseConfig& config);

  // x: [B * T, 4, H, W] as NormaliseInput makes it, the T editions of a clip
  // side by side.
  DenseOutput forward(const torch::Tensor& x, int64_t editions);

  // DenseOutput::cells alone, for one clip in evaluation: what belongs to one
  // edition is computed edition by edition, so that memory at the finer
  // strides does not grow with their number.
  torch::Tensor Infer(const torch::Tensor& x);

  // Features at strides 2, 4, 8 and 16, editions apart.
  using Features = std::array<torch::Tensor, 4>;
  Features Trunk(const torch::Tensor& x);

  const DenseConfig& Config() const { return config_; }

 private:
  // The pyramid's levels at strides 4, 8 and 16, after temporal fusion.
  std::array<torch::Tensor, 3> Pyramid(const Features& features,
                                       int64_t editions);
  // The level at stride 2, editions apart.
  torch::Tensor Fine(const torch::Tensor& features,
                     const torch::Tensor& coarse);
  // DenseOutput::cells from the level at stride 2 and the input.
  torch::Tensor Cells(const torch::Tensor& fine, const torch::Tensor& x);

  DenseConfig config_;
  nn::ConvNorm stem_{nullptr};
  std::array<torch::nn::Sequential, 4> stages_;
  // Index i is the level at stride 4, 8, 16.
  std::array<nn::ConvNorm, 3> laterals_{nullptr, nullptr, nullptr};
  std::array<nn::ConvNorm, 3> smooths_{nullptr, nullptr, nullptr};
  std::array<nn::TemporalFusion, 3> fusions_{nullptr, nullptr, nullptr};
  nn::ConvNorm fine_lateral_{nullptr};
  nn::ConvNorm fine_reduce_{nullptr};
  nn::ConvNorm fine_smooth_{nullptr};
  nn::ConvNorm head_{nullptr};
  nn::Conv head_out_{nullptr};
  // Null without refinement.
  nn::ConvNorm ink_{nullptr};
  nn::ConvNorm context_{nullptr};
  nn::ConvNorm refine_{nullptr};
  nn::Conv refine_out_{nullptr};
  nn::ConvNorm heat_{nullptr};
  nn::Conv heat_out_{nullptr};
};
TORCH_MODULE(DenseNet);

// bytes: uint8 [N, H, W, 4], red, green, blue and coverage (0 or 1). Returns
// `dtype` [N, 4, H', W'] in channels-last layout on `device`, colours centred
// and scaled, 0 where there is no coverage, zero-padded at the right and bottom
// to multiples of kDenseStride.
torch::Tensor NormaliseInput(const torch::Tensor& bytes,
                             const torch::Device& device,
                             torch::ScalarType dtype);

}  // namespace mapweave::vis
