// SPDX-License-Identifier: MIT
//
// Adapters of low rank: a trained weight W0 stays as it is, and what is learned
// is B A, of a rank far below its own.
//
//   LoRA    W = W0 + s B A                      Hu et al., 2022, s = alpha / r
//   DoRA    W = m (W0 + s B A) / ||W0 + s B A||  Liu et al., 2024, equation 5,
//           norms by row of the output, m learned
//   ALLoRA  W = W0 + B A, gradients of row i    Huang & Balestriero, 2024,
//           times c_i                           arXiv:2410.09692
//
// with c_i = 1 / sqrt(||row_i||^2 + 1 / eta^2): eta where B is 0, less as the
// row grows. The paper's text was not at hand: the form of c_i is that in which
// others have it, and what it leaves open is an option.
//
// An adapter makes a whole weight (not a branch beside the layer), so one
// implementation serves Linear, Conv2d and everything else with a weight whose
// first dimension is the output, and merging is exact. It costs the product
// B A per step, which pays for layers whose weights are smaller than their
// activations, as here.
//
// Internal to models: pulls in Torch.
#pragma once

#include "core/random.h"

#include <torch/torch.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace mapweave::nn {

enum class AdapterKind { kLora, kDora, kAllora };

// Of ALLoRA: whose row's norm, how often it is taken, and what is scaled by it.
enum class AlloraRow { kProduct, kB };
// kOnce: at the start. While B is 0 that makes c_i = eta for all rows and all
// time, that is LoRA with its gradient times eta.
enum class AlloraWhen { kEveryStep, kOnce };
// kGradient: of B and A alike, by way of B A. kUpdate: what the optimiser has
// made of the gradient, of B alone.
enum class AlloraWhat { kGradient, kUpdate };

struct LowRankOptions {
  AdapterKind kind = AdapterKind::kLora;
  int64_t rank = 4;
  double scale = 1.0;  // s; ALLoRA has none
  double eta = 4.0;
  AlloraRow row = AlloraRow::kProduct;
  AlloraWhen when = AlloraWhen::kEveryStep;
  AlloraWhat what = AlloraWhat::kGradient;

  // Throws Error{kUsage} naming the option.
  void Validate() const;
};

// One adapter. B is 0 and A drawn evenly from +- 1 / sqrt(columns), so that it
// begins as W0.
class LowRankImpl : public torch::nn::Module {
 public:
  // weight: W0, [out, in, ...], floating; copied. Throws what Validate does,
  // and Error{kUsage} if it has one dimension or rank exceeds its own.
  LowRankImpl(const torch::Tensor& weight, const LowRankOptions& options,
              Rng rng);

  // W in W0's shape, with the graph down to this module's parameters.
  torch::Tensor Weight();
  // c, [out]; all 1 but for ALLoRA.
  torch::Tensor Coefficients() const;

  // Around a step of the optimiser; needed by AlloraWhat::kUpdate alone.
  void BeginStep();
  void EndStep();

 private:
  torch::Tensor Product() const;  // [out, columns]

  LowRankOptions options_;
  std::vector<int64_t> shape_;
  torch::Tensor frozen_;  // [out, columns], a buffer
  torch::Tensor a_;       // [rank, columns]
  torch::Tensor b_;       // [out, rank]
  torch::Tensor m_;       // [out]; DoRA alone
  torch::Tensor once_;    // [out], a buffer; of AlloraWhen::kOnce alone
  torch::Tensor b_before_;
  torch::Tensor c_before_;
};
TORCH_MODULE(LowRank);

// BeginStep and EndStep of all adapters in `module`.
void BeginLowRankStep(torch::nn::Module& module);
void EndLowRankStep(torch::nn::Module& module);

// A linear layer with an adapter. Its bias stays as it is.
class LowRankLinearImpl : public torch::nn::Module {
 public:
  LowRankLinearImpl(const torch::nn::Linear& base,
                    const LowRankOptions& options, Rng rng);
  torch::Tensor forward(const torch::Tensor& x);
  // A plain layer that does the same.
  torch::nn::Linear Merge();

 private:
  torch::nn::LinearOptions options_;
  LowRank adapter_{nullptr};
  torch::Tensor bias_;  // a buffer, or undefined
};
TORCH_MODULE(LowRankLinear);

// The same for a convolution of any stride, padding, dilation and groups.
// Throws Error{kUsage} for padding with anything but zeros.
class LowRankConv2dImpl : public torch::nn::Module {
 public:
  LowRankConv2dImpl(const torch::nn::Conv2d& base,
                    const LowRankOptions& options, Rng rng);
  torch::Tensor forward(const torch::Tensor& x);
  torch::nn::Conv2d Merge();

 private:
  torch::nn::Conv2dOptions options_;
  LowRank adapter_{nullptr};
  torch::Tensor bias_;
};
TORCH_MODULE(LowRankConv2d);

// Adapters under a network that knows nothing of them, whatever its layers
// are. Per step: Write(), the network's forward and backward, Read(), a step of
// the optimiser on Adapters(). After the last Write() the network holds the
// merged weights.
class AdaptedWeights {
 public:
  // Borrows `network` and adapts its parameters of two and more dimensions
  // whose names `wants` lets pass; the others get no gradient any more. Throws
  // what LowRank does, and Error{kUsage} if none is left.
  AdaptedWeights(torch::nn::Module& network, const LowRankOptions& options,
                 const std::function<bool(const std::string&)>& wants,
                 const Rng& rng);

  torch::nn::Module& Adapters() { return *adapters_; }
  void Write();
  // Takes the gradients of the network's weights, adds what follows from them
  // to those of the adapters, and clears the former.
  void Read();

 private:
  struct Pair {
    torch::Tensor weight;  // the network's own
    LowRank adapter{nullptr};
    torch::Tensor written;
  };
  std::shared_ptr<torch::nn::Module> adapters_;
  std::vector<Pair> pairs_;
};

}  // namespace mapweave::nn
