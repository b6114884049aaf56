// SPDX-License-Identifier: MIT
//
// Views, encoders, methods, the training loop and its monitors, on images of
// eight pixels a side up to 32.
#include "core/error.h"
#include "models/ssl/trainer.h"
#include "models/ssl/views.h"
#include "models/ssl/vit.h"
#include "tests/support/temp_dir.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>
#include <limits>
#include <string>

namespace mapweave::ssl {
namespace {

using testing::TempDir;

// Stripes of four directions with noise, on paper of any colour.
Dataset Stripes(int64_t count, int64_t side = 16) {
  torch::manual_seed(11);
  Dataset data;
  data.label = torch::arange(count).remainder(4);
  const torch::Tensor angle = data.label.to(torch::kFloat) * (M_PI / 4.0);
  const torch::Tensor axis = torch::arange(side).to(torch::kFloat);
  const torch::Tensor phase =
      axis.view({1, 1, side}) * angle.cos().view({-1, 1, 1}) +
      axis.view({1, side, 1}) * angle.sin().view({-1, 1, 1}) +
      4.0 * torch::rand({count, 1, 1});
  const torch::Tensor ink = (phase * 1.6).sin().gt(0.0).unsqueeze(1);
  const torch::Tensor colour = torch::rand({count, 3, 1, 1}) * 0.4 + 0.6;
  data.images = ((colour * (1.0 - 0.8 * ink.to(torch::kFloat)) +
                  0.05 * torch::randn({count, 3, side, side}))
                     .clamp(0.0, 1.0) *
                 255.0)
                    .to(torch::kUInt8);
  return data;
}

Encoder TinyResNet() {
  EncoderConfig config;
  config.kind = "resnet18";
  config.width = 8;
  return MakeEncoder(config, Rng(5));
}

Encoder TinyVit() {
  EncoderConfig config;
  config.kind = "vit-micro";
  config.patch_px = 4;
  config.image_px = 16;
  return MakeEncoder(config, Rng(5));
}

TrainerOptions Steps(int64_t steps) {
  TrainerOptions options;
  options.steps = steps;
  options.batch = 16;
  options.schedule.peak = 2e-3;
  options.measure_every = 1;
  return options;
}

TrainerResult Train(
    Method& method, const Dataset& data, const TrainerOptions& options,
    const std::vector<std::unique_ptr<Monitor>>& monitors = {}) {
  Progress progress;
  CancelToken cancel;
  RunContext context{progress, cancel};
  return TrainMethod(method, data, options, monitors, context);
}

std::vector<double> Named(const TrainerResult& result,
                          const std::string& name) {
  std::vector<double> values;
  for (const Measure& measure : result.measures) {
    if (measure.name == name) values.push_back(measure.value);
  }
  return values;
}

bool SameWeights(const Method& a, const Method& b) {
  const auto other = b.named_parameters();
  for (const auto& item : a.named_parameters()) {
    if (!torch::equal(item.value(), other[item.key()])) return false;
  }
  return true;
}

TEST(Views, PlainViewIsTheImage) {
  const Dataset data = Stripes(4);
  const Batch batch = data.Gather(torch::arange(4), torch::kCPU);
  const Views views = MakeViews(batch, PlainView(), Rng(1));
  ASSERT_EQ(views.views.size(), 1u);
  EXPECT_TRUE(torch::allclose(views.views[0].images, batch.images, 0, 1e-5));
}

TEST(Views, DependOnTheStreamAloneAndDifferFromEachOther) {
  const Batch batch = Stripes(6).Gather(torch::arange(6), torch::kCPU);
  ViewRecipe recipe;
  recipe.locals = 1;
  recipe.solarise = 0.3;
  const Views a = MakeViews(batch, recipe, Rng(1, 2));
  const Views b = MakeViews(batch, recipe, Rng(1, 2));
  ASSERT_EQ(a.views.size(), 3u);
  for (size_t i = 0; i < a.views.size(); ++i) {
    EXPECT_TRUE(torch::equal(a.views[i].images, b.views[i].images));
    EXPECT_GE(a.views[i].images.min().item<float>(), 0.0f);
    EXPECT_LE(a.views[i].images.max().item<float>(), 1.0f);
  }
  EXPECT_FALSE(torch::equal(a.views[0].images, a.views[1].images));
  EXPECT_EQ(a.views[2].kind, ViewKind::kLocal);
  EXPECT_EQ(a.views[2].images.size(2), 8);
}

TEST(Views, MaskFollowsTheImage) {
  Batch batch = Stripes(8).Gather(torch::arange(8), torch::kCPU);
  batch.mask = torch::zeros({8, 1, 16, 16});
  batch.mask.slice(3, 0, 8).fill_(1.0);
  // White where it is valid, black elsewhere: the two must agree in any view.
  batch.images = batch.mask.expand({8, 3, 16, 16}).contiguous();
  ViewRecipe recipe = PlainView();
  recipe.global_area_min = 0.3;
  recipe.flip = 0.5;
  recipe.quarter_turns = 1.0;
  const Views views = MakeViews(batch, recipe, Rng(4));
  const torch::Tensor white = views.views[0].images.slice(1, 0, 1).ge(0.5);
  EXPECT_TRUE(torch::equal(white.to(torch::kFloat), views.views[0].mask));
}

TEST(Views, WiderLinesAreWiderByAPixel) {
  torch::Tensor image = torch::ones({1, 3, 8, 8});
  image.slice(3, 4, 5).fill_(0.0);  // one column of ink
  const torch::Tensor yes = torch::ones({1}, torch::kBool);
  const torch::Tensor no = torch::zeros({1}, torch::kBool);
  const auto ink = [](const torch::Tensor& x) {
    return (1.0 - x[0][0][3]).sum().item<float>();
  };
  EXPECT_FLOAT_EQ(ink(ChangeLineWidth(image, yes, yes)), 2.0f);
  EXPECT_FLOAT_EQ(ink(ChangeLineWidth(image, no, yes)), 0.0f);
  EXPECT_FLOAT_EQ(ink(ChangeLineWidth(image, yes, no)), 1.0f);
}

TEST(Views, WrongChannelsAreAnError) {
  Batch batch;
  batch.images = torch::rand({2, 1, 8, 8});
  EXPECT_THROW(MakeViews(batch, ViewRecipe(), Rng(1)), Error);
}

TEST(Vit, PatchesComeBackInTheirPlaces) {
  const torch::Tensor images = torch::rand({2, 3, 8, 8});
  const torch::Tensor patches = ToPatches(images, 4);
  EXPECT_TRUE(torch::equal(patches[1][1].view({3, 4, 4}),
                           images[1].slice(1, 0, 4).slice(2, 4, 8)));
  EXPECT_TRUE(torch::equal(FromPatches(patches, 4, 3), images));
}

TEST(Vit, TapsGiveAttentionThatSumsToOne) {
  Taps taps;
  taps.wants_attention = taps.wants_activations = true;
  TinyVit()->Encode(torch::rand({2, 3, 16, 16}), &taps);
  ASSERT_EQ(taps.attention.size(), 4u);
  EXPECT_EQ(taps.activations.size(), 4u);
  const torch::Tensor rows = taps.attention[3].second.sum(-1);
  EXPECT_TRUE(torch::allclose(rows, torch::ones_like(rows)));
}

TEST(Encoder, ResNetHasTorchvisionsNames) {
  EncoderConfig config;
  config.kind = "resnet50";
  config.width = 8;
  const auto names = MakeEncoder(config, Rng(1))->named_parameters();
  for (const char* name :
       {"conv1.weight", "bn1.bias", "layer1.0.conv3.weight",
        "layer1.0.downsample.0.weight", "layer1.0.downsample.1.weight",
        "layer3.5.bn2.weight", "layer4.2.conv1.weight"}) {
    EXPECT_NE(names.find(name), nullptr) << name;
  }
  // torchvision's resnet50 has 159 parameters besides the classifier's two.
  EXPECT_EQ(names.size(), 159u);
}

TEST(Encoder, SavedOneGivesTheSameEmbeddings) {
  const TempDir dir;
  const torch::Tensor images = torch::rand({2, 3, 16, 16});
  EncoderConfig trunk;
  trunk.kind = "trunk";
  for (const Encoder& encoder :
       {TinyResNet(), TinyVit(), MakeEncoder(trunk, Rng(2))}) {
    const auto path = dir.Path() / (encoder->Config().kind + ".safetensors");
    encoder->eval();
    SaveEncoder(path, *encoder, {{"steps", 7}});
    const SavedEncoder loaded = LoadEncoder(path);
    EXPECT_EQ(loaded.encoder->Config().kind, encoder->Config().kind);
    EXPECT_EQ(loaded.training["steps"], 7);
    EXPECT_TRUE(torch::allclose(loaded.encoder->Encode(images).embedding,
                                encoder->Encode(images).embedding));
  }
  EXPECT_THROW(LoadEncoder(dir.Path() / "none.safetensors"), Error);
}

TEST(Methods, EveryOneLearnsAndMovesItsWholeEncoder) {
  const Dataset data = Stripes(32);
  for (const MethodInfo& info : Methods()) {
    const Encoder encoder = info.name == "mae" ? TinyVit() : TinyResNet();
    const MethodPtr method =
        MakeMethod(info.name, encoder, {data.Size(), 4}, Rng(3));
    std::map<std::string, torch::Tensor> before;
    for (const auto& item : encoder->named_parameters()) {
      before[item.key()] = item.value().clone();
    }
    const TrainerResult result = Train(*method, data, Steps(3));
    EXPECT_TRUE(std::isfinite(result.loss)) << info.name;
    for (const auto& item : encoder->named_parameters()) {
      EXPECT_FALSE(torch::equal(before[item.key()], item.value()))
          << info.name << ": " << item.key();
    }
  }
  EXPECT_THROW(MakeMethod("no-such", TinyResNet(), {}, Rng(1)), Error);
  EXPECT_THROW(MakeMethod("mae", TinyResNet(), {}, Rng(1)), Error);
  EXPECT_THROW(MakeMethod("supcon", TinyResNet(), {}, Rng(1)), Error);
}

TEST(Methods, TeacherIsTheMovingAverage) {
  torch::nn::Linear online(2, 2);
  torch::nn::Linear teacher(2, 2);
  EmaTeacher ema(*online, *teacher);
  EXPECT_TRUE(torch::equal(online->weight, teacher->weight));
  const torch::Tensor before = teacher->weight.clone();
  {
    const torch::NoGradGuard no_grad;
    online->weight.add_(1.0);
  }
  ema.Update(0.75);
  EXPECT_TRUE(torch::allclose(teacher->weight, before + 0.25));
  EXPECT_FALSE(teacher->weight.requires_grad());
}

TEST(Trainer, MonitorsDoNotChangeTheTraining) {
  const Dataset data = Stripes(32);
  const auto train = [&](bool watched) {
    const MethodPtr method = MakeMethod("dino", TinyResNet(), {}, Rng(3));
    std::vector<std::unique_ptr<Monitor>> monitors;
    if (watched) {
      monitors.push_back(MakeCollapseMonitor());
      monitors.push_back(MakeRankMeMonitor());
      monitors.push_back(MakeProbeMonitor(data, data));
    }
    TrainerOptions options = Steps(4);
    options.evaluate_every = 2;
    const TrainerResult result = Train(*method, data, options, monitors);
    if (watched) {
      EXPECT_EQ(Named(result, "spread").size(), 4u);
      EXPECT_EQ(Named(result, "linear_accuracy").size(), 2u);
    }
    return method;
  };
  EXPECT_TRUE(SameWeights(*train(true), *train(false)));
}

TEST(Trainer, ResumedRunEndsWhereAWholeOneDoes) {
  const TempDir dir;
  const Dataset data = Stripes(32);
  TrainerOptions options = Steps(6);
  options.state = dir.Path() / "run.state";
  options.save_every = 0;
  const MethodPtr whole = MakeMethod("byol", TinyResNet(), {}, Rng(3));
  Train(*whole, data, options);

  // Cancelled by a monitor after the third step.
  class Canceller : public Monitor {
   public:
    explicit Canceller(CancelToken& token) : token_(token) {}
    Phase When() const override { return Phase::kAfterForward; }
    std::vector<std::string> Keys() const override { return {}; }
    std::map<std::string, double> Measure(const Observation& seen) override {
      if (seen.step == 3) token_.Cancel();
      return {};
    }

   private:
    CancelToken& token_;
  };
  CancelToken cancel;
  Progress progress;
  RunContext context{progress, cancel};
  std::vector<std::unique_ptr<Monitor>> monitors;
  monitors.push_back(std::make_unique<Canceller>(cancel));
  const MethodPtr half = MakeMethod("byol", TinyResNet(), {}, Rng(3));
  EXPECT_THROW(TrainMethod(*half, data, options, monitors, context), Error);

  options.resume = true;
  const MethodPtr resumed = MakeMethod("byol", TinyResNet(), {}, Rng(9));
  Train(*resumed, data, options);
  EXPECT_TRUE(SameWeights(*whole, *resumed));

  options.seed = 77;
  EXPECT_THROW(Train(*resumed, data, options), Error);
}

TEST(Trainer, BatchesOfAnEpochMeetEverySampleOnce) {
  const torch::Tensor epoch =
      torch::cat({BatchIndex({6, 2, 1}, 3), BatchIndex({6, 2, 1}, 4),
                  BatchIndex({6, 2, 1}, 5)});
  const auto [sorted, order] = epoch.sort();
  EXPECT_TRUE(torch::equal(sorted, torch::arange(6)));
  EXPECT_THROW(Train(*MakeMethod("simclr", TinyResNet(), {}, Rng(1)),
                     Stripes(8), Steps(1)),
               Error)
      << "fewer images than a batch";
}

TEST(Monitors, CollapseIsSeenInBothItsForms) {
  const MethodPtr method = MakeMethod("simclr", TinyResNet(), {}, Rng(1));
  const auto collapsed = [&](const Bag& bag) {
    return MakeCollapseMonitor()->Measure({1, bag, *method}).at("collapsed");
  };
  torch::manual_seed(2);
  const torch::Tensor spread = torch::randn({64, 8});
  EXPECT_EQ(collapsed({{kProjection, spread}}), 0.0);
  EXPECT_EQ(collapsed({{kProjection, torch::ones({64, 8}) + 0.01 * spread}}),
            1.0);
  // Assigned to one output, or to all alike; sure and different is well.
  const torch::Tensor one = torch::one_hot(torch::zeros({64}, torch::kLong), 8);
  const torch::Tensor sure = torch::one_hot(torch::arange(64).remainder(8), 8);
  EXPECT_EQ(collapsed({{kProjection, spread}, {kAssignment, one}}), 1.0);
  EXPECT_EQ(collapsed({{kProjection, spread},
                       {kAssignment, torch::full({64, 8}, 0.125)}}),
            1.0);
  EXPECT_EQ(collapsed({{kProjection, spread}, {kAssignment, sure}}), 0.0);
}

TEST(Schedule, RisesToThePeakAndFallsToItsEnd) {
  ScheduleOptions options;
  options.peak = 2.0;
  options.final_fraction = 0.1;
  EXPECT_LT(RateAt(options, 0, 100), 0.3);
  EXPECT_NEAR(RateAt(options, 10, 100), 2.0, 1e-9);
  EXPECT_NEAR(RateAt(options, 55, 100), 0.5 * (2.0 + 0.2), 1e-9);
  EXPECT_NEAR(RateAt(options, 100, 100), 0.2, 1e-9);
  options.kind = ScheduleKind::kOneCycle;
  EXPECT_NEAR(RateAt(options, 0, 100), 2.0 / 25.0, 1e-9);
  EXPECT_EQ(ParseScheduleKind("one-cycle"), ScheduleKind::kOneCycle);
  EXPECT_THROW(ParseScheduleKind("steps"), Error);
  EXPECT_DOUBLE_EQ(TeacherMomentum(0.9, 0.0), 0.9);
  EXPECT_DOUBLE_EQ(TeacherMomentum(0.9, 1.0), 1.0);
}

TEST(Optimiser, FirstStepsByHand) {
  const auto step = [](OptimiserKind kind) {
    torch::nn::Linear layer(torch::nn::LinearOptions(2, 1).bias(false));
    {
      const torch::NoGradGuard no_grad;
      layer->weight.copy_(torch::tensor({{3.0, 4.0}}));
    }
    OptimiserOptions options;
    options.kind = kind;
    options.weight_decay = 0.0;
    options.lars_trust = 0.1;
    Optimiser optimiser(*layer, options);
    (layer->weight * torch::tensor({{0.6, 0.8}})).sum().backward();
    EXPECT_NEAR(optimiser.Step(0.5), 1.0, 1e-6);
    return layer->weight.detach();
  };
  // AdamW moves each weight by the rate; SGD by rate * gradient; LARS gives the
  // unit gradient the length 0.1 * |w| = 0.5.
  EXPECT_TRUE(torch::allclose(step(OptimiserKind::kAdamW),
                              torch::tensor({{2.5, 3.5}}), 1e-5, 1e-6));
  EXPECT_TRUE(torch::allclose(step(OptimiserKind::kSgd),
                              torch::tensor({{2.7, 3.6}}), 1e-5, 1e-6));
  EXPECT_TRUE(torch::allclose(step(OptimiserKind::kLars),
                              torch::tensor({{2.85, 3.8}}), 1e-5, 1e-6));
}

TEST(Probes, ReadWhatIsThereAndNothingElse) {
  torch::manual_seed(5);
  const torch::Tensor label = torch::arange(200).remainder(4);
  const torch::Tensor signal =
      torch::one_hot(label, 4).to(torch::kFloat) + 0.1 * torch::randn({200, 4});
  const torch::Tensor noise = torch::randn({200, 4});
  const auto split = [&](const torch::Tensor& x, int64_t begin, int64_t end) {
    return LabelledFeatures{x.slice(0, begin, end), label.slice(0, begin, end)};
  };
  for (const auto& probe :
       {+[](const LabelledFeatures&a, const LabelledFeatures&b) {
          return KnnAccuracy(a, b);
        },
        +[](const LabelledFeatures&a, const LabelledFeatures&b) {
          return LinearProbeAccuracy(a, b);
        }}) {
    EXPECT_GT(probe(split(signal, 0, 100), split(signal, 100, 200)), 0.98);
    EXPECT_LT(probe(split(noise, 0, 100), split(noise, 100, 200)), 0.5);
  }
  LabelledFeatures unlabelled = split(signal, 0, 100);
  unlabelled.label = torch::full({100}, -1);
  EXPECT_THROW(KnnAccuracy(unlabelled, split(signal, 100, 200)), Error);
}

TEST(Probes, RegressionIsInvariantUnderAffineMaps) {
  torch::manual_seed(6);
  const torch::Tensor x = torch::randn({300, 3}, torch::kDouble);
  const torch::Tensor y = x.mm(torch::randn({3, 2}, torch::kDouble)) + 4.0;
  const auto r2 = [&](const torch::Tensor& features) {
    return LinearR2({features.slice(0, 0, 200), y.slice(0, 0, 200)},
                    {features.slice(0, 200), y.slice(0, 200)});
  };
  EXPECT_NEAR(r2(x), 1.0, 1e-6);
  EXPECT_NEAR(r2(x.mm(torch::randn({3, 3}, torch::kDouble)) - 7.0), 1.0, 1e-5);
  EXPECT_LT(r2(torch::randn({300, 3}, torch::kDouble)), 0.1);
  EXPECT_NEAR(MatchedCorrelation(x, -2.0 * x.flip(1) + 1.0), 1.0, 1e-12);
}

TEST(Probes, RankMeCountsDirections) {
  // Equal singular values in three directions of five.
  torch::Tensor z = torch::zeros({9, 5}, torch::kDouble);
  z.slice(1, 0, 3).copy_(torch::eye(3, torch::kDouble).repeat({3, 1}));
  EXPECT_NEAR(RankMe(z), 3.0, 1e-6);
  EXPECT_THROW(RankMe(z.slice(0, 0, 5)), Error) << "as many rows as columns";
  z[0][0] = std::numeric_limits<double>::infinity();
  EXPECT_THROW(RankMe(z), Error);
}

TEST(Probes, LidarCountsWhatTellsSamplesApart) {
  torch::manual_seed(8);
  // Samples differ in two directions, views in all four.
  torch::Tensor z = 0.01 * torch::randn({500, 4, 4}, torch::kDouble);
  z.slice(2, 0, 2) += torch::randn({500, 1, 2}, torch::kDouble);
  EXPECT_NEAR(Lidar(z), 2.0, 0.1);
  EXPECT_THROW(Lidar(z.slice(1, 0, 1)), Error);
}

}  // namespace
}  // namespace mapweave::ssl
