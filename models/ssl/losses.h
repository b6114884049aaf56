// SPDX-License-Identifier: MIT
//
// The losses of self-supervised methods as pure functions of tensors: no
// state, no module, any floating type. Embeddings are [N, D], a row per
// sample; the functions normalise rows themselves where the loss is one of
// angles, so that scaling their input changes nothing there.
//
// Every function throws Error{kBadInput}, naming the loss and the argument,
// for a tensor of the wrong shape, for fewer than two samples where the loss
// compares samples, and for values that are no numbers.
//
// Internal to models: pulls in Torch.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <vector>

namespace mapweave::ssl {

// Cross-entropy between target distributions and the softmax of cosine
// similarities: -mean_i sum_j targets_ij log softmax_j(z_i . z_j / t), where
// j = i takes no part. z: [M, D]; targets: [M, M], rows of non-negative weights
// whose diagonal is 0; rows that sum to 0 (nothing is like this sample) are
// left out of the mean. The three contrastive losses below are this one with
// different targets.
torch::Tensor SoftContrastive(const torch::Tensor& z,
                              const torch::Tensor& targets, double temperature);

// SimCLR's NT-Xent (Chen et al., 2020, eq. 1). The target is the sample's
// other view.
torch::Tensor NtXent(const torch::Tensor& first, const torch::Tensor& second,
                     double temperature = 0.5);

// Supervised contrastive loss (Khosla et al., 2020, eq. 2, "out"): the target
// is uniform over the other rows of the same label. z: [M, D], all views of a
// batch below each other; label: [M] int64, -1 = unknown. Throws if no two
// rows share a label.
torch::Tensor SupCon(const torch::Tensor& z, const torch::Tensor& label,
                     double temperature = 0.1);

// Targets of the X-Sample contrastive loss (Sobal et al., 2024): softmax over
// j != i of graph_ij / t. graph: [M, M] similarities, larger is more alike.
// Whether the paper keeps the diagonal could not be confirmed; here it is
// masked on both sides.
torch::Tensor XSampleTargets(const torch::Tensor& graph, double temperature);
// The temperature at which a row of XSampleTargets has `wanted` effective
// positives on average. 1 < wanted < M - 1. Throws Error{kBadInput} where no
// temperature does: k equal largest similarities never make fewer than k.
double TemperatureForPositives(const torch::Tensor& graph, double wanted);
// exp of the entropy of each row of a distribution, [M, M]: [M] float64.
torch::Tensor EffectivePositives(const torch::Tensor& targets);

// BYOL (Grill et al., 2020, eq. 2): mean of 2 - 2 cos(prediction, target). No
// gradient flows into `target`.
torch::Tensor ByolLoss(const torch::Tensor& prediction,
                       const torch::Tensor& target);

// Barlow Twins (Zbontar et al., 2021, eq. 1): sum_i (C_ii - 1)^2 + lambda
// sum_{i != j} C_ij^2 of the cross-correlation of columns standardised over
// the batch.
torch::Tensor BarlowTwins(const torch::Tensor& first,
                          const torch::Tensor& second, double lambda = 5e-3);

struct VicRegOptions {
  double invariance = 25.0;
  double variance = 25.0;
  double covariance = 1.0;
  double epsilon = 1e-4;
};
// VICReg (Bardes et al., 2022, eq. 6); the variance term is the mean of both
// views, the covariance term their sum, as in the authors' code.
torch::Tensor VicReg(const torch::Tensor& first, const torch::Tensor& second,
                     const VicRegOptions& options = {});

struct DinoOptions {
  double student_temperature = 0.1;
  double teacher_temperature = 0.04;
};
// DINO (Caron et al., 2021, alg. 1): mean cross-entropy of student views under
// the centred teacher's. student: logits of all views, each [N, K], the
// teacher's views first and in its order; teacher: of the global views; centre:
// [K]. A view is not compared with itself. No gradient flows into the teacher.
torch::Tensor DinoLoss(const std::vector<torch::Tensor>& student,
                       const std::vector<torch::Tensor>& teacher,
                       const torch::Tensor& centre,
                       const DinoOptions& options = {});

// MAE (He et al., 2022): mean squared error over masked patches. prediction,
// target: [N, T, P]; masked: [N, T], 1 = hidden from the encoder.
// `standardise` brings every target patch to mean 0 and variance 1 first
// (1e-6 is added to the variance), which the paper found better.
enum class PatchTarget { kPixels, kStandardised };
torch::Tensor MaskedPatchLoss(const torch::Tensor& prediction,
                              const torch::Tensor& target,
                              const torch::Tensor& masked,
                              PatchTarget kind = PatchTarget::kStandardised);

struct SigRegOptions {
  double t_max = 3.0;
  int64_t knots = 17;
};
// Sketched isotropic Gaussian regularisation of LeJEPA (Balestriero & LeCun,
// 2025): mean over directions of the Epps-Pulley statistic, N times the
// integral over t in [-t_max, t_max] of |phi(t) - exp(-t^2 / 2)|^2
// exp(-t^2 / 2), by the trapezoidal rule, where phi is the empirical
// characteristic function of z projected on the direction. z: [N, D];
// directions: [M, D] of unit length.
torch::Tensor SigReg(const torch::Tensor& z, const torch::Tensor& directions,
                     const SigRegOptions& options = {});
// (1 - lambda) invariance + lambda mean over views of SigReg; invariance is
// the mean squared distance of the views, each [N, D], to their mean.
torch::Tensor LeJepaLoss(const std::vector<torch::Tensor>& views,
                         const torch::Tensor& directions, double lambda = 0.02,
                         const SigRegOptions& options = {});

// DIET (Balestriero, 2023): cross-entropy of the sample's own index, label
// smoothing 0.8. logits: [N, samples]; index: [N] int64.
torch::Tensor DietLoss(const torch::Tensor& logits, const torch::Tensor& index,
                       double label_smoothing = 0.8);

// Mean loss per group, so that the rare ones are seen beside the mean that
// hides them.
struct GroupLosses {
  torch::Tensor mean;   // [groups], 0 for a group without samples
  torch::Tensor count;  // [groups] int64
  torch::Tensor micro;  // mean over samples
  torch::Tensor macro;  // mean over groups that have samples
};
// loss: [N]; group: [N] int64 in [0, groups), -1 = none.
GroupLosses PerGroupLoss(const torch::Tensor& loss, const torch::Tensor& group,
                         int64_t groups);

}  // namespace mapweave::ssl
