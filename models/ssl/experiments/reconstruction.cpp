// SPDX-License-Identifier: MIT
//
// Where in the spectrum are the labels? Networks are trained on images of which
// only a band of the variance is left: on the hatch set, built so that the
// label has little of it, and on map tiles, which nobody built for it.
#include "core/error.h"
#include "models/ssl/denoising.h"
#include "models/ssl/experiments/hatch_set.h"
#include "models/ssl/experiments/registry.h"
#include "models/ssl/image_set.h"
#include "models/ssl/optimiser.h"
#include "models/ssl/schedule.h"
#include "models/ssl/tensor_random.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace mapweave::ssl {
namespace {

// Three convolutions, their mean over places, and a linear layer whose outputs
// are the classes of one factor after the other.
class SmallConvNetImpl : public torch::nn::Module {
 public:
  explicit SmallConvNetImpl(int64_t outputs) {
    const int64_t widths[] = {1, 16, 32, 32};
    for (int i = 0; i < 3; ++i) {
      layers_->push_back(torch::nn::Conv2d(
          torch::nn::Conv2dOptions(widths[i], widths[i + 1], 3)
              .stride(i == 0 ? 1 : 2)
              .padding(1)
              .bias(false)));
      layers_->push_back(torch::nn::BatchNorm2d(widths[i + 1]));
      layers_->push_back(torch::nn::ReLU());
    }
    register_module("layers", layers_);
    head_ = register_module("head", torch::nn::Linear(32, outputs));
  }
  torch::Tensor forward(const torch::Tensor& images) {
    return head_(layers_->forward(images).mean({2, 3}));
  }

 private:
  torch::nn::Sequential layers_;
  torch::nn::Linear head_{nullptr};
};
TORCH_MODULE(SmallConvNet);

struct FactorLabels {
  std::string name;
  int64_t values = 0;
  torch::Tensor label;  // [N] int64
};

// Images with all that is to be told of them; the first `train` are trained
// on.
struct Task {
  torch::Tensor images;  // [N, H, W] float64, mean 0 over the training images
  std::vector<FactorLabels> factors;
  int64_t train = 0;
  int64_t epochs = 8;
};

// Held-out accuracy for each factor of a network trained on `images`, which
// are those of the task or a part of them.
std::vector<double> TrainedAccuracy(const Task& task,
                                    const torch::Tensor& images, const Rng& rng,
                                    RunContext& context) {
  constexpr int64_t kBatch = 100;
  int64_t outputs = 0;
  for (const FactorLabels& factor : task.factors) outputs += factor.values;
  SmallConvNet net(outputs);
  InitialiseModule(*net, rng.Fork(1));
  const torch::Tensor x =
      (images / images.std()).to(torch::kFloat).unsqueeze(1);
  OptimiserOptions adam;
  adam.weight_decay = 1e-3;
  Optimiser optimiser(*net, adam);
  ScheduleOptions rate;
  rate.kind = ScheduleKind::kOneCycle;
  rate.peak = 5e-3;
  const int64_t per_epoch = task.train / kBatch;
  const int64_t steps = per_epoch * task.epochs;
  torch::Generator generator = MakeGenerator(rng.Fork(2));
  torch::Tensor order;
  for (int64_t step = 0; step < steps; ++step) {
    context.cancel.ThrowIfCancelled();
    const int64_t place = step % per_epoch;
    if (place == 0) order = RandomPermutation(task.train, generator);
    const torch::Tensor index = order.narrow(0, place * kBatch, kBatch);
    const torch::Tensor logits = net->forward(x.index_select(0, index));
    torch::Tensor loss = torch::zeros({});
    int64_t begin = 0;
    for (const FactorLabels& factor : task.factors) {
      loss = loss + torch::nn::functional::cross_entropy(
                        logits.narrow(1, begin, factor.values),
                        factor.label.index_select(0, index));
      begin += factor.values;
    }
    optimiser.ZeroGrad();
    loss.backward();
    optimiser.Step(RateAt(rate, step, steps));
  }
  const torch::NoGradGuard no_grad;
  net->eval();
  const torch::Tensor logits = net->forward(x.slice(0, task.train));
  std::vector<double> accuracy;
  int64_t begin = 0;
  for (const FactorLabels& factor : task.factors) {
    accuracy.push_back(logits.narrow(1, begin, factor.values)
                           .argmax(1)
                           .eq(factor.label.slice(0, task.train))
                           .to(torch::kDouble)
                           .mean()
                           .item<double>());
    begin += factor.values;
  }
  return accuracy;
}

struct Band {
  const char* name;
  VarianceBand variance;
};
constexpr Band kBands[] = {{"all", {0.0, 1.0}},
                           {"top 75 %", {0.0, 0.75}},
                           {"top 90 %", {0.0, 0.9}},
                           {"bottom 20 %", {0.8, 1.0}}};

// A tone so broad that it makes up 90 % of the variance without the hatch, and
// grain enough that the hatch is not told without fail.
constexpr HatchOptions kBroadTone{2.0, 0.15, 0.2};

Task HatchTask(uint64_t seed, bool smoke) {
  Task task;
  task.train = smoke ? 400 : 3000;
  const HatchSet set =
      MakeHatchSet(task.train + (smoke ? 100 : 1000), kBroadTone, Rng(seed));
  task.images = set.images;
  task.factors = {{"hatch", kHatchClasses, set.label}};
  if (smoke) task.epochs = 1;
  return task;
}

Task TileTask(const TileSupply& supply, uint64_t seed, bool smoke) {
  Task task;
  task.train = smoke ? 200 : 2000;
  const Dataset data =
      ReadTiles(supply, {seed, /*side_px=*/32}, task.train + task.train / 4);
  task.images = data.images.to(torch::kDouble).mean(1) / 255.0;
  task.images = task.images - task.images.slice(0, 0, task.train).mean(0);
  for (const TileSupply::Factor& factor : supply.Factors()) {
    if (factor.values == 0) continue;
    task.factors.push_back(
        {factor.name, factor.values, data.metadata.at(factor.name)});
  }
  task.epochs = smoke ? 1 : 10;
  return task;
}

// Accuracy by the band's name, factor by factor; a row of the table each.
using ByBand = std::map<std::string, std::vector<double>>;
ByBand Split(const std::string& set, const Task& task, uint64_t seed,
             ExperimentTable& table, RunContext& context) {
  const torch::Tensor moments =
      SecondMoments(task.images.slice(0, 0, task.train));
  const torch::Tensor x = task.images.flatten(1);
  ByBand accuracies;
  for (const Band& band : kBands) {
    const torch::Tensor basis = BandDirections(moments, band.variance);
    const torch::Tensor kept = x.mm(basis).mm(basis.t()).view_as(task.images);
    const std::vector<double> accuracy =
        TrainedAccuracy(task, kept, Rng(seed, 0x62616e64), context);
    for (size_t i = 0; i < accuracy.size(); ++i) {
      table.rows.push_back({set, fmt::format("{}", seed), task.factors[i].name,
                            band.name, fmt::format("{}", basis.size(1)),
                            fmt::format("{:.3f}", accuracy[i])});
    }
    accuracies[band.name] = accuracy;
  }
  return accuracies;
}

// Sine between what is learned without noise and with white noise.
double WhiteNoiseAngle(const Task& task) {
  const torch::Tensor moments = SecondMoments(task.images);
  const int64_t side = task.images.size(2);
  const torch::Tensor clean = DenoisingCode(moments, side, {}, 32);
  double angle = 0.0;
  for (const double sigma : {0.1, 1.0, 10.0}) {
    angle = std::max(
        angle,
        LargestAngle(clean, DenoisingCode(moments, side, {sigma, 0.0, 1}, 32)));
  }
  return angle;
}

}  // namespace

