// SPDX-License-Identifier: MIT
#include "models/vis/dense_loss.h"

#include "core/error.h"

#include <array>
#include <cmath>
#include <vector>

namespace mapweave::vis {
namespace {

constexpr double kCrossEntropyWeight = 5.0;
constexpr double kOffsetWeight = 0.5;
// Of pixels between two buildings, on top of the 1 that every pixel has: they
// are few, and a merged pair costs two detections (cf. the border weights of
// Ronneberger et al., 2015).
constexpr double kContactWeight = 3.0;

// A view of `values` as a tensor on `device`; the copy to another device is
// the caller's only copy.
template <typename T>
torch::Tensor View(const std::vector<T>& values, at::IntArrayRef sizes,
                   torch::ScalarType type, const torch::Device& device) {
  return torch::from_blob(const_cast<T*>(values.data()), sizes,
                          torch::TensorOptions(type))
      .to(device);
}

// 1 where the bit is set, in float32.
torch::Tensor Bit(const torch::Tensor& flags, uint8_t bit) {
  return flags.bitwise_and(static_cast<int64_t>(bit)).ne(0).to(torch::kFloat);
}

// One part of the loss, before it is divided: per frame, or per clip.
struct Part {
  torch::Tensor sums;
  torch::Tensor weights;

  torch::Tensor Each() const { return sums / weights.clamp_min(1.0); }
};

Part CrossEntropy(const torch::Tensor& logits, const torch::Tensor& target,
                  const torch::Tensor& weight) {
  return {torch::binary_cross_entropy_with_logits(logits, target, weight, {},
                                                  at::Reduction::None)
              .sum({1, 2, 3}),
          weight.sum({1, 2, 3})};
}

// An empty frame that is predicted empty costs nothing.
Part Dice(const torch::Tensor& logits, const torch::Tensor& target,
          const torch::Tensor& valid) {
  const torch::Tensor probability = torch::sigmoid(logits) * valid;
  const torch::Tensor overlap = (probability * target).sum({1, 2, 3});
  const torch::Tensor sum = probability.sum({1, 2, 3}) + target.sum({1, 2, 3});
  const torch::Tensor dice = 1.0 - (2.0 * overlap + 1.0) / (sum + 1.0);
  return {dice, torch::ones_like(dice).detach()};
}

Part FocalHeat(const torch::Tensor& logits, const torch::Tensor& target) {
  const torch::Tensor log_p = torch::log_sigmoid(logits);
  const torch::Tensor log_not = torch::log_sigmoid(-logits);
  const torch::Tensor p = torch::sigmoid(logits);
  const torch::Tensor peak = target.eq(1.0).to(torch::kFloat);
  const torch::Tensor loss =
      peak * (1.0 - p).square() * log_p +
      (1.0 - peak) * (1.0 - target).pow(4) * p.square() * log_not;
  return {-loss.sum({1, 2, 3}), peak.sum({1, 2, 3})};
}

// The six parts, in the order of DenseLoss.
using Parts = std::array<Part, 6>;
constexpr std::array<double, 6> kWeights = {
    kCrossEntropyWeight, kCrossEntropyWeight, 1.0, 1.0, kOffsetWeight, 1.0};
constexpr size_t kHeat = 5;

Parts ComputeParts(const DenseOutput& output, const DenseTargets& targets) {
  const torch::Device device = output.cells.device();
  const int64_t frames = targets.clips * targets.editions;
  const int64_t height = targets.height;
  const int64_t width = targets.width;
  MAPWEAVE_CHECK(output.cells.size(0) == frames &&
                 output.cells.size(2) * 2 == height &&
                 output.cells.size(3) * 2 == width);
  // The targets follow the network's cells (not the other way round): bytes
  // are cheaper to move than gradients.
  const torch::Tensor flags = torch::pixel_unshuffle(
      View(targets.flags, {frames, 1, height, width}, torch::kByte, device), 2);
  const torch::Tensor valid = Bit(flags, kValidFlag);
  const torch::Tensor foreground = Bit(flags, kForegroundFlag);
  const torch::Tensor weight =
      valid + kContactWeight * Bit(flags, kContactFlag);
  const torch::Tensor cells = output.cells.contiguous();
  const torch::Tensor foreground_logits = cells.slice(1, 0, 4);
  const torch::Tensor interior_logits = cells.slice(1, 4, 8);
  const torch::Tensor interior = Bit(flags, kInteriorFlag);
  const torch::Tensor offsets = torch::pixel_unshuffle(
      View(targets.offsets, {frames, 2, height, width}, torch::kFloat, device) /
          kOffsetUnit,
      2);
  const torch::Tensor error = torch::smooth_l1_loss(
      cells.slice(1, 8, 16), offsets, at::Reduction::None);
  const torch::Tensor on_buildings = torch::cat({foreground, foreground}, 1);
  return {
      CrossEntropy(foreground_logits, foreground, weight),
      CrossEntropy(interior_logits, interior, weight),
      Dice(foreground_logits, foreground, valid),
      Dice(interior_logits, interior, valid),
      Part{(error * on_buildings).sum({1, 2, 3}), on_buildings.sum({1, 2, 3})},
      FocalHeat(output.heat,
                View(targets.heat, {targets.clips, 1, height / 2, width / 2},
                     torch::kFloat, device))};
}

torch::Tensor PerEdition(const Parts& parts, int64_t editions) {
  const torch::NoGradGuard no_grad;
  torch::Tensor sum =
      kWeights[kHeat] * parts[kHeat].Each().repeat_interleave(editions);
  for (size_t i = 0; i < kHeat; ++i) sum = sum + kWeights[i] * parts[i].Each();
  return torch::where(parts[0].weights.gt(0.0), sum,
                      torch::full_like(sum, std::nan("")))
      .detach();
}

}  // namespace

DenseLoss ComputeDenseLoss(const DenseOutput& output,
                           const DenseTargets& targets,
                           nn::ProcessGroup& group) {
  const Parts parts = ComputeParts(output, targets);
  std::vector<torch::Tensor> weights;
  for (const Part& part : parts) weights.push_back(part.weights.sum());
  torch::Tensor joined = torch::stack(weights);
  group.Sum(joined);
  joined = joined.clamp_min(1.0);

  DenseLoss loss;
  const std::array<torch::Tensor*, 6> terms = {
      &loss.foreground,    &loss.interior, &loss.foreground_dice,
      &loss.interior_dice, &loss.offset,   &loss.heat};
  for (size_t i = 0; i < parts.size(); ++i) {
    *terms[i] = parts[i].sums.sum() / joined[static_cast<int64_t>(i)];
    const torch::Tensor weighted = kWeights[i] * *terms[i];
    loss.total = i == 0 ? weighted : loss.total + weighted;
  }
  loss.editions = PerEdition(parts, targets.editions);
  return loss;
}

DenseLoss ComputeDenseLoss(const DenseOutput& output,
                           const DenseTargets& targets) {
  return ComputeDenseLoss(output, targets, *nn::JoinProcesses({}, torch::kCPU));
}

}  // namespace mapweave::vis
