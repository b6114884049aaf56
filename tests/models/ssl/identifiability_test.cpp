// SPDX-License-Identifier: MIT
//
// Worlds of known latents, heads of classes whole and in shards, graphs of
// similar samples, and the small forms of the experiments on them.
#include "core/error.h"
#include "models/ssl/class_head.h"
#include "models/ssl/experiments/experiment.h"
#include "models/ssl/latents.h"
#include "models/ssl/plan_tiles.h"
#include "models/ssl/probe.h"
#include "models/ssl/similarity_graph.h"
#include "models/ssl/tile_set.h"
#include "models/ssl/trainer.h"
#include "tests/support/quiet_context.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>
#include <functional>
#include <limits>
#include <set>

namespace mapweave::ssl {
namespace {

using testing::QuietContext;

torch::Tensor Random(torch::IntArrayRef sizes, int seed = 3) {
  torch::manual_seed(seed);
  return torch::randn(sizes, torch::kDouble);
}

torch::Tensor Longs(std::vector<int64_t> values) {
  return torch::tensor(values, torch::kLong);
}

// Largest difference between the gradient by `at` and central differences.
double GradientFault(const std::function<torch::Tensor()>& loss,
                     torch::Tensor at) {
  constexpr double kStep = 1e-5;
  const torch::Tensor gradient = torch::autograd::grad({loss()}, {at})[0];
  const torch::NoGradGuard no_grad;
  torch::Tensor flat = at.view({-1});
  double fault = 0.0;
  for (int64_t i = 0; i < flat.size(0); ++i) {
    const double value = flat[i].item<double>();
    flat[i] = value + kStep;
    const double above = loss().item<double>();
    flat[i] = value - kStep;
    const double below = loss().item<double>();
    flat[i] = value;
    const double slope = (above - below) / (2.0 * kStep);
    fault = std::max(
        fault, std::abs(slope - gradient.reshape({-1})[i].item<double>()));
  }
  return fault;
}

TEST(VonMisesFisher, MeanCosineInThreeDimensionsIsTheLangevinFunction) {
  const torch::Tensor centre =
      torch::tensor({{0.6, 0.0, 0.8}}, torch::kDouble).repeat({20000, 1});
  for (const double k : {0.5, 10.0, 200.0}) {
    const torch::Tensor z = SampleVonMisesFisher(centre, k, Rng(1));
    EXPECT_TRUE(
        torch::allclose(z.norm(2, 1), torch::ones({20000}, torch::kDouble)));
    const double cosine = (z * centre).sum(1).mean().item<double>();
    EXPECT_NEAR(cosine, 1.0 / std::tanh(k) - 1.0 / k, 0.015) << k;
    // Nothing is preferred at right angles to the centre.
    const torch::Tensor across =
        torch::tensor({0.8, 0.0, -0.6}, torch::kDouble);
    EXPECT_NEAR(z.mv(across).mean().item<double>(), 0.0, 0.015) << k;
  }
  EXPECT_LT(SampleVonMisesFisher(centre, 0.0, Rng(1))
                .mean(0)
                .abs()
                .max()
                .item<double>(),
            0.02)
      << "uniform";
}

TEST(VonMisesFisher, WrongArgumentsAreErrors) {
  const torch::Tensor centre = torch::eye(3, torch::kDouble);
  EXPECT_THROW(SampleVonMisesFisher(2.0 * centre, 1.0, Rng(1)), Error);
  EXPECT_THROW(SampleVonMisesFisher(centre[0], 1.0, Rng(1)), Error);
  EXPECT_THROW(SampleVonMisesFisher(centre, -1.0, Rng(1)), Error);
  EXPECT_THROW(SampleVonMisesFisher(centre, NAN, Rng(1)), Error);
  EXPECT_THROW(SampleVonMisesFisher(centre * NAN, 1.0, Rng(1)), Error);
}

TEST(LatentWorld, LosesNothingAndIsNotLinear) {
  const LatentWorld world({}, Rng(4));
  const LatentSet set = world.Draw(3000, Rng(5));
  EXPECT_LT(
      (world.Unmix(set.observations) - set.latents).abs().max().item<double>(),
      1e-12);
  const double linear = LinearR2(
      {set.observations.slice(0, 0, 2000), set.latents.slice(0, 0, 2000)},
      {set.observations.slice(0, 2000), set.latents.slice(0, 2000)});
  EXPECT_LT(linear, 0.9) << "there would be nothing to find";
  EXPECT_TRUE(torch::equal(set.latents, world.Draw(3000, Rng(5)).latents));
  EXPECT_FALSE(torch::equal(set.latents, world.Draw(3000, Rng(6)).latents));
  // The nearest centre is the cluster, mostly.
  const torch::Tensor nearest = set.latents.mm(world.Centres().t()).argmax(1);
  EXPECT_GT(nearest.eq(set.cluster).to(torch::kDouble).mean().item<double>(),
            0.1);
  LatentOptions wrong;
  wrong.negative_slope = 0.0;
  EXPECT_THROW(LatentWorld(wrong, Rng(1)), Error) << "not injective";
  wrong = {};
  wrong.clusters = 1;
  EXPECT_THROW(LatentWorld(wrong, Rng(1)), Error);
}

TEST(MatchedCorrelation, IsTheBestMatchingNotTheGreedyOne) {
  // Columns of a Hadamard matrix: mean 0, uncorrelated.
  const torch::Tensor h1 =
      torch::tensor({1., 1., 1., 1., -1., -1., -1., -1.}, torch::kDouble);
  const torch::Tensor h2 =
      torch::tensor({1., 1., -1., -1., 1., 1., -1., -1.}, torch::kDouble);
  const torch::Tensor h3 =
      torch::tensor({1., -1., 1., -1., 1., -1., 1., -1.}, torch::kDouble);
  const torch::Tensor first = torch::stack({h1, h2}, 1);
  const torch::Tensor second =
      torch::stack({0.8 * h1 + 0.6 * h2, -0.7 * h1 + std::sqrt(0.51) * h3}, 1);
  // Greedily 0.8 and 0; at best 0.7 and 0.6.
  EXPECT_NEAR(MatchedCorrelation(first, second), 0.65, 1e-12);
  EXPECT_THROW(MatchedCorrelation(first, h1.unsqueeze(1)), Error);
}

TEST(ClassHead, CosineHeadByHandAndByLength) {
  ClassHead head(2, 3, HeadKind::kCosine, Rng(1));
  head->to(torch::kDouble);
  {
    const torch::NoGradGuard no_grad;
    head->named_parameters()["weight"].copy_(
        torch::tensor({{2.0, 0.0}, {0.0, 0.5}, {-3.0, 0.0}}, torch::kDouble));
  }
  EXPECT_NEAR(head->Concentration(), 10.0, 1e-5);
  const torch::Tensor f = torch::tensor({{3.0, 4.0}}, torch::kDouble);
  EXPECT_TRUE(torch::allclose(head->forward(f),
                              torch::tensor({{6.0, 8.0, -6.0}}, torch::kDouble),
                              0.0, 1e-5));
  EXPECT_TRUE(torch::allclose(head->forward(f), head->forward(7.0 * f)));
  ClassHead linear(2, 3, HeadKind::kLinear, Rng(1));
  EXPECT_DOUBLE_EQ(linear->Concentration(), 1.0);
  EXPECT_TRUE(
      torch::equal(linear->forward(torch::zeros({4, 2})), torch::zeros({4, 3})))
      << "without bias";
  EXPECT_THROW(ClassHead(2, 1, HeadKind::kLinear, Rng(1)), Error);
}

TEST(ClassHead, GradientsAreThoseOfFiniteDifferences) {
  for (const HeadKind kind : {HeadKind::kLinear, HeadKind::kCosine}) {
    ClassHead head(3, 4, kind, Rng(2));
    head->to(torch::kDouble);
    const torch::Tensor f = Random({5, 3}).set_requires_grad(true);
    const auto loss = [&] {
      return DietLoss(head->forward(f), Longs({0, 1, 2, 3, 1}), 0.1);
    };
    EXPECT_LT(GradientFault(loss, f), 1e-6);
    for (const torch::Tensor& parameter : head->parameters()) {
      EXPECT_LT(GradientFault(loss, parameter), 1e-6);
    }
  }
}

TEST(ShardedHead, OneShardIsTheWholeHead) {
  ShardedHead head(3, 6, 1, Rng(7));
  ClassHead whole(3, 6, HeadKind::kLinear, Rng(7));
  const torch::Tensor f = Random({4, 3}).to(torch::kFloat);
  const torch::Tensor index = Longs({5, 0, 2, 2});
  EXPECT_FLOAT_EQ(head->Loss(f, index, 0.8).item<float>(),
                  DietLoss(whole->forward(f), index, 0.8).item<float>());
}

TEST(ShardedHead, TellsSamplesApartWithinTheirShardAlone) {
  // Of five samples the even ones are three, the odd ones two.
  ShardedHead head(3, 5, 2, Rng(7));
  const torch::Tensor zero = torch::zeros({2, 3});
  EXPECT_NEAR(head->Loss(zero, Longs({4, 1}), 0.0).item<double>(),
              0.5 * (std::log(3.0) + std::log(2.0)), 1e-6);
  head->to(torch::kDouble);
  const torch::Tensor f = Random({3, 3}).set_requires_grad(true);
  const auto odd = [&] { return head->Loss(f, Longs({1, 3, 1}), 0.8); };
  EXPECT_LT(GradientFault(odd, f), 1e-8);
  odd().backward();
  const auto parameters = head->named_parameters();
  EXPECT_FALSE(parameters["shard0"].grad().defined());
  EXPECT_TRUE(parameters["shard1"].grad().defined());
  // The order of a mixed batch is of no consequence.
  EXPECT_NEAR(head->Loss(f, Longs({4, 1, 3}), 0.8).item<double>(),
              head->Loss(f.flip(0), Longs({3, 1, 4}), 0.8).item<double>(),
              1e-12);
}

TEST(ShardedHead, WrongIndicesAndShardsAreErrors) {
  EXPECT_THROW(ShardedHead(3, 5, 3, Rng(1)), Error) << "a shard of one";
  EXPECT_THROW(ShardedHead(3, 5, 0, Rng(1)), Error);
  ShardedHead head(3, 6, 2, Rng(1));
  const torch::Tensor f = torch::zeros({2, 3});
  EXPECT_THROW(head->Loss(f, Longs({0, 6}), 0.8), Error);
  EXPECT_THROW(head->Loss(f, Longs({-1, 0}), 0.8), Error);
  EXPECT_THROW(head->Loss(f, Longs({0}), 0.8), Error);
  EXPECT_THROW(head->Loss(f * NAN, Longs({0, 1}), 0.8), Error);
  EXPECT_GT(head->Loss(f.slice(0, 0, 1), Longs({3}), 0.8).item<double>(), 0.0)
      << "a batch of one is enough";
}

TEST(BatchIndex, KeepsToOneShardAndMeetsAllSamples) {
  const BatchPlan plan{20, 2, 9, 3};  // shards of 7, 7 and 6
  std::set<int64_t> seen;
  int64_t changes = 0;
  int64_t last_shard = -1;
  for (int64_t step = 0; step < 9; ++step) {
    const torch::Tensor index = BatchIndex(plan, step);
    ASSERT_EQ(index.size(0), 2);
    const int64_t a = index[0].item<int64_t>();
    const int64_t b = index[1].item<int64_t>();
    EXPECT_EQ(a % 3, b % 3);
    EXPECT_LT(std::max(a, b), 20);
    seen.insert({a, b});
    if (step > 0 && a % 3 != last_shard) ++changes;
    last_shard = a % 3;
  }
  EXPECT_EQ(seen.size(), 18u) << "one of each odd shard is left over";
  EXPECT_GT(changes, 2) << "shards take turns";
  EXPECT_FALSE(torch::equal(BatchIndex(plan, 0), BatchIndex(plan, 9)))
      << "every epoch is another one";
}

Dataset NoiseImages(int64_t count) {
  torch::manual_seed(2);
  Dataset data;
  data.images = torch::randint(0, 256, {count, 3, 16, 16}, torch::kUInt8);
  data.label = torch::full({count}, -1, torch::kLong);
  return data;
}

Encoder TinyEncoder() {
  EncoderConfig config;
  config.kind = "resnet18";
  config.width = 4;
  return MakeEncoder(config, Rng(5));
}

TEST(Diet, StepOfOneShardMovesThatShardAlone) {
  const Dataset data = NoiseImages(12);
  DietOptions options;
  options.samples = 12;
  options.shards = 3;
  const MethodPtr method = MakeDiet(TinyEncoder(), options, Rng(1));
  std::vector<torch::Tensor> before;
  for (int s = 0; s < 3; ++s) {
    before.push_back(
        method->named_parameters()["head.shard" + std::to_string(s)]
            .detach()
            .clone());
  }
  TrainerOptions training;
  training.steps = 1;
  training.batch = 4;
  TrainMethod(*method, data, training, {}, QuietContext());
  int moved = 0;
  for (int s = 0; s < 3; ++s) {
    const torch::Tensor after =
        method->named_parameters()["head.shard" + std::to_string(s)];
    if (!torch::equal(before[static_cast<size_t>(s)], after)) ++moved;
  }
  EXPECT_EQ(moved, 1);
  training.batch = 5;  // shards have four
  EXPECT_THROW(TrainMethod(*method, data, training, {}, QuietContext()), Error);
}

TEST(SimilarityGraph, KernelsByHand) {
  Bag metadata;
  metadata["track"] = Longs({7, 7, 8});
  metadata["place"] =
      torch::tensor({{0.0, 0.0}, {3.0, 4.0}, {0.0, 0.0}}, torch::kDouble);
  metadata["year"] = torch::tensor({1860.0, 1880.0, 1900.0}, torch::kDouble);
  const torch::Tensor graph =
      SimilarityOf(metadata, {{"track", EdgeKernel::kSame, 1.0, 2.0},
                              {"place", EdgeKernel::kGaussian, 5.0, 1.0},
                              {"year", EdgeKernel::kExponential, 20.0, 1.0}});
  EXPECT_NEAR(graph[0][1].item<double>(), 2.0 + std::exp(-0.5) + std::exp(-1.0),
              1e-12);
  EXPECT_NEAR(graph[0][2].item<double>(), 1.0 + std::exp(-2.0), 1e-12);
  EXPECT_NEAR(graph[1][1].item<double>(), 4.0, 1e-12);
  EXPECT_TRUE(torch::equal(graph, graph.t()));
  const torch::Tensor linear =
      SimilarityOf(metadata, {{"year", EdgeKernel::kLinear, 30.0}});
  EXPECT_NEAR(linear[0][1].item<double>(), 1.0 / 3.0, 1e-12);
  EXPECT_DOUBLE_EQ(linear[0][2].item<double>(), 0.0);
}

TEST(SimilarityGraph, WrongMetadataAreErrors) {
  Bag metadata;
  metadata["year"] = torch::tensor({1860.0, std::nan("")});
  metadata["two"] = torch::zeros({2});
  metadata["three"] = torch::zeros({3});
  EXPECT_THROW(SimilarityOf(metadata, {}), Error);
  EXPECT_THROW(SimilarityOf(metadata, {{"none"}}), Error);
  EXPECT_THROW(SimilarityOf(metadata, {{"year"}}), Error);
  EXPECT_THROW(SimilarityOf(metadata, {{"two"}, {"three"}}), Error);
  EXPECT_THROW(SimilarityOf(metadata, {{"two", EdgeKernel::kGaussian, 0.0}}),
               Error);
}

TEST(SimilarityGraph, TemperatureThatCannotBeIsAnError) {
  // Everybody has two equally near ones.
  const torch::Tensor ties = torch::ones({4, 4}, torch::kDouble) -
                             torch::eye(4, torch::kDouble).roll(2, 1);
  EXPECT_THROW(TemperatureForPositives(ties, 1.5), Error);
  EXPECT_NEAR(EffectivePositives(
                  XSampleTargets(ties, TemperatureForPositives(ties, 2.5)))
                  .mean()
                  .item<double>(),
              2.5, 1e-6);
  EXPECT_THROW(TemperatureForPositives(ties * NAN, 2.5), Error);
  EXPECT_THROW(TemperatureForPositives(ties[0], 2.5), Error);
}

TEST(SimilarityGraph, FeedsXSampleFromTheBatch) {
  Dataset data = NoiseImages(8);
  data.metadata["kind"] = Longs({0, 0, 1, 1, 2, 2, 3, 3});
  const auto loss = [&](double weight) {
    XSampleOptions options;
    options.graph =
        MakeSimilarityGraph({{"kind", EdgeKernel::kSame, 1.0, weight}});
    options.own_view = weight;
    const MethodPtr method = MakeXSample(TinyEncoder(), options, Rng(1));
    TrainerOptions training;
    training.steps = 1;
    training.batch = 8;
    return TrainMethod(*method, data, training, {}, QuietContext()).loss;
  };
  EXPECT_NE(loss(0.0), loss(1.0));
  data.metadata.clear();
  EXPECT_THROW(loss(1.0), Error);
}

TEST(TileSet, HoldsPicturesAndFactorsInOrder) {
  const PlanTiles supply;
  const TileRequest request{3, 32};
  const Dataset set = DrawTileSet(supply, request, 5, QuietContext());
  EXPECT_EQ(set.images.sizes(), (std::vector<int64_t>{5, 3, 32, 32}));
  const FactorTile tile = supply.Draw(request, 3);
  EXPECT_EQ(set.metadata.at("scale")[3].item<double>(),
            tile.factors.at("scale"));
  EXPECT_EQ(FactorLabels(set, "hand")[3].item<int64_t>(),
            static_cast<int64_t>(tile.factors.at("hand")));
  EXPECT_EQ(set.images[3][1][7][9].item<int>(),
            tile.rgb.at<cv::Vec3b>(7, 9)[1]);
  EXPECT_THROW(FactorLabels(set, "smell"), Error);
}

TEST(IdentifiabilityExperiments, SmallFormsRunAndAreTheSameTwice) {
  const PlanTiles tiles;
  ExperimentOptions options;
  options.smoke = true;
  options.seeds = 2;
  for (const char* name : {"identifiability", "diet", "x-sample"}) {
    options.tiles = nullptr;
    EXPECT_THROW(RunExperiment(name, options, QuietContext()), Error) << name;
    options.tiles = &tiles;
    const ExperimentReport report =
        RunExperiment(name, options, QuietContext());
    EXPECT_GE(report.criteria.size(), 2u) << name;
    EXPECT_FALSE(report.measures.empty()) << name;
    for (const auto& row : report.table.rows) {
      EXPECT_EQ(row.size(), report.table.columns.size()) << name;
    }
    if (std::string(name) == "diet") continue;  // holds times
    EXPECT_EQ(report.table.rows,
              RunExperiment(name, options, QuietContext()).table.rows)
        << name;
  }
}

}  // namespace
}  // namespace mapweave::ssl
