// SPDX-License-Identifier: MIT
#include "models/ssl/latents.h"

#include "core/error.h"
#include "models/ssl/tensor_random.h"

#include <cmath>

namespace mapweave::ssl {
namespace {

// Streams of a world and of a set.
constexpr uint64_t kCentreStream = 1;
constexpr uint64_t kMixingStream = 2;
constexpr uint64_t kClusterStream = 3;
constexpr uint64_t kLatentStream = 4;

// Cosine to the centre of a von Mises-Fisher sample in R^dims.
class CosineDraw {
 public:
  CosineDraw(int64_t dims, double concentration)
      : degrees_(static_cast<double>(dims - 1)),
        concentration_(concentration),
        b_(degrees_ / (2.0 * concentration +
                       std::sqrt(4.0 * concentration * concentration +
                                 degrees_ * degrees_))),
        x_((1.0 - b_) / (1.0 + b_)),
        c_(concentration * x_ + degrees_ * std::log(1.0 - x_ * x_)) {}

  double operator()(Rng& rng) const {
    for (;;) {
      const double z = SymmetricBeta(rng);
      const double cosine = (1.0 - (1.0 + b_) * z) / (1.0 - (1.0 - b_) * z);
      const double log_ratio =
          concentration_ * cosine + degrees_ * std::log(1.0 - x_ * cosine) - c_;
      if (log_ratio >= std::log(1.0 - rng.Uniform())) return cosine;
    }
  }

 private:
  // Beta(degrees / 2, degrees / 2), as a ratio of sums of squared normals.
  double SymmetricBeta(Rng& rng) const {
    double sums[2] = {0.0, 0.0};
    for (double& sum : sums) {
      for (double k = 0.0; k < degrees_; k += 1.0) {
        const double normal = rng.Normal();
        sum += normal * normal;
      }
    }
    return sums[0] / (sums[0] + sums[1]);
  }

  double degrees_;
  double concentration_;
  double b_;
  double x_;
  double c_;
};

torch::Tensor UnitRows(const torch::Tensor& x) {
  return x / x.norm(2, 1, /*keepdim=*/true);
}

}  // namespace

torch::Tensor SampleVonMisesFisher(const torch::Tensor& centres,
                                   double concentration, Rng rng) {
  if (!centres.defined() || centres.dim() != 2 || centres.size(1) < 2 ||
      !centres.square().sum(1).sub(1.0).abs().lt(1e-6).all().item<bool>()) {
    throw Error(ErrorCode::kBadInput,
                "von Mises-Fisher: the centres are not rows of unit length in "
                "two dimensions or more");
  }
  if (!(concentration >= 0.0 && std::isfinite(concentration))) {
    throw Error(ErrorCode::kBadInput,
                "von Mises-Fisher: the concentration is negative or no number");
  }
  const torch::Tensor mean = centres.to(torch::kCPU, torch::kDouble);
  const CosineDraw draw(mean.size(1), concentration);
  torch::Tensor cosine = torch::empty({mean.size(0), 1}, torch::kDouble);
  torch::Tensor normal = torch::empty_like(mean);
  auto cosines = cosine.accessor<double, 2>();
  auto normals = normal.accessor<double, 2>();
  for (int64_t i = 0; i < mean.size(0); ++i) {
    cosines[i][0] = draw(rng);
    for (int64_t k = 0; k < mean.size(1); ++k) normals[i][k] = rng.Normal();
  }
  // Any direction at right angles to the centre is as good as any other.
  const torch::Tensor across =
      UnitRows(normal - (normal * mean).sum(1, /*keepdim=*/true) * mean);
  const torch::Tensor sine = (1.0 - cosine.square()).clamp_min(0.0).sqrt();
  return UnitRows(cosine * mean + sine * across);
}

void LatentOptions::Validate() const {
  const auto require = [](bool holds, const char* text) {
    if (!holds) throw Error(ErrorCode::kUsage, text);
  };
  require(dims >= 2, "latents: dims must be 2 or more");
  require(clusters >= 2, "latents: clusters must be 2 or more");
  require(concentration >= 0.0 && std::isfinite(concentration),
          "latents: concentration must be 0 or more");
  require(layers >= 1, "latents: layers must be 1 or more");
  require(negative_slope > 0.0 && negative_slope <= 1.0,
          "latents: negative_slope must lie in (0, 1]");
}

LatentWorld::LatentWorld(const LatentOptions& options, const Rng& rng)
    : options_(options) {
  options.Validate();
  torch::Generator centres = MakeGenerator(rng.Fork(kCentreStream));
  centres_ = RandomDirections(options.clusters, options.dims, centres);
  torch::Generator mixing = MakeGenerator(rng.Fork(kMixingStream));
  for (int64_t i = 0; i < options.layers; ++i) {
    mixing_.push_back(std::get<0>(torch::linalg_qr(
        torch::randn({options.dims, options.dims}, mixing, torch::kDouble))));
  }
}

LatentSet LatentWorld::Draw(int64_t count, const Rng& rng) const {
  torch::Generator generator = MakeGenerator(rng.Fork(kClusterStream));
  LatentSet set;
  set.cluster =
      torch::randint(0, options_.clusters, {count}, generator, torch::kLong);
  set.latents =
      SampleVonMisesFisher(centres_.index_select(0, set.cluster),
                           options_.concentration, rng.Fork(kLatentStream));
  set.observations = Mix(set.latents);
  return set;
}

torch::Tensor LatentWorld::Mix(const torch::Tensor& latents) const {
  torch::Tensor x = latents;
  for (const torch::Tensor& matrix : mixing_) {
    x = torch::leaky_relu(x.mm(matrix), options_.negative_slope);
  }
  return x;
}

torch::Tensor LatentWorld::Unmix(const torch::Tensor& observations) const {
  torch::Tensor x = observations;
  for (auto matrix = mixing_.rbegin(); matrix != mixing_.rend(); ++matrix) {
    x = torch::leaky_relu(x, 1.0 / options_.negative_slope).mm(matrix->t());
  }
  return x;
}

}  // namespace mapweave::ssl
