// SPDX-License-Identifier: MIT
//
// Whether cross-entropy on the right labels finds the latents behind the data
// up to a linear map: where they are known exactly, and on map tiles, whose
// factors beside the trained one are read off the features.
#include "models/ssl/class_head.h"
#include "models/ssl/experiments/registry.h"
#include "models/ssl/experiments/tile_bench.h"
#include "models/ssl/latents.h"
#include "models/ssl/optimiser.h"
#include "models/ssl/probe.h"
#include "models/ssl/tensor_random.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace mapweave::ssl {
namespace {

enum class Labels { kClusters, kShuffled };

struct LatentRun {
  std::string name;
  int64_t clusters = 100;
  HeadKind head = HeadKind::kCosine;
  Labels labels = Labels::kClusters;
};

struct LatentScale {
  int64_t samples = 20000;
  int64_t held_out = 4000;
  int64_t steps = 4000;
  int64_t batch = 256;
  int64_t hidden = 128;
};

struct LatentResult {
  double observed_r2 = 0.0;  // of the observations themselves
  double r2 = 0.0;           // of the features
  double mcc = 0.0;
  double concentration = 0.0;
};

// Features of the latents' dimension, and the head that is trained on them.
class LatentLearner : public torch::nn::Module {
 public:
  LatentLearner(const LatentRun& run, int64_t dims, int64_t hidden,
                const Rng& rng)
      : unit_length_(run.head == HeadKind::kCosine) {
    const auto leaky = [] {
      return torch::nn::LeakyReLU(
          torch::nn::LeakyReLUOptions().negative_slope(0.2));
    };
    net_ = register_module(
        "net", torch::nn::Sequential(torch::nn::Linear(dims, hidden), leaky(),
                                     torch::nn::Linear(hidden, hidden), leaky(),
                                     torch::nn::Linear(hidden, dims)));
    InitialiseModule(*net_, rng.Fork(1));
    head_ = register_module(
        "head", ClassHead(dims, run.clusters, run.head, rng.Fork(2)));
  }

  torch::Tensor Logits(const torch::Tensor& x) {
    return head_->forward(net_->forward(x));
  }
  // What is compared with the latents, without gradients.
  torch::Tensor Features(const torch::Tensor& x) {
    const torch::NoGradGuard no_grad;
    const torch::Tensor f = net_->forward(x.to(torch::kFloat));
    return unit_length_ ? f / f.norm(2, 1, /*keepdim=*/true).clamp_min(1e-12)
                        : f;
  }
  double Concentration() const { return head_->Concentration(); }

