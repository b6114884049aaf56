// SPDX-License-Identifier: MIT
//
// Which noise makes a linear autoencoder's code carry the label, on a set where
// the label has little variance: slow paper tone, and a fine hatch in one of
// eight directions.
#include "models/ssl/denoising.h"
#include "models/ssl/experiments/hatch_set.h"
#include "models/ssl/experiments/registry.h"
#include "models/ssl/probe.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace mapweave::ssl {
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
    const HatchSet set = MakeHatchSet(train + test, {}, Rng(seed));
    const torch::Tensor x = set.images.flatten(1);
    const auto r2 = [&](const torch::Tensor& z) {
      return LinearR2({z.slice(0, 0, train), set.targets.slice(0, 0, train)},
                      {z.slice(0, train), set.targets.slice(0, train)});
    };
    const double full = r2(x);
    const torch::Tensor moments = SecondMoments(set.images.slice(0, 0, train));
    const torch::Tensor clean = DenoisingCode(moments, kHatchSide, {}, 32);
    std::map<std::string, double> at32;
    std::map<std::string, double> at64;
    for (const auto& [name, noise] : kinds) {
      context.cancel.ThrowIfCancelled();
      const torch::Tensor code = DenoisingCode(moments, kHatchSide, noise, 64);
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
