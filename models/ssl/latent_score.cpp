// SPDX-License-Identifier: MIT
#include "models/ssl/latent_score.h"

#include "core/error.h"

namespace mapweave::ssl {

torch::Tensor ExtendedSoftmaxJacobian(const torch::Tensor& logits) {
  if (!logits.defined() || logits.dim() != 3) {
    throw Error(ErrorCode::kBadInput,
                "latent score: the logits are not [samples, positions, "
                "values]");
  }
  const torch::Tensor p = torch::softmax(logits, 2);
  const torch::Tensor square =
      torch::diag_embed(p) - p.unsqueeze(3) * p.unsqueeze(2);
  const torch::Tensor last =
      -p * torch::exp(-torch::logsumexp(logits, 2, /*keepdim=*/true));
  return torch::cat({square, last.unsqueeze(2)}, 2);
}

torch::Tensor LatentExplorationScore(const torch::Tensor& logits,
                                     const torch::Tensor& slope) {
  const torch::Tensor softmax = ExtendedSoftmaxJacobian(logits);
  const int64_t n = logits.size(0);
  const int64_t positions = logits.size(1);
  const int64_t values = logits.size(2);
  if (!slope.defined() || slope.dim() != 3 || slope.size(0) != n ||
      slope.size(1) != positions * values || slope.size(2) > slope.size(1)) {
    throw Error(ErrorCode::kBadInput,
                "latent score: the slope does not fit the logits");
  }
  if (!torch::isfinite(logits).all().item<bool>() ||
      !torch::isfinite(slope).all().item<bool>()) {
    throw Error(ErrorCode::kBadInput,
                "latent score: logits or slope are no numbers");
  }
  const torch::Tensor jacobian =
      torch::matmul(softmax.to(torch::kDouble),
                    slope.to(torch::kDouble)
                        .reshape({n, positions, values, slope.size(2)}))
          .reshape({n, positions * (values + 1), slope.size(2)});
  return -torch::linalg_svdvals(jacobian).clamp_min(1e-12).log().sum(1);
}

CategoricalVaeImpl::CategoricalVaeImpl(const CategoricalVaeOptions& options,
                                       const Rng& rng)
    : options_(options) {
  encoder_ = register_module(
      "encoder",
      ReluMlp(std::vector<int64_t>{options.positions * options.values,
                                   options.hidden, options.hidden,
                                   2 * options.latent},
              rng.Fork(1)));
  decoder_ = register_module(
      "decoder",
      ReluMlp(
          std::vector<int64_t>{options.latent, options.hidden, options.hidden,
                               options.positions * options.values},
          rng.Fork(2)));
}

torch::Tensor CategoricalVaeImpl::Loss(const torch::Tensor& cells,
                                       const torch::Tensor& noise) {
  const torch::Tensor code = encoder_->forward(
      torch::one_hot(cells, options_.values).flatten(1).to(noise.dtype()));
  const torch::Tensor mean = code.slice(1, 0, options_.latent);
  const torch::Tensor log_variance = code.slice(1, options_.latent);
  const torch::Tensor logits =
      Decode(mean + noise * (0.5 * log_variance).exp());
  const auto n = static_cast<double>(cells.size(0));
  const torch::Tensor reconstruction = torch::nn::functional::cross_entropy(
      logits.flatten(0, 1), cells.flatten(),
      torch::nn::functional::CrossEntropyFuncOptions().reduction(torch::kSum));
  const torch::Tensor divergence =
      0.5 * (mean.square() + log_variance.exp() - 1.0 - log_variance).sum();
  return (reconstruction + options_.beta * divergence) / n;
}

torch::Tensor CategoricalVaeImpl::Decode(const torch::Tensor& z) {
  return decoder_->forward(z).view(
      {z.size(0), options_.positions, options_.values});
}

torch::Tensor CategoricalVaeImpl::Score(const torch::Tensor& z) {
  return LatentExplorationScore(Decode(z), decoder_->Jacobian(z.detach()));
}

torch::Tensor CategoricalVaeImpl::Likelihood(const torch::Tensor& z) {
  return std::get<0>(torch::log_softmax(Decode(z), 2).max(2)).sum(1);
}

}  // namespace mapweave::ssl
