// SPDX-License-Identifier: MIT
#include "models/ssl/class_head.h"

#include "core/error.h"
#include "models/ssl/losses.h"
#include "models/ssl/tensor_random.h"

#include <fmt/format.h>

#include <cmath>

namespace mapweave::ssl {
namespace {

constexpr double kFirstConcentration = 10.0;

torch::Tensor HeadRows(int64_t width, int64_t classes, const Rng& rng) {
  torch::nn::Linear linear(
      torch::nn::LinearOptions(width, classes).bias(false));
  InitialiseModule(*linear, rng);
  return linear->weight.detach();
}

torch::Tensor UnitLength(const torch::Tensor& rows) {
  return torch::nn::functional::normalize(
      rows, torch::nn::functional::NormalizeFuncOptions().p(2).dim(1));
}

}  // namespace

ClassHeadImpl::ClassHeadImpl(int64_t width, int64_t classes, HeadKind kind,
                             const Rng& rng)
    : kind_(kind) {
  if (classes < 2) {
    throw Error(ErrorCode::kUsage, "a class head needs two classes or more");
  }
  weight_ = register_parameter("weight", HeadRows(width, classes, rng));
  if (kind == HeadKind::kCosine) {
    log_concentration_ = register_parameter(
        "log_concentration", torch::full({1}, std::log(kFirstConcentration)));
  }
}

torch::Tensor ClassHeadImpl::forward(const torch::Tensor& features) {
  if (kind_ == HeadKind::kLinear) return features.mm(weight_.t());
  return UnitLength(features).mm(UnitLength(weight_).t()) *
         log_concentration_.exp();
}

double ClassHeadImpl::Concentration() const {
  if (kind_ == HeadKind::kLinear) return 1.0;
  return std::exp(log_concentration_.item<double>());
}

ShardedHeadImpl::ShardedHeadImpl(int64_t width, int64_t classes, int64_t shards,
                                 const Rng& rng)
    : classes_(classes) {
  if (shards < 1 || classes < 2 * shards) {
    throw Error(ErrorCode::kUsage,
                fmt::format("{} shards for {} samples: every shard needs two",
                            shards, classes),
                "use fewer shards");
  }
  for (int64_t s = 0; s < shards; ++s) {
    const int64_t rows = (classes - s + shards - 1) / shards;
    const Rng stream = s == 0 ? rng : rng.Fork(static_cast<uint64_t>(s));
    shards_.push_back(register_parameter(fmt::format("shard{}", s),
                                         HeadRows(width, rows, stream)));
  }
}

torch::Tensor ShardedHeadImpl::Loss(const torch::Tensor& features,
                                    const torch::Tensor& index,
                                    double label_smoothing) {
  const auto shards = static_cast<int64_t>(shards_.size());
  if (!features.defined() || features.dim() != 2 || !index.defined() ||
      index.dim() != 1 || index.size(0) != features.size(0) ||
      index.size(0) == 0) {
    throw Error(ErrorCode::kBadInput,
                "DIET loss: needs one index for every row of features");
  }
  if (index.min().item<int64_t>() < 0 ||
      index.max().item<int64_t>() >= classes_) {
    throw Error(
        ErrorCode::kBadInput,
        fmt::format("DIET loss: a sample's index is not in [0, {})", classes_),
        "train on the data set that the head was made for");
  }
  const torch::Tensor shard = index.remainder(shards);
  const torch::Tensor row = index.div(shards, "floor");
  torch::Tensor sum;
  for (int64_t s = 0; s < shards; ++s) {
    const torch::Tensor members = shard.eq(s).nonzero().view({-1});
    if (members.numel() == 0) continue;
    const torch::Tensor logits = features.index_select(0, members)
                                     .mm(shards_[static_cast<size_t>(s)].t());
    const torch::Tensor term =
        DietLoss(logits, row.index_select(0, members), label_smoothing) *
        static_cast<double>(members.numel());
    sum = sum.defined() ? sum + term : term;
  }
  return sum / static_cast<double>(index.size(0));
}

}  // namespace mapweave::ssl
