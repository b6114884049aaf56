// SPDX-License-Identifier: MIT
//
// Is the closed form's advice worth anything to a real masked autoencoder?
// Masks are ranked on map tiles without any training; transformers are then
// trained with those it puts first and last, and read by a linear probe.
#include "core/error.h"
#include "models/ssl/experiments/registry.h"
#include "models/ssl/image_set.h"
#include "models/ssl/mask_ranking.h"
#include "models/ssl/methods.h"
#include "models/ssl/probe.h"
#include "models/ssl/trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace mapweave::ssl {
namespace {

constexpr int kTilePx = 32;
constexpr int64_t kPatchPx = 4;

struct Plan {
  int64_t train = 2000;
  int64_t test = 600;
  int64_t steps = 400;
  int64_t batch = 64;
  MaskAdviceOptions masks;
};

Plan MakePlan(bool smoke) {
  Plan plan;
  // What a transformer of 4 px patches can hide, and 64 patches can round.
  plan.masks.patch_px = {4, 8, 16};
  plan.masks.ratios = {0.5, 0.75};
  if (smoke) {
    plan.train = plan.test = 80;
    plan.steps = 2;
    plan.batch = 16;
    plan.masks.patch_px = {4, 16};
    plan.masks.ratios = {0.75};
  }
  return plan;
}

std::string Name(const MaskShape& mask) {
  return fmt::format("{:.0f} % in squares of {} px", 100.0 * mask.ratio,
                     mask.patch_px);
}

// One-hot codes of all factors beside each other.
torch::Tensor Targets(const Bag& factors) {
  std::vector<torch::Tensor> parts;
  for (const auto& [name, value] : factors) {
    parts.push_back(torch::one_hot(value).to(torch::kDouble));
  }
  return torch::cat(parts, 1);
}

// Mean over factors of the accuracy of a linear probe on the mean token.
double Probed(EncoderImpl& encoder, const Dataset& train, const Dataset& test) {
  const torch::Tensor a =
      EmbedDataset(encoder, train, EmbeddingKind::kMeanToken);
  const torch::Tensor b =
      EmbedDataset(encoder, test, EmbeddingKind::kMeanToken);
  double sum = 0.0;
  for (const auto& [name, label] : train.metadata) {
    sum += LinearProbeAccuracy({a, label}, {b, test.metadata.at(name)});
  }
  return sum / static_cast<double>(train.metadata.size());
}

Encoder FreshEncoder(uint64_t seed) {
  EncoderConfig config;
  config.kind = "vit-micro";
  config.patch_px = kPatchPx;
  config.image_px = kTilePx;
  return MakeEncoder(config, Rng(seed, 1));
}

double TrainAndProbe(const MaskShape& mask, const Plan& plan, uint64_t seed,
                     const Dataset& train, const Dataset& test,
                     RunContext& context) {
  const Encoder encoder = FreshEncoder(seed);
  MaeOptions mae;
  mae.mask_ratio = mask.ratio;
  mae.mask_block = mask.patch_px / kPatchPx;
  const MethodPtr method = MakeMae(encoder, mae, Rng(seed, 2));
  TrainerOptions options;
  options.steps = plan.steps;
  options.batch = plan.batch;
  options.schedule.peak = 1e-3;
  options.seed = seed;
  TrainMethod(*method, train, options, {}, context);
  return Probed(*encoder, train, test);
}

struct Extremes {
  MaskShape best;
  MaskShape worst;
};

// By the label-free part, whatever the ranking's order.
Extremes ByChange(const std::vector<RankedMask>& ranked) {
  const auto [least, most] = std::ranges::minmax_element(
      ranked, {}, [](const RankedMask& r) { return r.change; });
  return {most->mask, least->mask};
}

}  // namespace

ExperimentReport MaskAdviceExperiment(const ExperimentOptions& options,
                                      RunContext& context) {
  if (options.tiles == nullptr) {
    throw Error(ErrorCode::kUsage, "mask-advice: needs map tiles");
  }
  const int seeds = options.seeds > 0 ? options.seeds : 2;
  const Plan plan = MakePlan(options.smoke);
  ExperimentReport report;
  report.settings = {{"seeds", seeds},
                     {"train", plan.train},
                     {"test", plan.test},
                     {"steps", plan.steps}};
  report.table.columns = {"seed", "mask", "change", "alignment",
                          "MAE, linear probe"};
  double by_change = 1e9;
  double by_alignment = 1e9;
  for (int s = 0; s < seeds; ++s) {
    const uint64_t seed = options.seed + static_cast<uint64_t>(s);
    const Dataset train =
        ReadTiles(*options.tiles, {seed, kTilePx}, plan.train);
    const Dataset test =
        ReadTiles(*options.tiles, {seed + 1'000'000, kTilePx}, plan.test);
    const MaskAdvice advice =
        RankMasks(train.images, Targets(train.metadata), plan.masks, context);
    const Extremes change = ByChange(advice.ranked);
    const Extremes alignment{advice.ranked.front().mask,
                             advice.ranked.back().mask};
    std::map<std::string, double> probed;
    for (const MaskShape& mask :
         {change.best, change.worst, alignment.best, alignment.worst}) {
      if (probed.contains(Name(mask))) continue;
      probed[Name(mask)] =
          TrainAndProbe(mask, plan, seed, train, test, context);
    }
    for (const RankedMask& r : advice.ranked) {
      const auto found = probed.find(Name(r.mask));
      report.table.rows.push_back(
          {fmt::format("{}", seed), Name(r.mask),
           fmt::format("{:.3f}", r.change),
           fmt::format("{:.3f}", r.alignment.value_or(0.0)),
           found == probed.end() ? "" : fmt::format("{:.3f}", found->second)});
    }
    report.table.rows.push_back(
        {fmt::format("{}", seed), "none", "0.000",
         fmt::format("{:.3f}", advice.alignment_without.value_or(0.0)),
         fmt::format("{:.3f} untrained",
                     Probed(*FreshEncoder(seed), train, test))});
    by_change = std::min(by_change, probed.at(Name(change.best)) -
                                        probed.at(Name(change.worst)));
    by_alignment = std::min(by_alignment, probed.at(Name(alignment.best)) -
                                              probed.at(Name(alignment.worst)));
  }
  report.measures = {{0, "by_change", by_change},
                     {0, "by_alignment", by_alignment}};
  using Sense = Criterion::Sense;
  report.criteria = {{"first minus last by change, without labels (worst seed)",
                      by_change, Sense::kAtLeast, 0.005},
                     {"first minus last by alignment with labels (worst seed)",
                      by_alignment, Sense::kAtLeast, 0.005}};
  return report;
}

}  // namespace mapweave::ssl
