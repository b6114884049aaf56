// SPDX-License-Identifier: MIT
//
// Which noise makes a linear autoencoder's code carry the label, on a set where
// the label has little variance: slow paper tone, and a fine hatch in one of
// eight directions.
#include "models/ssl/denoising.h"
#include "models/ssl/experiments/registry.h"
#include "models/ssl/probe.h"
#include "models/ssl/tensor_random.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>

namespace mapweave::ssl {
namespace {

constexpr int64_t kSide = 16;
constexpr int64_t kClasses = 8;

struct HatchSet {
  torch::Tensor images;   // [N, side, side] float64, mean 0
  torch::Tensor targets;  // [N, classes], one-hot
};

HatchSet MakeHatchSet(int64_t count, const Rng& rng) {
  constexpr double kHatch = 0.15;  // amplitude; the tone's deviation is 1
  constexpr double kGrain = 0.02;
  constexpr double kFrequency = 0.35;  // cycles per pixel
  torch::Generator generator = MakeGenerator(rng);
  const auto normal = [&] {
    return torch::randn({count, kSide, kSide}, generator, torch::kDouble);
  };
  const torch::Tensor f = torch::fft_fftfreq(kSide, 1.0, torch::kDouble);
  torch::Tensor radius =
      (f.square().unsqueeze(0) + f.square().unsqueeze(1)).sqrt();
  radius[0][0] = 1.0 / kSide;
  torch::Tensor tone = torch::real(
      torch::fft_ifft2(torch::fft_fft2(normal()) / radius.pow(1.5)));
  tone = tone / tone.std();
  const torch::Tensor label =
      torch::randint(0, kClasses, {count}, generator, torch::kLong);
  const torch::Tensor axis = torch::arange(kSide, torch::kDouble);
  const torch::Tensor angle =
      torch::arange(kClasses, torch::kDouble) * (std::numbers::pi / kClasses);
  const torch::Tensor phase =
      axis.view({1, 1, -1}) * angle.cos().view({-1, 1, 1}) +
      axis.view({1, -1, 1}) * angle.sin().view({-1, 1, 1});
  const torch::Tensor hatch =
      (2.0 * std::numbers::pi * kFrequency * phase).sin();
  HatchSet set;
  set.images = tone + kHatch * hatch.index_select(0, label) + kGrain * normal();
  set.images = set.images - set.images.mean(0);
  set.targets = torch::one_hot(label, kClasses).to(torch::kDouble);
  return set;
}

}  // namespace

ExperimentReport DenoisingAlignmentExperiment(const ExperimentOptions& options,
                                              RunContext& context) {
  const int seeds = options.seeds > 0 ? options.seeds : 3;
  const int64_t train = options.smoke ? 800 : 3000;
  const int64_t test = options.smoke ? 400 : 1000;
  const std::vector<std::pair<std::string, NoiseKind>> kinds = {
      {"none", {}},
      {"gaussian 0.1", {0.1, 0.0, 1}},
      {"gaussian 1", {1.0, 0.0, 1}},
      {"pixels 0.9", {0.0, 0.9, 1}},
      {"patches of 2, 0.9", {0.0, 0.9, 2}},
      {"patches of 4, 0.9", {0.0, 0.9, 4}},
      {"patches of 8, 0.9", {0.0, 0.9, 8}}};
  ExperimentReport report;
  report.settings = {{"seeds", seeds}, {"train", train}, {"test", test}};
  report.table.columns = {"seed", "noise", "angle to none, K = 32",
                          "label R2 / full, K = 32", "label R2 / full, K = 64"};
  double gaussian_angle = 0.0;
  double gain = 1e9;
  double reversal = 1e9;
  for (int s = 0; s < seeds; ++s) {
    const uint64_t seed = options.seed + static_cast<uint64_t>(s);
    const HatchSet set = MakeHatchSet(train + test, Rng(seed));
    const torch::Tensor x = set.images.flatten(1);
    const auto r2 = [&](const torch::Tensor& z) {
      return LinearR2({z.slice(0, 0, train), set.targets.slice(0, 0, train)},
                      {z.slice(0, train), set.targets.slice(0, train)});
    };
    const double full = r2(x);
    const torch::Tensor moments = SecondMoments(set.images.slice(0, 0, train));
    const torch::Tensor clean = DenoisingCode(moments, kSide, {}, 32);
    std::map<std::string, double> at32;
    std::map<std::string, double> at64;
    for (const auto& [name, noise] : kinds) {
      context.cancel.ThrowIfCancelled();
      const torch::Tensor code = DenoisingCode(moments, kSide, noise, 64);
      const double angle = LargestAngle(clean, code.slice(1, 0, 32));
      at32[name] = r2(x.mm(code.slice(1, 0, 32))) / full;
      at64[name] = r2(x.mm(code)) / full;
      if (noise.gaussian_sigma > 0.0) {
        gaussian_angle = std::max(gaussian_angle, angle);
      }
      report.table.rows.push_back({fmt::format("{}", seed), name,
                                   fmt::format("{:.1e}", angle),
                                   fmt::format("{:.3f}", at32[name]),
                                   fmt::format("{:.3f}", at64[name])});
    }
    gain = std::min(gain, at32["patches of 4, 0.9"] - at32["none"]);
    reversal = std::min(reversal, at64["none"] - at64["patches of 2, 0.9"]);
  }
  using Sense = Criterion::Sense;
  report.criteria = {{"white noise turns the code by a sine of", gaussian_angle,
                      Sense::kAtMost, 1e-6},
                     {"patches of 4 gain label R2 at K = 32 (worst seed)", gain,
                      Sense::kAtLeast, 0.5},
                     {"patches of 2 lose label R2 at K = 64 (worst seed)",
                      reversal, Sense::kAtLeast, 0.1}};
  report.measures = {{0, "gaussian_angle", gaussian_angle},
                     {0, "patch_gain", gain},
                     {0, "patch_reversal", reversal}};
  return report;
}

}  // namespace mapweave::ssl
