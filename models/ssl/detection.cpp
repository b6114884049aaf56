// SPDX-License-Identifier: MIT
#include "models/ssl/detection.h"

#include "core/error.h"

#include <fmt/format.h>

namespace mapweave::ssl {
namespace {

[[noreturn]] void FailDetection(const char* what, const char* why) {
  throw Error(ErrorCode::kBadInput, fmt::format("{}: {}", what, why));
}

torch::Tensor FiniteDoubles(const char* what, const torch::Tensor& x,
                            int64_t dim) {
  if (!x.defined() || x.dim() != dim || x.numel() == 0) {
    FailDetection(what, "a tensor is empty or of another shape");
  }
  const torch::Tensor y = x.detach().to(torch::kCPU, torch::kDouble);
  if (!torch::isfinite(y).all().item<bool>()) {
    FailDetection(what, "a tensor holds values that are no numbers");
  }
  return y;
}

// [N], counted from 1; equal values share the mean of their ranks.
torch::Tensor AverageRanks(const torch::Tensor& values) {
  const torch::Tensor rows = values.view({-1, 1});
  const torch::Tensor columns = values.view({1, -1});
  const torch::Tensor below = columns.lt(rows).sum(1);
  const torch::Tensor equal = columns.eq(rows).sum(1);
  return below.to(torch::kDouble) + (equal.to(torch::kDouble) + 1.0) / 2.0;
}

struct WeightedLoss {
  const torch::Tensor& x;       // [N, D + 1]
  const torch::Tensor& wanted;  // [N], 0 or 1
  const torch::Tensor& share;   // [N], sums to 1
  const torch::Tensor& ridge;   // [D + 1]

  double operator()(const torch::Tensor& weights) const {
    const torch::Tensor z = x.mv(weights);
    const torch::Tensor loss = torch::softplus(z) - wanted * z;
    return (share * loss).sum().item<double>() +
           0.5 * (ridge * weights.square()).sum().item<double>();
  }
};

}  // namespace

torch::Tensor LinearDetector::Scores(const torch::Tensor& features) const {
  const torch::Tensor x = FiniteDoubles("detector", features, 2);
  if (x.size(1) != mean.size(0)) {
    FailDetection("detector", "the features have another dimension");
  }
  return ((x - mean) / sigma).mv(weights.slice(0, 0, -1)) + weights[-1];
}

LinearDetector FitLinearDetector(const LabelledFeatures& train,
                                 const DetectorOptions& options) {
  const torch::NoGradGuard no_grad;
  torch::Tensor x = FiniteDoubles("detector", train.features, 2);
  torch::Tensor y = FiniteDoubles("detector", train.label, 1);
  if (x.size(0) != y.size(0)) {
    FailDetection("detector", "needs one label for every row");
  }
  const torch::Tensor known = y.ge(0.0).nonzero().view({-1});
  x = x.index_select(0, known);
  y = y.index_select(0, known);
  const double positives = y.sum().item<double>();
  const double negatives = static_cast<double>(y.size(0)) - positives;
  if (positives < 1.0 || negatives < 1.0 || y.gt(1.0).any().item<bool>()) {
    FailDetection("detector", "needs both labels, 0 and 1");
  }
  LinearDetector detector;
  detector.mean = x.mean(0);
  detector.sigma = x.var(0, /*unbiased=*/false).sqrt().clamp_min(1e-8);
  x = torch::cat({(x - detector.mean) / detector.sigma,
                  torch::ones({x.size(0), 1}, x.options())},
                 1);
  const torch::Tensor share =
      y / (2.0 * positives) + (1.0 - y) / (2.0 * negatives);
  torch::Tensor ridge = torch::full({x.size(1)}, options.ridge, x.options());
  ridge[-1] = 1e-9;  // keeps the Hessian regular
  const WeightedLoss loss{x, y, share, ridge};
  torch::Tensor weights = torch::zeros({x.size(1)}, x.options());
  double value = loss(weights);
  for (int i = 0; i < options.max_iterations; ++i) {
    const torch::Tensor p = torch::sigmoid(x.mv(weights));
    const torch::Tensor gradient = x.t().mv(share * (p - y)) + ridge * weights;
    const torch::Tensor hessian =
        (x * (share * p * (1.0 - p)).unsqueeze(1)).t().mm(x) +
        torch::diag(ridge);
    torch::Tensor step =
        torch::linalg_solve(hessian, gradient.unsqueeze(1)).squeeze(1);
    // Newton's step may leap too far from where the loss is flat.
    torch::Tensor next = weights - step;
    double next_value = loss(next);
    while (!(next_value <= value) && step.norm().item<double>() > 1e-12) {
      step = step / 2.0;
      next = weights - step;
      next_value = loss(next);
    }
    const bool settled = value - next_value < 1e-12;
    weights = next;
    value = next_value;
    if (settled) break;
  }
  detector.weights = weights;
  return detector;
}

double Auroc(const torch::Tensor& scores, const torch::Tensor& positive) {
  const torch::Tensor s = FiniteDoubles("AUROC", scores, 1);
  const torch::Tensor p = FiniteDoubles("AUROC", positive, 1);
  if (s.size(0) != p.size(0)) FailDetection("AUROC", "lengths differ");
  const double positives = p.sum().item<double>();
  const double negatives = static_cast<double>(p.size(0)) - positives;
  if (positives < 1.0 || negatives < 1.0) {
    FailDetection("AUROC", "needs positives and negatives");
  }
  const double ranks = (AverageRanks(s) * p).sum().item<double>();
  return (ranks - positives * (positives + 1.0) / 2.0) /
         (positives * negatives);
}

double F1Score(const torch::Tensor& predicted, const torch::Tensor& positive) {
  const torch::Tensor a = FiniteDoubles("F1", predicted, 1);
  const torch::Tensor b = FiniteDoubles("F1", positive, 1);
  if (a.size(0) != b.size(0)) FailDetection("F1", "lengths differ");
  const double both = (a * b).sum().item<double>();
  const double either = (a + b).sum().item<double>();
  return either > 0.0 ? 2.0 * both / either : 0.0;
}

double SpearmanCorrelation(const torch::Tensor& first,
                           const torch::Tensor& second) {
  const torch::Tensor a = FiniteDoubles("rank correlation", first, 1);
  const torch::Tensor b = FiniteDoubles("rank correlation", second, 1);
  if (a.size(0) != b.size(0) || a.size(0) < 2) {
    FailDetection("rank correlation", "needs two values or more on both sides");
  }
  const double middle = (static_cast<double>(a.size(0)) + 1.0) / 2.0;
  const torch::Tensor x = AverageRanks(a) - middle;
  const torch::Tensor y = AverageRanks(b) - middle;
  const double scale = (x.norm() * y.norm()).item<double>();
  return scale > 0.0 ? (x * y).sum().item<double>() / scale : 0.0;
}

}  // namespace mapweave::ssl
