// SPDX-License-Identifier: MIT
//
// All methods on the same tiles for the same number of encoder passes:
// what a linear probe reads off them against random weights, what measures
// without labels say, and whether the collapse monitor tells the variants that
// are known to collapse from those that are not.
#include "core/error.h"
#include "models/ssl/experiments/registry.h"
#include "models/ssl/experiments/tile_bench.h"
#include "models/ssl/trainer.h"
#include "models/ssl/views.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>

namespace mapweave::ssl {
namespace {

struct Setup {
  int side_px = 32;
  int64_t width = 8;  // of the ResNet-18
  int64_t train = 1000;
  int64_t test = 500;
  int64_t steps = 150;  // with two views of each sample
  int64_t batch = 64;
  double rate = 3e-3;
  int64_t kinds = 0;  // that the labels tell apart
  int64_t lidar_samples = 100;
  int64_t lidar_views = 10;
  std::map<std::string, double> rates;  // other than `rate`
  ViewRecipe views = KindViews();
};

Setup SmokeSetup() {
  Setup setup;
  setup.train = 96;
  setup.test = 80;
  setup.steps = 1;
  setup.batch = 16;
  setup.lidar_samples = 20;
  setup.lidar_views = 4;
  return setup;
}

Json ToJson(const Setup& setup) {
  return {{"side_px", setup.side_px},     {"width", setup.width},
          {"train", setup.train},         {"test", setup.test},
          {"steps", setup.steps},         {"batch", setup.batch},
          {"rate", setup.rate},           {"rates", setup.rates},
          {"views", setup.views.ToJson()}};
}

enum class Family { kControl, kJoint, kReference, kReconstruction, kBroken };

struct Contender {
  std::string name;
  Family family = Family::kJoint;
  int64_t views = 2;  // of a sample and step; fewer views make more steps
  std::function<MethodPtr(const Encoder&, const MethodFacts&, const Rng&)> make;
};

// Options of a method that its maker takes beside the encoder, as a contender.
template <typename Options>
Contender With(const std::string& name, Family family,
               MethodPtr (*make)(Encoder, const Options&, const Rng&),
               const Options& options) {
  return {
      name, family, 2,
      [make, options](const Encoder& encoder, const MethodFacts&,
                      const Rng& rng) { return make(encoder, options, rng); }};
}

// With its defaults.
Contender Default(const std::string& name, Family family, int64_t views) {
  return {
      name, family, views,
      [name](const Encoder& encoder, const MethodFacts& facts, const Rng& rng) {
        return MakeMethod(name, encoder, facts, rng);
      }};
}

std::vector<Contender> Contenders() {
  ByolOptions byol;
  byol.momentum = 0.98;  // the training is short
  ByolOptions no_predictor = byol;
  no_predictor.variant = ByolOptions::Variant::kWithoutPredictor;
  DinoMethodOptions dino;
  dino.momentum = 0.98;
  DinoMethodOptions no_centring = dino;
  no_centring.centre_momentum = 1.0;
  VicRegMethodOptions no_variance;
  no_variance.loss.variance = 0.0;
  SimClrOptions simclr;
  simclr.temperature = 0.2;
  return {
      Default("random", Family::kControl, 0),
      With("simclr", Family::kJoint, MakeSimClr, simclr),
      With("byol", Family::kJoint, MakeByol, byol),
      Default("barlow-twins", Family::kJoint, 2),
      Default("vicreg", Family::kJoint, 2),
      With("dino", Family::kJoint, MakeDino, dino),
      Default("lejepa", Family::kJoint, 2),
      Default("diet", Family::kReference, 1),
      Default("supcon", Family::kReference, 2),
      Default("supervised", Family::kReference, 1),
      Default("random-vit", Family::kControl, 0),
      Default("mae", Family::kReconstruction, 1),
      With("byol without predictor", Family::kBroken, MakeByol, no_predictor),
      With("dino without centring", Family::kBroken, MakeDino, no_centring),
      With("vicreg without variance", Family::kBroken, MakeVicReg, no_variance),
  };
}

// What became of one contender on one seed; NaN where it has no such number.
struct Outcome {
  double linear = std::nan("");
  double abmilp = std::nan("");  // transformers only
  double knn = std::nan("");
  double rankme_raw = std::nan("");
  double lidar = std::nan("");
  double spread = std::nan("");
  double information = std::nan("");
  double collapsed = std::nan("");
  double seconds = 0.0;
};

bool IsTransformer(const Contender& contender) {
  return contender.name == "mae" || contender.name == "random-vit";
}

// Of views of the same test tiles for every contender.
double LidarOf(EncoderImpl& encoder, const Dataset& test, const Setup& setup) {
  const torch::NoGradGuard no_grad;
  ViewRecipe recipe = setup.views;
  recipe.globals = static_cast<int>(setup.lidar_views);
  const Batch batch = test.Gather(
      torch::arange(std::min(setup.lidar_samples, test.Size())), torch::kCPU);
  encoder.eval();
  std::vector<torch::Tensor> embeddings;
  for (const View& view : MakeViews(batch, recipe, Rng(7)).views) {
    embeddings.push_back(encoder.Encode(view.images).embedding);
  }
  return Lidar(torch::stack(embeddings, 1));
}

void Assess(EncoderImpl& encoder, const TileBench& data, const Setup& setup,
            Outcome& outcome) {
  const LabelledFeatures train{EmbedDataset(encoder, data.train),
                               data.train.label};
  const LabelledFeatures test{EmbedDataset(encoder, data.test),
                              data.test.label};
  outcome.linear = LinearProbeAccuracy(train, test);
  outcome.knn = KnnAccuracy(train, test);
  if (test.features.size(0) > test.features.size(1)) {
    outcome.rankme_raw = RankMe(test.features);
  }
  outcome.lidar = LidarOf(encoder, data.test, setup);
  if (encoder.Config().kind.starts_with("vit")) {
    outcome.abmilp = AttentiveProbeAccuracy(
        {EmbedDataset(encoder, data.train, EmbeddingKind::kTokens),
         data.train.label},
        {EmbedDataset(encoder, data.test, EmbeddingKind::kTokens),
         data.test.label});
  }
}

Outcome RunOne(const Contender& contender, const TileBench& data,
               const Setup& setup, uint64_t seed, RunContext& context) {
  EncoderConfig config;
  config.kind = IsTransformer(contender) ? "vit-micro" : "resnet18";
  config.width = setup.width;
  config.image_px = setup.side_px;
  config.patch_px = setup.side_px / 4;
  const Encoder encoder = MakeEncoder(config, Rng(seed));
  Outcome outcome;
  if (contender.family != Family::kControl) {
    const MethodPtr method =
        contender.make(encoder, {data.train.Size(), setup.kinds}, Rng(seed, 1));
    TrainerOptions options;
    options.steps = setup.steps * 2 / contender.views;
    options.batch = setup.batch;
    const auto rate = setup.rates.find(contender.name);
    options.schedule.peak =
        rate == setup.rates.end() ? setup.rate : rate->second;
    options.seed = seed;
    options.measure_every = 0;
    if (contender.family != Family::kReconstruction) {
      options.views = setup.views;
      options.views->globals = static_cast<int>(contender.views);
    }
    std::vector<std::unique_ptr<Monitor>> monitors;
    monitors.push_back(MakeCollapseMonitor());
    const TrainerResult result =
        TrainMethod(*method, data.train, options, monitors, context);
    outcome.seconds = result.seconds;
    for (const Measure& measure : result.measures) {
      if (measure.name == "spread") outcome.spread = measure.value;
      if (measure.name == "information") outcome.information = measure.value;
      if (measure.name == "collapsed") outcome.collapsed = measure.value;
    }
  }
  Assess(*encoder, data, setup, outcome);
  return outcome;
}

std::string Cell(double value, int digits) {
  return std::isnan(value) ? "" : fmt::format("{:.{}f}", value, digits);
}

std::vector<std::string> Row(const std::string& seed, const std::string& name,
                             const Outcome& outcome) {
  return {seed,
          name,
          Cell(outcome.linear, 3),
          Cell(outcome.abmilp, 3),
          Cell(outcome.knn, 3),
          Cell(outcome.rankme_raw, 1),
          Cell(outcome.lidar, 1),
          Cell(outcome.spread, 2),
          Cell(outcome.information, 2),
          Cell(outcome.collapsed, 0),
          Cell(outcome.seconds, 1)};
}

double Mean(const std::vector<Outcome>& outcomes, double Outcome::*of) {
  double sum = 0.0;
  for (const Outcome& outcome : outcomes) sum += outcome.*of;
  return sum / static_cast<double>(outcomes.size());
}

using OutcomesByName = std::map<std::string, std::vector<Outcome>>;

// What must hold of the seeds' outcomes.
std::vector<Criterion> Judge(const std::vector<Contender>& contenders,
                             const OutcomesByName& outcomes) {
  constexpr double kGain = 0.08;
  using Sense = Criterion::Sense;
  const double random = Mean(outcomes.at("random"), &Outcome::linear);
  std::vector<Criterion> criteria;
  double healthy_called = 0.0;
  for (const Contender& contender : contenders) {
    const std::vector<Outcome>& seen = outcomes.at(contender.name);
    if (contender.family == Family::kJoint) {
      criteria.push_back(
          {contender.name + ": linear probe - random weights (mean of seeds)",
           Mean(seen, &Outcome::linear) - random, Sense::kAtLeast, kGain});
    }
    if (contender.family == Family::kBroken) {
      criteria.push_back({contender.name + ": share of seeds called collapsed",
                          Mean(seen, &Outcome::collapsed), Sense::kAtLeast,
                          1.0});
    } else {
      for (const Outcome& outcome : seen) {
        if (outcome.collapsed > 0.0) healthy_called += 1.0;
      }
    }
  }
  criteria.push_back({"healthy trainings called collapsed", healthy_called,
                      Sense::kAtMost, 0.0});
  return criteria;
}

}  // namespace

ExperimentReport BaselinesExperiment(const ExperimentOptions& options,
                                     RunContext& context) {
  if (options.tiles == nullptr) {
    throw Error(ErrorCode::kUsage, "baselines: needs map tiles");
  }
  const int seeds = options.seeds > 0 ? options.seeds : 3;
  Setup setup = options.smoke ? SmokeSetup() : Setup();
  setup.kinds = KindCount(*options.tiles);
  const std::vector<Contender> contenders = Contenders();
  ExperimentReport report;
  report.settings = ToJson(setup);
  report.settings["seeds"] = seeds;
  report.table.columns = {"seed",        "method",           "linear", "AbMILP",
                          "kNN",         "RankMe (raw)",     "LiDAR",  "spread",
                          "information", "called collapsed", "seconds"};
  OutcomesByName outcomes;
  for (int s = 0; s < seeds; ++s) {
    const uint64_t seed = options.seed + static_cast<uint64_t>(s);
    TileBench data = DrawTileBench(
        options, {seed, setup.train, setup.test, setup.side_px}, context);
    data.train.label = KindOf(data.train);
    data.test.label = KindOf(data.test);
    for (const Contender& contender : contenders) {
      const Outcome outcome = RunOne(contender, data, setup, seed, context);
      report.table.rows.push_back(
          Row(fmt::format("{}", seed), contender.name, outcome));
      outcomes[contender.name].push_back(outcome);
    }
  }
  for (const Contender& contender : contenders) {
    report.measures.push_back(
        {0, contender.name + " linear_accuracy",
         Mean(outcomes.at(contender.name), &Outcome::linear)});
  }
  report.criteria = Judge(contenders, outcomes);
  return report;
}

}  // namespace mapweave::ssl
