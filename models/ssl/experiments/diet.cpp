// SPDX-License-Identifier: MIT
//
// DIET against SimCLR at equal passes of the encoder, with and without its
// label smoothing, whole and in shards; and what its head costs when the data
// set grows.
#include "models/ssl/class_head.h"
#include "models/ssl/experiments/registry.h"
#include "models/ssl/experiments/tile_bench.h"
#include "models/ssl/optimiser.h"
#include "models/ssl/probe.h"
#include "models/ssl/tensor_random.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>

namespace mapweave::ssl {
namespace {

const std::vector<std::string>& Factors() {
  static const std::vector<std::string> names = {"hatch", "hand"};
  return names;
}

struct DietRun {
  std::string name;
  bool two_views = false;  // SimCLR
  double label_smoothing = 0.8;
  int64_t shards = 1;
};

ViewRecipe DietViews(bool two_views) {
  ViewRecipe views = KindViews();
  views.globals = two_views ? 2 : 1;
  return views;
}

// Accuracy per factor, and that of the "kind".
std::map<std::string, double> RunOnTiles(const DietRun& run,
                                         const TileBench& bench, uint64_t seed,
                                         int64_t passes, RunContext& context) {
  const Encoder encoder = SmallEncoder(seed);
  DietOptions diet;
  diet.samples = bench.train.Size();
  diet.label_smoothing = run.label_smoothing;
  diet.shards = run.shards;
  SimClrOptions simclr;
  simclr.temperature = 0.2;
  const MethodPtr method = run.two_views
                               ? MakeSimClr(encoder, simclr, Rng(seed, 1))
                               : MakeDiet(encoder, diet, Rng(seed, 1));
  TileTraining training;
  training.steps = std::max<int64_t>(1, run.two_views ? passes / 2 : passes);
  training.seed = seed;
  training.views = DietViews(run.two_views);
  TrainOnTiles(*method, bench.train, training, context);
  const SeenTiles train{EmbedDataset(*encoder, bench.train), bench.train};
  const SeenTiles test{EmbedDataset(*encoder, bench.test), bench.test};
  std::map<std::string, double> accuracy;
  for (const std::string& factor : Factors()) {
    accuracy[factor] = FactorAccuracy(train, test, factor);
  }
  accuracy["kind"] = LabelAccuracy(train, test, KindOf);
  return accuracy;
}

struct HeadCost {
  double milliseconds = 0.0;  // of a step of the head alone
  double kept_mb = 0.0;       // weights and both moments
  double step_mb = 0.0;       // gradient and logits that a step makes
};

HeadCost MeasureHead(int64_t samples, int64_t shards, int steps) {
  constexpr int64_t kWidth = 512;  // of a ResNet-18 as published
  constexpr int64_t kBatch = 64;
  constexpr double kMegabyte = 1024.0 * 1024.0;
  ShardedHead head(kWidth, samples, shards, Rng(1));
  Optimiser optimiser(*head, {});
  torch::Generator generator = MakeGenerator(Rng(2));
  const torch::Tensor features =
      torch::randn({kBatch, kWidth}, generator).set_requires_grad(true);
  const int64_t rows = (samples + shards - 1) / shards;
  std::vector<double> times;
  for (int step = 0; step <= steps; ++step) {
    const torch::Tensor index =
        torch::randint(0, rows, {kBatch}, generator, torch::kLong) * shards;
    const auto start = std::chrono::steady_clock::now();
    const torch::Tensor loss = head->Loss(features, index, 0.8);
    optimiser.ZeroGrad();
    loss.backward();
    optimiser.Step(1e-3);
    times.push_back(std::chrono::duration<double, std::milli>(
                        std::chrono::steady_clock::now() - start)
                        .count());
  }
  // The first step makes the buffers; the median does not mind a busy machine.
  std::sort(times.begin() + 1, times.end());
  HeadCost cost;
  cost.milliseconds = times[1 + (times.size() - 1) / 2];
  const auto megabytes = [&](int64_t numbers) {
    return 4.0 * static_cast<double>(numbers) / kMegabyte;
  };
  cost.kept_mb = megabytes(3 * samples * kWidth);
  cost.step_mb = megabytes(rows * kWidth + 2 * kBatch * rows);
  return cost;
}

// How many times longer a step takes whole than in shards, at the largest size.
double CostPart(const ExperimentOptions& options, ExperimentReport& report,
                RunContext& context) {
  const std::vector<int64_t> sizes =
      options.smoke ? std::vector<int64_t>{100, 200}
                    : std::vector<int64_t>{500, 5000, 50000};
  double ratio = 0.0;
  for (const int64_t samples : sizes) {
    context.cancel.ThrowIfCancelled();
    double whole = 0.0;
    for (const int64_t shards : {int64_t{1}, samples / 100}) {
      const HeadCost cost =
          MeasureHead(samples, std::min<int64_t>(shards, 50), 6);
      if (shards == 1) whole = cost.milliseconds;
      ratio = whole / cost.milliseconds;
      report.table.rows.push_back(
          {fmt::format("head of {} x 512", samples), "",
           fmt::format("{}", std::min<int64_t>(shards, 50)),
           fmt::format("{:.1f} ms a step", cost.milliseconds),
           fmt::format("{:.1f} MB kept", cost.kept_mb),
           fmt::format("{:.1f} MB a step", cost.step_mb)});
      report.measures.push_back({samples,
                                 shards == 1 ? "head_ms" : "sharded_head_ms",
                                 cost.milliseconds});
    }
  }
  return ratio;
}

}  // namespace

ExperimentReport DietExperiment(const ExperimentOptions& options,
                                RunContext& context) {
  const int seeds = options.seeds > 0 ? options.seeds : 3;
  const int64_t passes = options.smoke ? 4 : 1500;
  const std::vector<DietRun> runs = {{"SimCLR", true, 0.0, 1},
                                     {"DIET", false, 0.8, 1},
                                     {"DIET, no smoothing", false, 0.0, 1},
                                     {"DIET, 5 shards", false, 0.8, 5}};
  ExperimentReport report;
  report.settings = {{"seeds", seeds}, {"encoder_passes", passes}};
  report.table.columns = {"method", "seed", "shards", "accuracy of the kind",
                          "hatch",  "hand"};
  std::map<std::string, std::vector<double>> behind;
  for (int s = 0; s < seeds; ++s) {
    TileBenchOptions sizes;
    sizes.seed = options.seed + static_cast<uint64_t>(s);
    sizes.train = options.smoke ? 40 : 500;
    sizes.test = options.smoke ? 20 : 500;
    const TileBench bench = DrawTileBench(options, sizes, context);
    std::map<std::string, double> kind;
    for (const DietRun& run : runs) {
      auto accuracy = RunOnTiles(run, bench, sizes.seed, passes, context);
      kind[run.name] = accuracy["kind"];
      std::vector<std::string> row = {run.name, fmt::format("{}", sizes.seed),
                                      fmt::format("{}", run.shards),
                                      fmt::format("{:.3f}", accuracy["kind"])};
      for (const std::string& factor : Factors()) {
        row.push_back(fmt::format("{:.3f}", accuracy[factor]));
      }
      report.table.rows.push_back(row);
    }
    behind["SimCLR"].push_back(kind["SimCLR"] - kind["DIET"]);
    behind["none"].push_back(kind["DIET"] - kind["DIET, no smoothing"]);
    behind["shards"].push_back(kind["DIET"] - kind["DIET, 5 shards"]);
  }
  const double ratio = CostPart(options, report, context);
  using Sense = Criterion::Sense;
  report.criteria = {
      {"accuracy of SimCLR minus DIET's (mean over seeds)",
       SpreadOf(behind["SimCLR"]).mean, Sense::kAtMost, 0.05},
      {"accuracy gained by label smoothing 0.8 over 0 (mean over seeds)",
       SpreadOf(behind["none"]).mean, Sense::kAtLeast, 0.005},
      {"accuracy lost by 5 shards (mean over seeds)",
       SpreadOf(behind["shards"]).mean, Sense::kAtMost, 0.05},
      {"times that a step of the largest head is faster in shards", ratio,
       Sense::kAtLeast, 5.0}};
  for (const auto& [name, values] : behind) {
    report.measures.push_back({0, "behind_" + name, SpreadOf(values).mean});
  }
  return report;
}

}  // namespace mapweave::ssl
