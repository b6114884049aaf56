// SPDX-License-Identifier: MIT
#include "models/vis/dense_net.h"

#include "core/error.h"
#include "models/vis/batch_loader.h"
#include "models/vis/dense_loss.h"
#include "tests/models/rectangle_clips.h"
#include "tests/models/tensors.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <string>

namespace mapweave::vis {
namespace {

using testing::LargestDifference;

using nn::NormKind;

// Random weights everywhere, so that nothing is zero by construction.
DenseNet MakeNet(NormKind norm) {
  DenseConfig config = DenseConfig::Preset("small");
  config.norm = norm;
  DenseNet net(config);
  nn::InitialiseWeights(*net, Rng(3));
  torch::manual_seed(3);
  const torch::NoGradGuard no_grad;
  for (torch::Tensor& buffer : net->buffers()) {
    buffer.uniform_(0.5, 1.5);
  }
  for (torch::Tensor& parameter : net->parameters()) {
    if (parameter.dim() == 1) parameter.uniform_(0.5, 1.5);
  }
  net->eval();
  return net;
}

// uint8 [frames, height, width, 4], all covered.
torch::Tensor RandomBytes(int64_t frames, int64_t height, int64_t width) {
  torch::manual_seed(5);
  torch::Tensor bytes =
      torch::randint(0, 256, {frames, height, width, 4}, torch::kByte);
  bytes.select(3, 3).fill_(1);
  return bytes;
}

torch::Tensor Cells(DenseNet& net, const torch::Tensor& bytes,
                    int64_t editions) {
  const torch::NoGradGuard no_grad;
  return net(NormaliseInput(bytes, torch::kCPU, torch::kFloat), editions).cells;
}

class DenseNetTest : public ::testing::TestWithParam<NormKind> {};

INSTANTIATE_TEST_SUITE_P(Norms, DenseNetTest,
                         ::testing::Values(NormKind::kBatch, NormKind::kGroup),
                         [](const auto& param) {
                           return std::string(nn::NormKindName(param.param));
                         });

TEST_P(DenseNetTest, GradientsReachEveryParameter) {
  DenseNet net = MakeNet(GetParam());
  net->train();
  const testing::RectangleClips source;
  const Batch batch =
      MakeBatch({source.Get(0), source.Get(1)}, TargetKind::kDense);
  torch::Tensor bytes = torch::from_blob(
      const_cast<uint8_t*>(batch.pixels.data()), {6, 64, 64, 4}, torch::kByte);

  ComputeDenseLoss(net(NormaliseInput(bytes, torch::kCPU, torch::kFloat), 3),
                   *batch.dense)
      .total.backward();

  for (const auto& item : net->named_parameters()) {
    ASSERT_TRUE(item.value().grad().defined()) << item.key();
    EXPECT_GT(item.value().grad().abs().max().item<float>(), 0.0f)
        << item.key();
  }
}

TEST_P(DenseNetTest, EditionsInAnotherOrderGiveTheSameMapsInThatOrder) {
  DenseNet net = MakeNet(GetParam());
  const torch::Tensor bytes = RandomBytes(3, 48, 64);
  const torch::Tensor order = torch::tensor({2, 0, 1});

  const torch::Tensor cells = Cells(net, bytes, 3);
  const torch::Tensor permuted = Cells(net, bytes.index_select(0, order), 3);

  EXPECT_LT(LargestDifference(cells.index_select(0, order), permuted), 1e-4);
  EXPECT_GT(LargestDifference(cells, permuted), 1e-2);
}

TEST_P(DenseNetTest, ABatchGivesWhatItsClipsGiveOneByOne) {
  DenseNet net = MakeNet(GetParam());
  const torch::Tensor bytes = RandomBytes(4, 48, 64);

  const torch::Tensor together = Cells(net, bytes, 2);

  EXPECT_LT(LargestDifference(together.slice(0, 0, 2),
                              Cells(net, bytes.slice(0, 0, 2), 2)),
            1e-4);
  EXPECT_LT(LargestDifference(together.slice(0, 2, 4),
                              Cells(net, bytes.slice(0, 2, 4), 2)),
            1e-4);
}

TEST_P(DenseNetTest, InfersEditionByEditionWhatItTrainsOnTogether) {
  DenseNet net = MakeNet(GetParam());
  const torch::Tensor bytes = RandomBytes(3, 48, 64);
  const torch::NoGradGuard no_grad;

  const torch::Tensor cells =
      net->Infer(NormaliseInput(bytes, torch::kCPU, torch::kFloat));

  EXPECT_LT(LargestDifference(cells, Cells(net, bytes, 3)), 1e-4);
}

TEST_P(DenseNetTest, EditionsSeeEachOther) {
  DenseNet net = MakeNet(GetParam());
  torch::Tensor bytes = RandomBytes(2, 48, 48);
  const torch::Tensor before = Cells(net, bytes, 2);

  bytes.select(0, 1).slice(2, 0, 3).fill_(0);

  EXPECT_GT(
      LargestDifference(before.select(0, 0), Cells(net, bytes, 2).select(0, 0)),
      1e-3);
}

TEST_P(DenseNetTest, WhatLiesUnderMissingCoverageHasNoInfluence) {
  DenseNet net = MakeNet(GetParam());
  torch::Tensor bytes = RandomBytes(2, 32, 32);
  bytes.select(3, 3).slice(2, 16, 32).fill_(0);
  const torch::Tensor before = Cells(net, bytes, 2);

  bytes.slice(3, 0, 3).slice(2, 16, 32).fill_(99);

  EXPECT_TRUE(torch::equal(before, Cells(net, bytes, 2)));
}

TEST(DenseNet, MovesItsAnswerWithTheImage) {
  // Only batch norm: group norm's statistics see the whole window.
  DenseNet net = MakeNet(NormKind::kBatch);
  const torch::Tensor bytes = RandomBytes(2, 480, 64);

  const torch::Tensor whole = Cells(net, bytes, 2);
  const torch::Tensor moved = Cells(net, bytes.slice(1, 16, 480), 2);

  // In the middle, out of reach of both borders (in cells of two pixels).
  EXPECT_LT(LargestDifference(whole.slice(2, 120 + 8, 124 + 8),
                              moved.slice(2, 120, 124)),
            1e-4);
  EXPECT_GT(LargestDifference(whole.slice(2, 0, 232), moved), 1e-2);
}

TEST(DenseNet, PadsOddSizes) {
  const torch::Tensor input =
      NormaliseInput(RandomBytes(1, 33, 50), torch::kCPU, torch::kFloat);

  EXPECT_EQ(input.sizes(), (std::vector<int64_t>{1, 4, 48, 64}));
  EXPECT_EQ(input.slice(2, 33, 48).abs().max().item<float>(), 0.0f);
}

TEST(DenseNet, PixelsWithoutCoverageDoNotEnterTheLoss) {
  DenseNet net = MakeNet(NormKind::kBatch);
  const testing::RectangleClips source;
  tracking::LabelledClip clip = source.Get(0);
  for (cv::Mat& coverage : clip.clip.coverage) {
    coverage(cv::Rect(32, 0, 32, 64)) = 0;
  }
  tracking::LabelledClip other = clip;
  for (size_t t = 0; t < other.labels.size(); ++t) {
    other.labels[t] = clip.labels[t].clone();
    // Only buildings that do not reach into the covered part.
    other.labels[t](cv::Rect(48, 0, 16, 64)) = 0;
  }
  const auto loss = [&](const tracking::LabelledClip& labelled) {
    const torch::NoGradGuard no_grad;
    const Batch batch = MakeBatch({labelled}, TargetKind::kDense);
    const torch::Tensor bytes =
        torch::from_blob(const_cast<uint8_t*>(batch.pixels.data()),
                         {3, 64, 64, 4}, torch::kByte);
    const DenseOutput output =
        net(NormaliseInput(bytes, torch::kCPU, torch::kFloat), 3);
    return ComputeDenseLoss(output, *batch.dense);
  };

  const DenseLoss a = loss(clip);
  const DenseLoss b = loss(other);

  EXPECT_EQ(a.foreground.item<float>(), b.foreground.item<float>());
  EXPECT_EQ(a.interior.item<float>(), b.interior.item<float>());
  EXPECT_EQ(a.interior_dice.item<float>(), b.interior_dice.item<float>());
  EXPECT_EQ(a.offset.item<float>(), b.offset.item<float>());
}

TEST(DenseConfig, SurvivesJson) {
  DenseConfig config;
  config.norm = NormKind::kGroup;
  config.widths = {8, 16, 32, 64};

  const DenseConfig read = DenseConfig::FromJson(config.ToJson());

  EXPECT_EQ(read.ToJson(), config.ToJson());
  EXPECT_THROW(DenseConfig::FromJson(Json::object()), Error);
  Json bad = config.ToJson();
  bad["fine"] = 42;  // in no eight groups
  EXPECT_THROW(DenseConfig::FromJson(bad), Error);
  bad = config.ToJson();
  bad["pyramid"] = -3;
  EXPECT_THROW(DenseConfig::FromJson(bad), Error);
}

TEST(DenseConfig, NetworksOfBeforeTheRefinementHaveNone) {
  Json old = DenseConfig{}.ToJson();
  old.erase("refine");
  const DenseConfig config = DenseConfig::FromJson(old);
  EXPECT_EQ(config.refine, 0);
  DenseNet net(config);
  for (const auto& item : net->named_parameters()) {
    EXPECT_FALSE(item.key().starts_with("refine")) << item.key();
  }
  old["refine"] = 15;
  EXPECT_THROW(DenseConfig::FromJson(old), Error);
}

}  // namespace
}  // namespace mapweave::vis
