// SPDX-License-Identifier: MIT
//
// The building blocks of the dense networks: convolution + norm + ReLU,
// residual block, temporal fusion. All of them work on [N, C, H, W] in float32
// or bfloat16 (weights stay in float32 and are cast to their input's type) and
// keep the channels-last layout, in which CPU convolutions need no reordering.
//
// Internal to models: pulls in Torch.
#pragma once

#include "core/random.h"
#include "models/nn/process_group.h"

#include <torch/torch.h>

#include <string>

namespace mapweave::nn {

// Group norm (Wu & He, 2018) takes its statistics from the window at hand;
// batch norm (Ioffe & Szegedy, 2015) in evaluation is a fixed affine map, so
// that a pixel's result does not depend on far parts of the window.
enum class NormKind { kGroup, kBatch };

// "group" or "batch"; throws Error{kUsage}.
NormKind ParseNormKind(const std::string& text);
const char* NormKindName(NormKind kind);

inline constexpr int64_t kGroupsPerNorm = 8;

class NormImpl : public torch::nn::Module {
 public:
  NormImpl(int64_t channels, NormKind kind);
  torch::Tensor forward(const torch::Tensor& x);

  // From now on batch statistics in training are those of all processes. The
  // group is borrowed.
  void SyncOver(ProcessGroup& group) { group_ = &group; }

 private:
  NormKind kind_;
  ProcessGroup* group_ = nullptr;
  torch::Tensor scale_;  // [C]
  torch::Tensor shift_;  // [C]
  torch::Tensor running_mean_;
  torch::Tensor running_var_;
};
TORCH_MODULE(Norm);

struct ConvNormOptions {
  int64_t in = 0;
  int64_t out = 0;
  int64_t kernel = 3;
  int64_t stride = 1;
  NormKind norm = NormKind::kBatch;
  bool relu = true;
};

// Convolution without bias, norm, and a ReLU if asked for; padding keeps
// ceil(size / stride).
class ConvNormImpl : public torch::nn::Module {
 public:
  explicit ConvNormImpl(const ConvNormOptions& options);
  torch::Tensor forward(const torch::Tensor& x);

 private:
  ConvNormOptions options_;
  torch::Tensor weight_;  // [out, in, k, k]
  Norm norm_{nullptr};
};
TORCH_MODULE(ConvNorm);

// Convolution with bias and nothing else.
class ConvImpl : public torch::nn::Module {
 public:
  ConvImpl(int64_t in, int64_t out, int64_t kernel, float bias = 0.0f);
  torch::Tensor forward(const torch::Tensor& x);

 private:
  torch::Tensor weight_;
  torch::Tensor bias_;
};
TORCH_MODULE(Conv);

// Two 3x3 convolutions beside a shortcut (He et al., 2016).
class BasicBlockImpl : public torch::nn::Module {
 public:
  BasicBlockImpl(int64_t in, int64_t out, int64_t stride, NormKind norm);
  torch::Tensor forward(const torch::Tensor& x);

 private:
  ConvNorm first_{nullptr};
  ConvNorm second_{nullptr};
  ConvNorm shortcut_{nullptr};  // null where the shortcut is the identity
};
TORCH_MODULE(BasicBlock);

// Shows every edition what the others have: x + norm(conv1x1(concat(x, mean
// over T of x, max over T of x))), then ReLU. Independent of the order of the
// editions; for T = 1 all three are the same map.
class TemporalFusionImpl : public torch::nn::Module {
 public:
  TemporalFusionImpl(int64_t channels, NormKind norm);
  // x: [B * T, C, H, W], the T editions of a clip side by side.
  torch::Tensor forward(const torch::Tensor& x, int64_t editions);

 private:
  torch::Tensor own_weight_;     // [C, C, 1, 1]
  torch::Tensor shared_weight_;  // [C, 2C, 1, 1] on concat(mean, max)
  Norm norm_{nullptr};
};
TORCH_MODULE(TemporalFusion);

// NormImpl::SyncOver for all batch norms of `model`. A group of one changes
// nothing.
void SyncBatchNorms(torch::nn::Module& model, ProcessGroup& group);

// Batch norms keep the statistics that they have, in training as in use, until
// the module's train() is called again.
void FreezeBatchStatistics(torch::nn::Module& model);

// Draws the convolutions of `model` (He et al., 2015, by fan-out), which are
// zero after construction; everything else stays as constructed.
void InitialiseWeights(torch::nn::Module& model, Rng rng);

}  // namespace mapweave::nn
