// SPDX-License-Identifier: MIT
//
// What embeddings are worth: probes that read labels or factors off them, and
// measures that need no labels. All of them work on tensors alone, in float64
// on the CPU unless they say otherwise, and change nothing of what they are
// given. They throw Error{kBadInput} for tensors that do not fit, hold values
// that are no numbers, or are too few.
//
// Internal to models: pulls in Torch.
#pragma once

#include "models/ssl/batch.h"
#include "models/ssl/encoder.h"

#include <torch/torch.h>

#include <cstdint>

namespace mapweave::ssl {

// Embeddings of a whole set in evaluation mode without gradients, on the CPU;
// the mode of the encoder is restored. [N, D], and with `kTokens` [N, T, D].
enum class EmbeddingKind { kPooled, kTokens, kMeanToken };
torch::Tensor EmbedDataset(EncoderImpl& encoder, const Dataset& data,
                           EmbeddingKind kind = EmbeddingKind::kPooled);

// Features and labels of one split; rows with label -1 are left out.
struct LabelledFeatures {
  torch::Tensor features;  // [N, D] unless it says otherwise
  torch::Tensor label;     // [N] int64
};

// Share of `test` whose label is that of the weighted majority of its k
// nearest rows of `train` by cosine; a vote weighs exp(cosine / 0.07) (Wu et
// al., 2018).
double KnnAccuracy(const LabelledFeatures& train, const LabelledFeatures& test,
                   int64_t k = 20);
// The label that it gives each row of `features`, [N, D]: [N] int64.
torch::Tensor KnnPredictions(const LabelledFeatures& train,
                             const torch::Tensor& features, int64_t k = 20);

struct LinearProbeOptions {
  // Of the mean squared weight, on standardised features.
  double ridge = 1e-3;
  int64_t iterations = 300;  // of gradient descent with Adam on all rows
};
// Multinomial logistic regression, trained when it is made.
class LinearProbe {
 public:
  explicit LinearProbe(const LabelledFeatures& train,
                       const LinearProbeOptions& options = {});
  // Of every row of `features`, [N, D], the likeliest label: [N] int64. A row's
  // label does not depend on the other rows.
  torch::Tensor Predict(const torch::Tensor& features) const;

 private:
  torch::Tensor mean_;     // [D] of the training rows, and their deviation
  torch::Tensor sigma_;    // [D]
  torch::Tensor weights_;  // [D + 1, classes] float64, the last row is the bias
};
// Share of `test` that LinearProbe gets right.
double LinearProbeAccuracy(const LabelledFeatures& train,
                           const LabelledFeatures& test,
                           const LinearProbeOptions& options = {});

// Share of `test` that a head on tokens gets right: AbMILP pooling, batch norm
// without weights, and a linear layer, trained together on `train`. features:
// [N, T, D] tokens. With T = 1 the pooling is idle, which makes it the same
// head on one embedding per sample. Batch norm, no weight decay and a warm-up
// of a ninth follow Przewiezlikowski et al., 2024; they train with LARS on
// ImageNet, this is AdamW in float32, for sets of some thousand.
struct AttentiveProbeOptions {
  int depth = 1;  // of the pooling's score
  int64_t steps = 800;
  int64_t batch = 128;  // or all of `train` where that is less
  double learning_rate = 1e-2;
  uint64_t seed = 1;
};
double AttentiveProbeAccuracy(const LabelledFeatures& train,
                              const LabelledFeatures& test,
                              const AttentiveProbeOptions& options = {});

// Held-out coefficient of determination of the best affine map from features
// to targets, mean over the columns of `targets`; ridge by the same meaning as
// above. features: [N, D]; targets: [N, K].
struct Regression {
  torch::Tensor features;
  torch::Tensor targets;
};
double LinearR2(const Regression& train, const Regression& test,
                double ridge = 1e-6);

// Mean absolute correlation of columns of `first` and `second`, [N, K] each,
// matched one to one so that it is the largest possible: the mean correlation
// coefficient (MCC) of the identifiability papers.
double MatchedCorrelation(const torch::Tensor& first,
                          const torch::Tensor& second);

// exp of the entropy of the singular values of the raw embeddings (Garrido et
// al., 2023, eq. 1): neither centred nor scaled, which decides what the
// measure says. Only comparable within one method and one N. Throws unless
// N > D: below, the measure is bounded by N.
double RankMe(const torch::Tensor& embeddings);

// Effective rank of the discriminant of views against samples (Thilak et al.,
// 2024). embeddings: [samples, views, D], samples * views > D.
double Lidar(const torch::Tensor& embeddings, double ridge = 1e-4);

}  // namespace mapweave::ssl