 private:
  bool unit_length_;
  torch::nn::Sequential net_;
  ClassHead head_{nullptr};
};

void TrainOnClusters(LatentLearner& learner, const LatentSet& data,
                     const LatentScale& scale, const Rng& rng,
                     RunContext& context) {
  const torch::Tensor x = data.observations.to(torch::kFloat);
  OptimiserOptions adam;
  adam.weight_decay = 0.0;
  Optimiser optimiser(learner, adam);
  ScheduleOptions schedule;
  schedule.peak = 3e-3;
  torch::Generator order = MakeGenerator(rng);
  context.progress.Start("latents", scale.steps);
  for (int64_t step = 0; step < scale.steps; ++step) {
    context.cancel.ThrowIfCancelled();
    const torch::Tensor index =
        torch::randint(0, x.size(0), {scale.batch}, order, torch::kLong);
    const torch::Tensor loss = torch::nn::functional::cross_entropy(
        learner.Logits(x.index_select(0, index)),
        data.cluster.index_select(0, index));
    optimiser.ZeroGrad();
    loss.backward();
    optimiser.Step(RateAt(schedule, step, scale.steps));
    context.progress.Advance();
  }
  context.progress.Finish();
}

LatentResult RunOnLatents(const LatentRun& run, const LatentScale& scale,
                          uint64_t seed, RunContext& context) {
  LatentOptions options;
  options.clusters = run.clusters;
  const LatentWorld world(options, Rng(seed, 1));
  LatentSet train = world.Draw(scale.samples, Rng(seed, 2));
  const LatentSet test = world.Draw(scale.held_out, Rng(seed, 3));
  if (run.labels == Labels::kShuffled) {
    torch::Generator generator = MakeGenerator(Rng(seed, 4));
    train.cluster = train.cluster.index_select(
        0, RandomPermutation(scale.samples, generator));
  }
  LatentLearner learner(run, options.dims, scale.hidden, Rng(seed, 5));
  TrainOnClusters(learner, train, scale, Rng(seed, 6), context);
  const torch::Tensor seen = learner.Features(train.observations);
  const torch::Tensor held = learner.Features(test.observations);
  LatentResult result;
  result.observed_r2 = LinearR2({train.observations, train.latents},
                                {test.observations, test.latents});
  result.r2 = LinearR2({seen, train.latents}, {held, test.latents});
  result.mcc = MatchedCorrelation(held, test.latents);
  result.concentration = learner.Concentration();
  return result;
}

// The worst seeds.
struct LatentExtremes {
  double cosine = 1.0;
  double linear = 1.0;
  double shuffled = -1e9;
  double more_clusters = 1e9;
};

LatentExtremes LatentPart(const ExperimentOptions& options, int seeds,
                          ExperimentReport& report, RunContext& context) {
  LatentScale scale;
  if (options.smoke) scale = {400, 200, 20, 64, 16};
  const std::vector<LatentRun> runs = {
      {"normalised", 100, HeadKind::kCosine, Labels::kClusters},
      {"unnormalised", 100, HeadKind::kLinear, Labels::kClusters},
      {"5 clusters", 5, HeadKind::kCosine, Labels::kClusters},
      {"shuffled labels", 100, HeadKind::kCosine, Labels::kShuffled}};
  LatentExtremes worst;
  for (int s = 0; s < seeds; ++s) {
    const uint64_t seed = options.seed + static_cast<uint64_t>(s);
    std::map<std::string, double> r2;
    for (const LatentRun& run : runs) {
      const LatentResult result = RunOnLatents(run, scale, seed, context);
      r2[run.name] = result.r2;
      report.table.rows.push_back(
          {"latents", fmt::format("{}", seed), run.name, "R2",
           fmt::format("{:.3f}", result.observed_r2), "",
           fmt::format("{:.3f}", result.r2), fmt::format("{:.3f}", result.mcc),
           fmt::format("{:.1f}", result.concentration)});
    }
    worst.cosine = std::min(worst.cosine, r2["normalised"]);
    worst.linear = std::min(worst.linear, r2["unnormalised"]);
    worst.shuffled = std::max(worst.shuffled, r2["shuffled labels"]);
    worst.more_clusters =
        std::min(worst.more_clusters, r2["normalised"] - r2["5 clusters"]);
  }
  return worst;
}

// One kind of features of both sets of a bench.
struct Features {
  torch::Tensor train;
  torch::Tensor test;
};

double Decode(const Features& features, const TileBench& bench,
              const std::string& factor) {
  return FactorR2({features.train, bench.train}, {features.test, bench.test},
                  factor);
}

// Grey pixels at full size, and colours at half of it.
std::vector<Features> PixelFeatures(const TileBench& bench) {
  const auto pixels = [](const Dataset& tiles) {
    return tiles.images.to(torch::kFloat) / 255.0;
  };
  const torch::Tensor a = pixels(bench.train);
  const torch::Tensor b = pixels(bench.test);
  return {
      {a.mean(1).flatten(1), b.mean(1).flatten(1)},
      {torch::avg_pool2d(a, 2).flatten(1), torch::avg_pool2d(b, 2).flatten(1)}};
}

// How many factors beside the trained one are read off better than off pixels.
int TilePart(const ExperimentOptions& options, uint64_t seed,
             ExperimentReport& report, RunContext& context) {
  const std::string trained = "hand";
  TileBenchOptions sizes;
  sizes.seed = seed;
  sizes.train = options.smoke ? 40 : 1500;
  sizes.test = options.smoke ? 20 : 500;
  TileBench bench = DrawTileBench(options, sizes, context);
  bench.train.label = FactorLabels(bench.train, trained);
  const Encoder encoder = SmallEncoder(seed);
  const auto encode = [&] {
    return Features{EmbedDataset(*encoder, bench.train),
                    EmbedDataset(*encoder, bench.test)};
  };
  const Features random = encode();
  TileTraining training;
  training.steps = options.smoke ? 2 : 600;
  training.seed = seed;
  training.views = PlainView();
  training.views.flip = 0.5;
  training.views.quarter_turns = 1.0;
  SupervisedOptions supervised;
  supervised.classes = bench.train.label.max().item<int64_t>() + 1;
  TrainOnTiles(*MakeSupervised(encoder, supervised, Rng(seed, 1)), bench.train,
               training, context);
  const Features learnt = encode();

  int better = 0;
  const std::vector<Features> pixels = PixelFeatures(bench);
  for (const TileSupply::Factor& factor : options.tiles->Factors()) {
    if (factor.name == trained) continue;
    const double of_pixels = std::max(Decode(pixels[0], bench, factor.name),
                                      Decode(pixels[1], bench, factor.name));
    const double of_learnt = Decode(learnt, bench, factor.name);
    if (of_learnt > of_pixels) ++better;
    report.table.rows.push_back(
        {"tiles", fmt::format("{}", seed), trained, "R2 of " + factor.name,
         fmt::format("{:.3f}", of_pixels),
         fmt::format("{:.3f}", Decode(random, bench, factor.name)),
         fmt::format("{:.3f}", of_learnt), "", ""});
  }
  return better;
}

}  // namespace

ExperimentReport IdentifiabilityExperiment(const ExperimentOptions& options,
                                           RunContext& context) {
  const int seeds = options.seeds > 0 ? options.seeds : 3;
  ExperimentReport report;
  report.settings = {{"seeds", seeds}};
  report.table.columns = {"data",    "seed",          "labels",
                          "measure", "of the input",  "random encoder",
                          "learnt",  "MCC of learnt", "kappa"};
  const LatentExtremes worst = LatentPart(options, seeds, report, context);
  int better = 99;
  for (int s = 0; s < seeds; ++s) {
    better = std::min(better,
                      TilePart(options, options.seed + static_cast<uint64_t>(s),
                               report, context));
  }
  using Sense = Criterion::Sense;
  report.criteria = {
      {"R2 of latents, normalised features (worst seed)", worst.cosine,
       Sense::kAtLeast, 0.95},
      {"R2 of latents, unnormalised features (worst seed)", worst.linear,
       Sense::kAtLeast, 0.95},
      {"R2 of latents, shuffled labels (worst seed)", worst.shuffled,
       Sense::kAtMost, 0.05},
      {"R2 gained by 100 clusters over 5 (worst seed)", worst.more_clusters,
       Sense::kAtLeast, 0.1},
      {"factors not trained on that are read off better than off pixels "
       "(worst seed)",
       static_cast<double>(better), Sense::kAtLeast, 2.0}};
  report.measures.push_back({0, "r2_normalised", worst.cosine});
  report.measures.push_back({0, "r2_unnormalised", worst.linear});
  report.measures.push_back({0, "r2_shuffled", worst.shuffled});
  report.measures.push_back({0, "r2_gain_of_clusters", worst.more_clusters});
  return report;
}

}  // namespace mapweave::ssl
