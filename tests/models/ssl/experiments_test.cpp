// SPDX-License-Identifier: MIT
#include "core/error.h"
#include "models/ssl/affine_regions.h"
#include "models/ssl/denoising.h"
#include "models/ssl/experiments/experiment.h"
#include "models/ssl/plan_tiles.h"
#include "models/ssl/pretrain.h"
#include "models/vis/trainer.h"
#include "tests/models/rectangle_clips.h"
#include "tests/support/quiet_context.h"
#include "tests/support/temp_dir.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <filesystem>
#include <set>
#include <string>

namespace mapweave::ssl {
namespace {

using testing::QuietContext;

using testing::TempDir;

TEST(AffineRegions, OneNeuronCutsTheSquareInTwo) {
  // relu(x - 0.5), then 3 z + 1.
  PiecewiseAffineNet net;
  net.layers = {{2, 1, {1.0, 0.0}, {-0.5}}, {1, 1, {3.0}, {1.0}}};
  std::vector<AffineRegion> regions = AffineRegions(net, {0, 0, 1, 1});
  ASSERT_EQ(regions.size(), 2u);
  if (regions[0].slope[0] == 0.0) std::swap(regions[0], regions[1]);
  EXPECT_DOUBLE_EQ(regions[0].slope[0], 3.0);
  EXPECT_DOUBLE_EQ(regions[0].slope[1], 0.0);
  EXPECT_DOUBLE_EQ(regions[0].offset[0], -0.5);
  EXPECT_DOUBLE_EQ(regions[1].offset[0], 1.0);
  EXPECT_NEAR(PolygonArea(regions[0].polygon), 0.5, 1e-15);
  net.negative_slope = 0.5;
  double flattest = 9.0;
  for (const AffineRegion& region : AffineRegions(net, {0, 0, 1, 1})) {
    flattest = std::min(flattest, region.slope[0]);
  }
  EXPECT_DOUBLE_EQ(flattest, 1.5);
  EXPECT_NE(RegionsSvg(regions, {0, 0, 1, 1}, 100).find("<polygon"),
            std::string::npos);
}

TEST(AffineRegions, WrongNetsAreErrors) {
  PiecewiseAffineNet net;
  EXPECT_THROW(AffineRegions(net, {}), Error);
  net.layers = {{3, 1, {1.0, 0.0, 0.0}, {0.0}}};
  EXPECT_THROW(AffineRegions(net, {}), Error) << "three inputs";
  net.layers = {{2, 1, {1.0, NAN}, {0.0}}};
  EXPECT_THROW(AffineRegions(net, {}), Error);
  net.layers = {{2, 1, {1.0, 0.0}, {0.0}}};
  EXPECT_EQ(AffineRegions(net, {}).size(), 1u);
  EXPECT_THROW(AffineRegions(net, {1, 0, 1, 2}), Error) << "empty rectangle";
}

TEST(Denoising, WithoutNoiseItIsPrincipalComponents) {
  torch::manual_seed(1);
  const torch::Tensor images =
      torch::randn({50, 4, 4}, torch::kDouble) *
      torch::linspace(1.0, 3.0, 16, torch::kDouble).view({4, 4});
  const torch::Tensor moments = SecondMoments(images);
  const torch::Tensor principal =
      std::get<1>(torch::linalg_eigh(moments)).flip(1).slice(1, 0, 3);
  const torch::Tensor code = DenoisingCode(moments, 4, {}, 3);
  EXPECT_LT(LargestAngle(principal, code), 1e-9);
  NoiseKind patches;
  patches.drop = 0.5;
  patches.patch_px = 2;
  EXPECT_GT(LargestAngle(principal, DenoisingCode(moments, 4, patches, 3)),
            1e-3);
  patches.patch_px = 3;
  EXPECT_THROW(DenoisingCode(moments, 4, patches, 3), Error);
  EXPECT_THROW(DenoisingCode(moments, 4, {}, 17), Error);
}

// Smoke forms of the others are run by the tests of what they are made of.
TEST(Experiments, ExactOnesHoldInTheirSmokeForms) {
  ExperimentOptions options;
  options.smoke = true;
  options.seeds = 1;
  // Both rest on algebra, which a small form does not weaken.
  for (const char* name : {"affine-regions", "allora", "denoising-alignment"}) {
    const ExperimentReport report =
        RunExperiment(name, options, QuietContext());
    EXPECT_EQ(report.name, name);
    ASSERT_FALSE(report.criteria.empty()) << name;
    for (const auto& row : report.table.rows) {
      EXPECT_EQ(row.size(), report.table.columns.size()) << name;
    }
    EXPECT_TRUE(report.criteria[0].Holds()) << name;
  }
  EXPECT_EQ(RunExperiment("affine-regions", options, QuietContext()).Verdict(),
            "reproduced");
  EXPECT_THROW(RunExperiment("no-such", options, QuietContext()), Error);
}

TEST(Experiments, SmokeFormsOnTilesRun) {
  const PlanTiles tiles;
  ExperimentOptions options;
  options.smoke = true;
  options.seeds = 1;
  options.tiles = &tiles;
  for (const char* name : {"identifiability", "diet", "x-sample"}) {
    const ExperimentReport report =
        RunExperiment(name, options, QuietContext());
    EXPECT_FALSE(report.criteria.empty()) << name;
    ASSERT_FALSE(report.table.rows.empty()) << name;
    for (const auto& row : report.table.rows) {
      EXPECT_EQ(row.size(), report.table.columns.size()) << name;
    }
  }
}

TEST(Experiments, VerdictCountsWhatHolds) {
  ExperimentReport report;
  const Criterion yes{"a", 1.0, Criterion::Sense::kAtLeast, 0.5};
  const Criterion no{"b", 1.0, Criterion::Sense::kAtMost, 0.5};
  report.criteria = {yes, yes};
  EXPECT_EQ(report.Verdict(), "reproduced");
  report.criteria = {yes, no};
  EXPECT_EQ(report.Verdict(), "partly");
  report.criteria = {no};
  EXPECT_EQ(report.Verdict(), "not reproduced");
}

// Two kinds of image: bright with dark bars, and the other way round.
class Bars : public ImageSource {
 public:
  int64_t Size() const override { return 32; }
  ImageSample Get(int64_t index) const override {
    Rng rng(4, static_cast<uint64_t>(index));
    ImageSample sample;
    sample.label = index % 2;
    const double paper = sample.label == 0 ? 230.0 : 40.0;
    sample.rgb = cv::Mat(32, 32, CV_8UC3, cv::Scalar::all(paper));
    cv::rectangle(sample.rgb,
                  cv::Rect(static_cast<int>(rng.Int(2, 20)), 4, 6, 22),
                  cv::Scalar::all(255.0 - paper), cv::FILLED);
    return sample;
  }
};

TEST(Pretrain, TrunkThatItWritesStartsTheTrainingOfTheNetwork) {
  const TempDir dir;
  PretrainOptions options;
  options.steps = 3;
  options.batch = 16;
  options.output = (dir.Path() / "trunk.safetensors").string();
  const PretrainReport report = Pretrain(Bars(), options, QuietContext());
  EXPECT_EQ(report.images, 32);
  EXPECT_EQ(report.steps, 3);
  EXPECT_FALSE(std::filesystem::exists(options.output + ".state"));

  const ProbeReport probe =
      Probe(Bars(), Bars(), {options.output, "", 1, "cpu"});
  EXPECT_EQ(probe.encoder, "trunk");
  EXPECT_GT(probe.linear_accuracy, 0.95) << "brightness alone tells them";

  vis::TrainOptions training;
  training.steps = 1;
  training.frames_per_step = 2;
  training.max_editions = 2;
  training.bf16 = false;
  training.init_checkpoint = options.output;
  training.output = (dir.Path() / "net.safetensors").string();
  const testing::RectangleClips clips(2, 2, 32);
  EXPECT_EQ(vis::Train(clips, nullptr, training, QuietContext()).steps, 1);
}

TEST(Pretrain, ImpossibleOptionsAreErrors) {
  PretrainOptions options;
  options.output = "unused.safetensors";
  options.method = "no-such";
  EXPECT_THROW(Pretrain(Bars(), options, QuietContext()), Error);
  options.method = "simclr";
  options.batch = 64;
  EXPECT_THROW(Pretrain(Bars(), options, QuietContext()), Error) << "32 images";
  options.batch = 1;
  EXPECT_THROW(Pretrain(Bars(), options, QuietContext()), Error);
}

}  // namespace
}  // namespace mapweave::ssl
