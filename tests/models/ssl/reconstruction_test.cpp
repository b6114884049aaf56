// SPDX-License-Identifier: MIT
#include "core/error.h"
#include "models/ssl/denoising.h"
#include "models/ssl/experiments/experiment.h"
#include "models/ssl/image_set.h"
#include "models/ssl/mask_advice.h"
#include "models/ssl/mask_ranking.h"
#include "models/ssl/methods.h"
#include "models/ssl/tensor_random.h"
#include "models/ssl/trainer.h"
#include "tests/support/quiet_context.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>

namespace mapweave::ssl {
namespace {

using testing::QuietContext;

// Stripes across or along, of a pitch and on a paper that vary.
class StripeSupply : public TileSupply {
 public:
  std::vector<Factor> Factors() const override {
    return {{"turn", 2}, {"tone", 0}, {"pitch", 3}};
  }
  FactorTile Draw(const TileRequest& request, int64_t index) const override {
    Rng rng = Rng(request.seed).Fork(static_cast<uint64_t>(index));
    const int64_t turn = rng.Int(0, 1);
    const int64_t pitch = rng.Int(0, 2);
    const double tone = rng.Uniform(100.0, 200.0);
    FactorTile tile;
    tile.factors = {{"turn", static_cast<double>(turn)},
                    {"tone", tone},
                    {"pitch", static_cast<double>(pitch)}};
    const int side = request.side_px;
    tile.rgb = cv::Mat(side, side, CV_8UC3);
    for (int r = 0; r < side; ++r) {
      for (int c = 0; c < side; ++c) {
        const auto at = static_cast<int64_t>(turn == 0 ? r : c);
        const double ink = at % (pitch + 2) == 0 ? 50.0 : 0.0;
        const double value = tone - ink + rng.Normal(0.0, 5.0);
        tile.rgb.at<cv::Vec3b>(r, c) =
            cv::Vec3b::all(static_cast<uint8_t>(std::clamp(value, 0.0, 255.0)));
      }
    }
    return tile;
  }
};

class StripeSource : public ImageSource {
 public:
  explicit StripeSource(int64_t first_label) : first_label_(first_label) {}
  int64_t Size() const override { return 60; }
  ImageSample Get(int64_t index) const override {
    const FactorTile tile = StripeSupply().Draw({3, 16}, index);
    const int64_t label = static_cast<int64_t>(tile.factors.at("turn"));
    return {tile.rgb, index == 0 ? first_label_ : label};
  }