ExperimentReport ReconstructionExperiment(const ExperimentOptions& options,
                                          RunContext& context) {
  if (options.tiles == nullptr) {
    throw Error(ErrorCode::kUsage, "reconstruction: needs map tiles");
  }
  const int seeds = options.seeds > 0 ? options.seeds : 3;
  ExperimentReport report;
  report.settings = {{"seeds", seeds}};
  report.table.columns = {"set",  "seed",       "label",
                          "band", "directions", "accuracy"};
  double gap = 1e9;
  double angle = 0.0;
  for (int s = 0; s < seeds; ++s) {
    const uint64_t seed = options.seed + static_cast<uint64_t>(s);
    const Task task = HatchTask(seed, options.smoke);
    const ByBand accuracy = Split("hatch", task, seed, report.table, context);
    gap = std::min(gap,
                   accuracy.at("bottom 20 %")[0] - accuracy.at("top 90 %")[0]);
    angle = std::max(angle, WhiteNoiseAngle(task));
  }
  const Task tiles = TileTask(*options.tiles, options.seed, options.smoke);
  const ByBand accuracy =
      Split("map tiles", tiles, options.seed, report.table, context);
  for (size_t i = 0; i < tiles.factors.size(); ++i) {
    report.measures.push_back(
        {0, "tiles_gap_" + tiles.factors[i].name,
         accuracy.at("bottom 20 %")[i] - accuracy.at("top 90 %")[i]});
  }
  report.measures.push_back({0, "hatch_gap", gap});
  report.measures.push_back({0, "gaussian_angle", angle});
  using Sense = Criterion::Sense;
  report.criteria = {
      {"white noise turns the code by a sine of", angle, Sense::kAtMost, 1e-6},
      {"hatch: bottom 20 % minus top 90 % of variance (worst seed)", gap,
       Sense::kAtLeast, 0.2}};
  return report;
}

}  // namespace mapweave::ssl
