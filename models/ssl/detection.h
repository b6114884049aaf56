// SPDX-License-Identifier: MIT
//
// Telling a rare kind of sample from the rest: a linear probe in which both
// kinds weigh the same however few there are, and how well it does. In float64
// on the CPU. All throw Error{kBadInput} for tensors that do not fit, are
// empty, or hold values that are no numbers.
//
// Internal to models: pulls in Torch.
#pragma once

#include "models/ssl/probe.h"

#include <torch/torch.h>

namespace mapweave::ssl {

// Logistic regression on standardised features.
struct LinearDetector {
  torch::Tensor mean;     // [D]
  torch::Tensor sigma;    // [D]
  torch::Tensor weights;  // [D + 1]; the last one is the bias
  // [N] log odds of being positive, where both kinds are equally likely.
  // features: [N, D].
  torch::Tensor Scores(const torch::Tensor& features) const;
};

struct DetectorOptions {
  // Half of it times the squared weights, without the bias, is added to the
  // mean loss.
  double ridge = 1e-2;
  int max_iterations = 50;  // of Newton's method; it stops by itself
};

// Labels are 0 and 1, -1 is left out. Minimises the mean of the mean log loss
// of the positives and that of the negatives. Throws unless both are there.
LinearDetector FitLinearDetector(const LabelledFeatures& train,
                                 const DetectorOptions& options = {});

// Chance that a positive scores above a negative; ties count a half. scores:
// [N]; positive: [N] bool. Throws unless both kinds are there.
double Auroc(const torch::Tensor& scores, const torch::Tensor& positive);

// Harmonic mean of precision and recall; 0 without a true positive. Both [N]
// bool.
double F1Score(const torch::Tensor& predicted, const torch::Tensor& positive);

// Correlation of ranks, those of ties averaged; 0 where one side is constant.
// Both [N], N >= 2.
double SpearmanCorrelation(const torch::Tensor& first,
                           const torch::Tensor& second);

}  // namespace mapweave::ssl
