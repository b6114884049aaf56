// SPDX-License-Identifier: MIT
#include "models/ssl/pgd.h"

#include "core/error.h"

namespace mapweave::ssl {
namespace {

// Length of every sample, shaped to multiply it.
torch::Tensor SampleLengths(const torch::Tensor& x) {
  std::vector<int64_t> shape(static_cast<size_t>(x.dim()), 1);
  shape[0] = x.size(0);
  return x.flatten(1).norm(2, 1).clamp_min(1e-30).view(shape);
}

torch::Tensor ProjectToBall(const torch::Tensor& shift,
                            const PgdOptions& options) {
  if (options.norm == PgdNorm::kLinf) {
    return shift.clamp(-options.epsilon, options.epsilon);
  }
  return shift * (options.epsilon / SampleLengths(shift)).clamp_max(1.0);
}

}  // namespace

void PgdOptions::Validate() const {
  const auto require = [](bool holds, const char* text) {
    if (!holds) throw Error(ErrorCode::kUsage, text);
  };
  require(epsilon >= 0.0, "PGD: epsilon must not be negative");
  require(step > 0.0, "PGD: the step must be positive");
  require(steps >= 0, "PGD: the number of steps must not be negative");
}

torch::Tensor PgdAttack(const LogitsOf& classifier, const torch::Tensor& x,
                        const torch::Tensor& label, const PgdOptions& options) {
  options.Validate();
  if (!x.defined() || x.dim() < 2 || !label.defined() || label.dim() != 1 ||
      label.size(0) != x.size(0)) {
    throw Error(ErrorCode::kBadInput,
                "PGD: needs inputs [N, ...] and a label for each of them");
  }
  const torch::Tensor clean = x.detach();
  torch::Tensor shift = torch::zeros_like(clean);
  for (int64_t i = 0; i < options.steps; ++i) {
    const torch::AutoGradMode with_graph(true);
    const torch::Tensor moved = (clean + shift).requires_grad_(true);
    // Summed, so that no sample's gradient depends on the others.
    const torch::Tensor loss = torch::nn::functional::cross_entropy(
        classifier(moved), label,
        torch::nn::functional::CrossEntropyFuncOptions().reduction(
            torch::kSum));
    if (!torch::isfinite(loss).item<bool>()) {
      throw Error(ErrorCode::kBadInput,
                  "PGD: the classifier's logits are no numbers");
    }
    const torch::Tensor gradient = torch::autograd::grad({loss}, {moved})[0];
    const torch::Tensor direction = options.norm == PgdNorm::kLinf
                                        ? gradient.sign()
                                        : gradient / SampleLengths(gradient);
    shift = ProjectToBall(shift + options.step * direction, options).detach();
  }
  return clean + shift;
}

double PgdAccuracy(const LogitsOf& classifier, const torch::Tensor& x,
                   const torch::Tensor& label, const PgdOptions& options) {
  const torch::Tensor attacked = PgdAttack(classifier, x, label, options);
  const torch::NoGradGuard no_grad;
  const auto right = [&](const torch::Tensor& input) {
    return classifier(input).argmax(1).eq(label);
  };
  return right(x)
      .logical_and(right(attacked))
      .to(torch::kDouble)
      .mean()
      .item<double>();
}

}  // namespace mapweave::ssl