 private:
  int64_t first_label_;
};

TEST(BandDirections, SplitTheVarianceByHand) {
  // Variances 5, 3, 1, 1 along the axes: shares begin at 0, 0.5, 0.8, 0.9.
  const torch::Tensor moments =
      torch::diag(torch::tensor({1.0, 5.0, 1.0, 3.0}, torch::kDouble));
  const torch::Tensor top = BandDirections(moments, {0.0, 0.75});
  ASSERT_EQ(top.sizes(), torch::IntArrayRef({4, 2}));
  EXPECT_NEAR(std::abs(top[1][0].item<double>()), 1.0, 1e-12);
  EXPECT_NEAR(std::abs(top[3][1].item<double>()), 1.0, 1e-12);
  const torch::Tensor bottom = BandDirections(moments, {0.75, 1.0});
  EXPECT_EQ(bottom.size(1), 2);
  EXPECT_NEAR(top.t().mm(bottom).abs().max().item<double>(), 0.0, 1e-12);
  EXPECT_EQ(BandDirections(moments, {0.0, 1.0}).size(1), 4);
  EXPECT_EQ(BandDirections(moments, {0.0, 0.1}).size(1), 1);
  EXPECT_THROW(BandDirections(moments, {0.1, 0.4}), Error) << "none there";
  EXPECT_THROW(BandDirections(moments, {0.5, 0.5}), Error);
  EXPECT_THROW(BandDirections(moments, {0.0, 1.1}), Error);
  EXPECT_THROW(BandDirections(torch::zeros({2, 3}), {0.0, 1.0}), Error);
}

TEST(SubspaceChange, IsTheMeanSquaredSine) {
  const double a = 0.3;
  const torch::Tensor first = torch::eye(4, torch::kDouble).slice(1, 0, 2);
  torch::Tensor second = first.clone();
  second[1][1] = std::cos(a);
  second[2][1] = std::sin(a);
  EXPECT_NEAR(SubspaceChange(first, second), std::pow(std::sin(a), 2) / 2.0,
              1e-14);
  EXPECT_NEAR(LargestAngle(first, second), std::sin(a), 1e-14);
  EXPECT_NEAR(SubspaceChange(first, first.flip(1) * 3.0), 0.0, 1e-14);
  EXPECT_NEAR(SubspaceChange(first, torch::eye(4, torch::kDouble).slice(1, 2)),
              1.0, 1e-14);
}

TEST(SupervisedAlignment, IsTheShareOfTheTargetsThatACodeKeeps) {
  torch::Generator generator = MakeGenerator(Rng(2));
  const torch::Tensor basis = std::get<0>(
      torch::linalg_qr(torch::randn({40, 4}, generator, torch::kDouble)));
  const torch::Tensor x = basis - basis.mean(0);
  // The target is the sum of two of the columns.
  const torch::Tensor y = x.slice(1, 0, 1) + x.slice(1, 1, 2);
  EXPECT_NEAR(SupervisedAlignment(x, y, y), 1.0, 1e-12);
  EXPECT_NEAR(SupervisedAlignment(x, x, y), 1.0, 1e-12);
  const double one = SupervisedAlignment(x, x.slice(1, 0, 1), y);
  const double two = SupervisedAlignment(x, x.slice(1, 0, 2), y);
  EXPECT_GT(one, 0.1);
  EXPECT_LT(one, 0.99);
  EXPECT_NEAR(two, 1.0, 1e-12);
  // Neither scale nor turn of the code, nor an offset of the targets.
  EXPECT_NEAR(SupervisedAlignment(x, x.slice(1, 0, 1) * -7.0, y + 3.0), one,
              1e-12);
  EXPECT_THROW(SupervisedAlignment(x, x.slice(0, 1), y), Error);
  EXPECT_THROW(SupervisedAlignment(x, x, torch::full({40, 1}, NAN)), Error);
  EXPECT_THROW(
      SupervisedAlignment(x.slice(0, 0, 1), x.slice(0, 0, 1), y.slice(0, 0, 1)),
      Error)
      << "one sample";
}

TEST(ReadTiles, KeepsFactorsWithStepsByTheirNames) {
  const Dataset data = ReadTiles(StripeSupply(), {3, 16}, 5);
  EXPECT_EQ(data.images.sizes(), torch::IntArrayRef({5, 3, 16, 16}));
  EXPECT_EQ(data.metadata.size(), 2u) << "the tone is continuous";
  for (int64_t i = 0; i < 5; ++i) {
    const FactorTile tile = StripeSupply().Draw({3, 16}, i);
    EXPECT_EQ(data.metadata.at("pitch")[i].item<int64_t>(),
              std::llround(tile.factors.at("pitch")));
    EXPECT_EQ(data.images[i][0][2][5].item<int64_t>(),
              tile.rgb.at<cv::Vec3b>(2, 5)[0]);
  }
}

TEST(AdviseMask, RanksByLabelsWhereAllTilesHaveOne) {
  MaskAdviceOptions options;
  options.patch_px = {1, 4};
  options.ratios = {0.5, 0.9};
  options.code_width = 4;
  const MaskAdvice labelled =
      AdviseMask(StripeSource(1), options, QuietContext());
  EXPECT_EQ(labelled.tiles, 60);
  EXPECT_EQ(labelled.tile_px, 16);
  ASSERT_EQ(labelled.ranked.size(), 4u);
  ASSERT_TRUE(labelled.alignment_without.has_value());
  for (size_t i = 0; i < 4; ++i) {
    ASSERT_TRUE(labelled.ranked[i].alignment.has_value());
    EXPECT_LE(*labelled.ranked[i].alignment, 1.0 + 1e-9);
    if (i > 0) {
      EXPECT_LE(*labelled.ranked[i].alignment,
                *labelled.ranked[i - 1].alignment);
    }
  }
  const MaskAdvice plain =
      AdviseMask(StripeSource(-1), options, QuietContext());
  EXPECT_FALSE(plain.alignment_without.has_value());
  for (size_t i = 1; i < 4; ++i) {
    EXPECT_FALSE(plain.ranked[i].alignment.has_value());
    EXPECT_LE(plain.ranked[i].change, plain.ranked[i - 1].change);
  }
  EXPECT_GT(plain.ranked[0].change, 0.01);
}

TEST(AdviseMask, ImpossibleOptionsAreErrors) {
  const auto with = [](auto change) {
    MaskAdviceOptions options;
    options.patch_px = {4};
    options.ratios = {0.5};
    options.code_width = 4;
    change(options);
    return options;
  };
  const StripeSource tiles(-1);
  const auto refused = [&](auto change) {
    EXPECT_THROW(AdviseMask(tiles, with(change), QuietContext()), Error);
  };
  refused([](auto& o) { o.patch_px = {3}; });
  refused([](auto& o) { o.patch_px = {}; });
  refused([](auto& o) { o.ratios = {1.0}; });
  refused([](auto& o) { o.code_width = 60; });
  refused([](auto& o) { o.code_width = 256; });
  EXPECT_THROW(RankMasks(torch::zeros({80, 3, 8, 16}, torch::kUInt8), {},
                         with([](auto&) {}), QuietContext()),
               Error)
      << "not square";
}

TEST(Mae, HidesWholeSquaresOfPatches) {
  EncoderConfig config;
  config.kind = "vit-micro";
  config.patch_px = 4;
  config.image_px = 16;
  const auto make = [&](double ratio, int64_t block) {
    MaeOptions options;
    options.mask_ratio = ratio;
    options.mask_block = block;
    return MakeMae(MakeEncoder(config, Rng(1)), options, Rng(2));
  };
  // Pixels that no visible patch holds change the loss only as targets: with
  // flat images there is nothing to tell, and every mask gives a finite loss.
  Dataset data;
  data.images = torch::full({4, 3, 16, 16}, 120, torch::kUInt8);
  data.label = torch::full({4}, -1, torch::kLong);
  TrainerOptions options;
  options.steps = 2;
  options.batch = 4;
  for (const int64_t block : {1, 2}) {
    const TrainerResult result =
        TrainMethod(*make(0.75, block), data, options, {}, QuietContext());
    EXPECT_TRUE(std::isfinite(result.loss));
  }
  EXPECT_THROW(make(0.75, 3), Error) << "four patches on a side";
  EXPECT_THROW(make(0.75, 0), Error);
  EXPECT_THROW(make(1.0, 1), Error);
}

TEST(ReconstructionExperiments, SmokeFormsRunAllOfThem) {
  const StripeSupply tiles;
  ExperimentOptions options;
  options.smoke = true;
  options.seeds = 1;
  for (const char* name : {"reconstruction", "mask-advice"}) {
    options.tiles = &tiles;
    const ExperimentReport report =
        RunExperiment(name, options, QuietContext());
    EXPECT_EQ(report.criteria.size(), 2u);
    if (report.name == "reconstruction") {
      EXPECT_TRUE(report.criteria[0].Holds()) << "algebra alone";
    }
    for (const auto& row : report.table.rows) {
      EXPECT_EQ(row.size(), report.table.columns.size());
    }
    options.tiles = nullptr;
    EXPECT_THROW(RunExperiment(name, options, QuietContext()), Error);
  }
}

}  // namespace
}  // namespace mapweave::ssl
