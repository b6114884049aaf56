// SPDX-License-Identifier: MIT
#include "core/error.h"
#include "models/nn/safetensors.h"
#include "models/ssl/defects.h"
#include "models/ssl/detection.h"
#include "models/ssl/experiments/experiment.h"
#include "models/ssl/masked_pixels.h"
#include "models/ssl/sheet_probe.h"
#include "models/ssl/tensor_random.h"
#include "tests/support/quiet_context.h"
#include "tests/support/temp_dir.h"

#include <gtest/gtest.h>
#include <opencv2/imgproc.hpp>
#include <torch/torch.h>

#include <cmath>

namespace mapweave::ssl {
namespace {

using testing::QuietContext;

using testing::TempDir;

// Dark bars on light paper, every image others. [n, 3, side, side]
torch::Tensor BarImages(int64_t n, int64_t side) {
  torch::Tensor images = torch::full({n, 3, side, side}, 0.85);
  for (int64_t i = 0; i < n; ++i) {
    Rng rng(7, static_cast<uint64_t>(i));
    for (int k = 0; k < 4; ++k) {
      const int64_t x = rng.Int(0, side - 6);
      const int64_t y = rng.Int(0, side - 12);
      images[i].slice(1, y, y + 12).slice(2, x, x + 6).fill_(0.2);
    }
  }
  return images;
}

torch::Tensor All(int64_t n) { return torch::ones({n}, torch::kBool); }

TEST(Defects, TouchOnlyWhatIsChosenAndSayWhere) {
  const torch::Tensor images = BarImages(12, 32);
  const torch::Tensor chosen = torch::arange(12).remainder(2).eq(0);
  const DefectedImages out = ApplyDefects(images, chosen, {}, Rng(3));
  EXPECT_TRUE(
      out.kind.masked_select(chosen.logical_not()).eq(-1).all().item<bool>());
  const torch::Tensor sound = out.kind.lt(0).nonzero().view({-1});
  EXPECT_TRUE(torch::equal(out.images.index_select(0, sound),
                           images.index_select(0, sound)));
  EXPECT_GT(out.kind.ge(0).sum().item<int64_t>(), 2);
  const torch::Tensor still = out.changed.logical_not().expand_as(images);
  EXPECT_LE(
      (out.images - images).abs().masked_select(still).max().item<double>(),
      2.0 / 255.0 + 1e-6);
  const DefectedImages again = ApplyDefects(images, chosen, {}, Rng(3));
  EXPECT_TRUE(torch::equal(out.images, again.images));
  EXPECT_FALSE(torch::equal(out.images,
                            ApplyDefects(images, chosen, {}, Rng(4)).images));
}

TEST(Defects, EveryKindIsSeenOnDrawingsAndKeepsColoursInRange) {
  const torch::Tensor images = BarImages(16, 48);
  for (const Defect defect : AllDefects()) {
    DefectOptions options;
    options.kinds = {defect};
    const DefectedImages out = ApplyDefects(images, All(16), options, Rng(5));
    EXPECT_GE(out.kind.eq(0).sum().item<int64_t>(), 12) << DefectName(defect);
    EXPECT_GE(out.images.min().item<double>(), 0.0);
    EXPECT_LE(out.images.max().item<double>(), 1.0);
    EXPECT_TRUE(torch::isfinite(out.images).all().item<bool>());
  }
}

TEST(Defects, WhatCannotBeSeenIsNone) {
  const torch::Tensor paper = torch::full({6, 3, 32, 32}, 0.9);
  for (const Defect defect : {Defect::kDoublePrint, Defect::kShiftedPatch}) {
    DefectOptions options;
    options.kinds = {defect};
    const DefectedImages out = ApplyDefects(paper, All(6), options, Rng(1));
    EXPECT_TRUE(out.kind.eq(-1).all().item<bool>()) << DefectName(defect);
    EXPECT_TRUE(torch::equal(out.images, paper));
  }
}

TEST(Defects, WrongArgumentsAreErrors) {
  const torch::Tensor images = BarImages(2, 32);
  EXPECT_EQ(
      ApplyDefects(images.slice(0, 0, 1), All(1), {}, Rng(1)).kind.size(0), 1);
  EXPECT_THROW(ApplyDefects(images, All(3), {}, Rng(1)), Error);
  EXPECT_THROW(ApplyDefects(images.slice(3, 0, 16), All(2), {}, Rng(1)), Error);
  EXPECT_THROW(ApplyDefects(images * NAN, All(2), {}, Rng(1)), Error);
  DefectOptions options;
  options.kinds = {};
  EXPECT_THROW(ApplyDefects(images, All(2), options, Rng(1)), Error);
  options = {};
  options.strength_min = 0.0;
  EXPECT_THROW(ApplyDefects(images, All(2), options, Rng(1)), Error);
}

TEST(Detection, MeasuresOfSmallCasesByHand) {
  const torch::Tensor positive = torch::tensor({0, 0, 1, 1}).to(torch::kBool);
  // Of four pairs the one of 0.35 and 0.4 is in the wrong order.
  EXPECT_DOUBLE_EQ(Auroc(torch::tensor({0.1, 0.4, 0.35, 0.8}), positive), 0.75);
  EXPECT_DOUBLE_EQ(Auroc(torch::tensor({0.5, 0.5, 0.5, 0.5}), positive), 0.5);
  EXPECT_DOUBLE_EQ(
      F1Score(torch::tensor({0, 1, 1, 0}).to(torch::kBool), positive), 0.5);
  EXPECT_DOUBLE_EQ(F1Score(torch::zeros({4}, torch::kBool), positive), 0.0);
  // 1 - 6 * (0 + 1 + 1) / (3 * 8)
  EXPECT_DOUBLE_EQ(SpearmanCorrelation(torch::tensor({1.0, 2.0, 9.0}),
                                       torch::tensor({1.0, 3.0, 2.0})),
                   0.5);
  EXPECT_DOUBLE_EQ(SpearmanCorrelation(torch::tensor({1.0, 1.0, 2.0}),
                                       torch::tensor({5.0, 5.0, 7.0})),
                   1.0);
  EXPECT_DOUBLE_EQ(
      SpearmanCorrelation(torch::ones({3}), torch::tensor({1.0, 2.0, 3.0})),
      0.0);
  EXPECT_THROW(Auroc(torch::rand({4}), torch::ones({4}, torch::kBool)), Error);
  EXPECT_THROW(Auroc(torch::tensor({0.1, 0.4, std::nan(""), 0.8}), positive),
               Error);
  EXPECT_THROW(F1Score(positive, torch::ones({3})), Error);
  EXPECT_THROW(SpearmanCorrelation(torch::ones({1}), torch::ones({1})), Error);
}

TEST(Detection, AFewPositivesWeighAsMuchAsManyNegatives) {
  torch::Generator generator = MakeGenerator(Rng(3));
  const torch::Tensor noise = torch::randn({510, 1}, generator, torch::kDouble);
  torch::Tensor label = torch::zeros({510}, torch::kLong);
  label.slice(0, 0, 10).fill_(1);
  const torch::Tensor x =
      0.5 * noise + (label.to(torch::kDouble).unsqueeze(1) * 2.0 - 1.0);
  const LinearDetector detector = FitLinearDetector({x, label});
  const torch::Tensor scores =
      detector.Scores(torch::tensor({{-1.0}, {0.0}, {1.0}}, torch::kDouble));
  EXPECT_LT(scores[0].item<double>(), -1.0);
  EXPECT_GT(scores[2].item<double>(), 1.0);
  // Half way between the two, whatever their numbers.
  EXPECT_LT(std::abs(scores[1].item<double>()),
            0.3 * (scores[2] - scores[0]).item<double>());
}

TEST(Detection, FitIsAtTheMinimumOfTheStatedLoss) {
  torch::Generator generator = MakeGenerator(Rng(4));
  const torch::Tensor x = torch::randn({40, 3}, generator, torch::kDouble);
  const torch::Tensor label = torch::arange(40).lt(8).to(torch::kLong);
  const LinearDetector fit = FitLinearDetector({x, label});
  const auto loss = [&](const torch::Tensor& weights) {
    LinearDetector moved = fit;
    moved.weights = weights;
    const torch::Tensor z = moved.Scores(x);
    const torch::Tensor log_loss =
        torch::log1p((-z * (2.0 * label.to(torch::kDouble) - 1.0)).exp());
    return (0.5 * log_loss.slice(0, 0, 8).mean() +
            0.5 * log_loss.slice(0, 8).mean() +
            0.5 * 1e-2 * weights.slice(0, 0, 3).square().sum())
        .item<double>();
  };
  constexpr double kStep = 1e-4;
  for (int64_t i = 0; i < 4; ++i) {
    torch::Tensor step = torch::zeros({4}, torch::kDouble);
    step[i] = kStep;
    EXPECT_NEAR(
        (loss(fit.weights + step) - loss(fit.weights - step)) / (2.0 * kStep),
        0.0, 1e-6);
  }
  EXPECT_THROW(FitLinearDetector({x, torch::zeros({40}, torch::kLong)}), Error);
  EXPECT_THROW(FitLinearDetector({x * NAN, label}), Error);
  EXPECT_THROW(FitLinearDetector({x.slice(0, 0, 5), label}), Error);
  EXPECT_THROW(fit.Scores(x.slice(1, 0, 2)), Error);
}

Encoder NarrowResNet() {
  EncoderConfig config;
  config.kind = "resnet18";
  config.width = 4;
  return MakeEncoder(config, Rng(1));
}

TEST(MaskedPixels, TeachesTheEncoderAndDependsOnItsStreamAlone) {
  MaskedPixelsOptions options;
  options.image_px = 32;
  options.hidden = 32;
  const Encoder encoder = NarrowResNet();
  const MethodPtr method = MakeMaskedPixels(encoder, options, Rng(2));
  Views views;
  views.views.push_back({ViewKind::kGlobal, BarImages(4, 32), {}});
  StepContext context;
  context.rng = Rng(5);
  method->eval();  // the same statistics each time
  const torch::Tensor loss = method->Step(views, context).at(kLoss);
  loss.backward();
  for (const torch::Tensor& parameter : encoder->parameters()) {
    ASSERT_TRUE(parameter.grad().defined());
    EXPECT_TRUE(torch::isfinite(parameter.grad()).all().item<bool>());
  }
  EXPECT_EQ(method->Step(views, context).at(kLoss).item<float>(),
            loss.item<float>());
  context.rng = Rng(6);
  EXPECT_NE(method->Step(views, context).at(kLoss).item<float>(),
            loss.item<float>());
  options.patch_px = 7;
  EXPECT_THROW(MakeMaskedPixels(encoder, options, Rng(2)), Error);
  options.patch_px = 8;
  options.mask_ratio = 1.0;
  EXPECT_THROW(MakeMaskedPixels(encoder, options, Rng(2)), Error);
}

class BarSquares : public ImageSource {
 public:
  int64_t Size() const override { return 24; }
  ImageSample Get(int64_t index) const override {
    Rng rng(4, static_cast<uint64_t>(index));
    ImageSample sample;
    sample.rgb = cv::Mat(48, 48, CV_8UC3, cv::Scalar(220, 210, 190));
    for (int k = 0; k < 5; ++k) {
      cv::rectangle(sample.rgb,
                    cv::Rect(static_cast<int>(rng.Int(0, 40)),
                             static_cast<int>(rng.Int(0, 34)), 7, 13),
                    cv::Scalar::all(40), cv::FILLED);
    }
    return sample;
  }
};

TEST(SheetProbe, IsReadAsItWasWrittenAndScoresWindowsOneByOne) {
  const TempDir dir;
  SheetProbeOptions options;
  options.window_px = 32;
  options.width = 4;
  options.steps = 3;
  options.batch = 8;
  options.output = dir.File("probe.safetensors");
  const SheetProbeReport report =
      TrainSheetProbe(BarSquares(), BarSquares(), options, QuietContext());
  EXPECT_EQ(report.images, 24);
  EXPECT_GT(report.parameters, 1000);
  const SheetProbe probe = SheetProbe::Load(options.output, "cpu");
  EXPECT_EQ(probe.WindowPx(), 32);
  EXPECT_EQ(probe.Kinds().size(), AllDefects().size());
  EXPECT_EQ(probe.Training().at("steps"), 3);
  std::vector<cv::Mat> windows;
  for (int64_t i = 0; i < 5; ++i) {
    windows.push_back(BarSquares().Get(i).rgb(cv::Rect(3, 5, 32, 32)));
  }
  const std::vector<WindowScore> together = probe.Score(windows);
  for (size_t i = 0; i < windows.size(); ++i) {
    EXPECT_GE(together[i].score, 0.0);
    EXPECT_LE(together[i].score, 1.0);
    EXPECT_NEAR(probe.Score({windows[i]})[0].score, together[i].score, 1e-5);
  }
  EXPECT_TRUE(probe.Score({}).empty());
  EXPECT_THROW(probe.Score({cv::Mat(16, 16, CV_8UC3)}), Error);
  EXPECT_EQ(DrawWindowPreview(BarSquares(), options).size(),
            cv::Size(12 * 32, 7 * 32));
}

TEST(SheetProbe, OtherFilesAndImpossibleOptionsAreErrors) {
  const TempDir dir;
  EXPECT_THROW(SheetProbe::Load(dir.File("none.safetensors"), "cpu"), Error);
  nn::Safetensors other;
  other.metadata = {{"format", "mapweave-sheet-probe"}};
  other.tensors = {{"x", torch::zeros({1})}};
  nn::WriteSafetensors(dir.File("other.safetensors"), other);
  EXPECT_THROW(SheetProbe::Load(dir.File("other.safetensors"), "cpu"), Error);
  SheetProbeOptions options;
  options.output = dir.File("p.safetensors");
  EXPECT_THROW(
      TrainSheetProbe(BarSquares(), BarSquares(), options, QuietContext()),
      Error)
      << "squares of 48 px, windows of 64";
  options.window_px = 30;
  EXPECT_THROW(
      TrainSheetProbe(BarSquares(), BarSquares(), options, QuietContext()),
      Error);
}

// Blocks in place of simulated towns.
class BlockTiles : public TileSupply {
 public:
  std::vector<Factor> Factors() const override { return {{"shade", 2}}; }
  FactorTile Draw(const TileRequest& request, int64_t index) const override {
    Rng rng(request.seed, static_cast<uint64_t>(index));
    FactorTile tile;
    const bool dark = rng.Chance(0.5);
    tile.rgb = cv::Mat(request.side_px, request.side_px, CV_8UC3,
                       cv::Scalar(230, 225, 205));
    for (int k = 0; k < 4; ++k) {
      cv::rectangle(tile.rgb,
                    cv::Rect(static_cast<int>(rng.Int(0, 26)),
                             static_cast<int>(rng.Int(0, 22)), 6, 10),
                    cv::Scalar::all(dark ? 30 : 110), cv::FILLED);
    }
    tile.factors = {{"shade", dark ? 1.0 : 0.0}};
    return tile;
  }
};

TEST(AnomalyExperiment, SmokeFormFillsTheWholeTable) {
  const BlockTiles tiles;
  ExperimentOptions options;
  options.smoke = true;
  EXPECT_THROW(RunExperiment("anomaly", options, QuietContext()), Error);
  options.tiles = &tiles;
  const ExperimentReport report =
      RunExperiment("anomaly", options, QuietContext());
  // Five methods and the rank correlation, for both encoders.
  ASSERT_EQ(report.table.rows.size(), 12u);
  for (const auto& row : report.table.rows) {
    EXPECT_EQ(row.size(), report.table.columns.size());
  }
  ASSERT_EQ(report.criteria.size(), 2u);
  EXPECT_DOUBLE_EQ(report.criteria[0].threshold, 0.03);
  EXPECT_DOUBLE_EQ(report.criteria[1].threshold, 0.03);
}

}  // namespace
}  // namespace mapweave::ssl
