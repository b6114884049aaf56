// SPDX-License-Identifier: MIT
//
// What embeddings are worth: probes that read labels or factors off them, and
// measures that need no labels. All of them work on tensors alone, in float64
// on the CPU, and change nothing of what they are given. They throw
// Error{kBadInput} for tensors that do not fit, hold values that are no
// numbers, or are too few.
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
  torch::Tensor features;  // [N, D]
  torch::Tensor label;     // [N] int64
};

// Share of `test` whose label is that of the weighted majority of its k
// nearest rows of `train` by cosine; a vote weighs exp(cosine / 0.07) (Wu et
// al., 2018).
double KnnAccuracy(const LabelledFeatures& train, const LabelledFeatures& test,
                   int64_t k = 20);

struct LinearProbeOptions {
  // Of the mean squared weight, on standardised features.
  double ridge = 1e-3;
  int64_t iterations = 300;  // of gradient descent with Adam on all rows
};
// Share of `test` that multinomial logistic regression on `train` gets right.
double LinearProbeAccuracy(const LabelledFeatures& train,
                           const LabelledFeatures& test,
                           const LinearProbeOptions& options = {});

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
// matched one to one greedily from the largest.
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
