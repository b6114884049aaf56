// SPDX-License-Identifier: MIT
#include "models/ssl/abmilp.h"

#include "core/error.h"
#include "models/ssl/probe.h"
#include "models/ssl/vit.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>

namespace mapweave::ssl {
namespace {

// Scores a token by its first coordinate.
Abmilp FirstCoordinate() {
  Abmilp pool(AbmilpOptions{2, 1}, Rng(1));
  const torch::NoGradGuard no_grad;
  pool->parameters()[0].copy_(torch::tensor({{1.0, 0.0}}));
  pool->to(torch::kDouble);
  return pool;
}

TEST(Abmilp, PoolsByTheSoftmaxOfItsScores) {
  Abmilp pool = FirstCoordinate();
  const double log3 = std::log(3.0);
  const torch::Tensor tokens =
      torch::tensor({{{0.0, 1.0}, {log3, 0.0}}}, torch::kDouble);
  EXPECT_TRUE(torch::allclose(pool->Attention(tokens),
                              torch::tensor({{0.25, 0.75}}, torch::kDouble)));
  EXPECT_TRUE(
      torch::allclose(pool->forward(tokens),
                      torch::tensor({{0.75 * log3, 0.25}}, torch::kDouble)));
}

TEST(Abmilp, DoesNotCareForTheOrderOfTokens) {
  torch::manual_seed(3);
  Abmilp pool(AbmilpOptions{6, 2}, Rng(2));
  const torch::Tensor tokens = torch::randn({4, 5, 6});
  EXPECT_TRUE(torch::allclose(pool(tokens), pool(tokens.flip(1)), 1e-5, 1e-6));
  EXPECT_TRUE(torch::allclose(pool->Attention(tokens).flip(1),
                              pool->Attention(tokens.flip(1)), 1e-5, 1e-6));
  const torch::Tensor one = tokens.slice(1, 0, 1);
  EXPECT_TRUE(torch::allclose(pool(one), one.squeeze(1)));
}

TEST(Abmilp, GradientIsThatOfFiniteDifferences) {
  torch::manual_seed(4);
  Abmilp pool(AbmilpOptions{3, 2}, Rng(5));
  pool->to(torch::kDouble);
  const torch::Tensor weight = torch::randn({2, 3}, torch::kDouble);
  const auto value = [&](const torch::Tensor& x) {
    return (pool(x) * weight).sum();
  };
  torch::Tensor tokens = torch::randn({2, 4, 3}, torch::kDouble);
  tokens.requires_grad_();
  value(tokens).backward();
  const torch::NoGradGuard no_grad;
  constexpr double kStep = 1e-6;
  for (int64_t i = 0; i < tokens.numel(); ++i) {
    torch::Tensor shift = torch::zeros({tokens.numel()}, torch::kDouble);
    shift[i] = kStep;
    shift = shift.view_as(tokens);
    const double slope =
        (value(tokens + shift) - value(tokens - shift)).item<double>() /
        (2.0 * kStep);
    EXPECT_NEAR(tokens.grad().view({-1})[i].item<double>(), slope, 1e-7);
  }
}

TEST(Abmilp, OtherShapesAreErrors) {
  Abmilp pool(AbmilpOptions{4, 1}, Rng(1));
  EXPECT_THROW(pool(torch::randn({2, 3, 5})), Error);
  EXPECT_THROW(pool(torch::randn({2, 4})), Error);
  EXPECT_THROW(pool(torch::Tensor()), Error);
  EXPECT_THROW(Abmilp(AbmilpOptions{0, 1}, Rng(1)), Error);
  EXPECT_THROW(Abmilp(AbmilpOptions{4, 0}, Rng(1)), Error);
}

// One token of sixteen is marked and says the class; the others say some class
// at random.
LabelledFeatures OneTokenTells(int64_t count) {
  constexpr int64_t kTokens = 16;
  constexpr int64_t kClasses = 4;
  LabelledFeatures set;
  set.label = torch::randint(0, kClasses, {count}, torch::kLong);
  torch::Tensor said =
      torch::randint(0, kClasses, {count, kTokens}, torch::kLong);
  const torch::Tensor place =
      torch::randint(0, kTokens, {count, 1}, torch::kLong);
  said = said.scatter(1, place, set.label.unsqueeze(1));
  const torch::Tensor mark =
      torch::zeros({count, kTokens}).scatter(1, place, 1.0);
  set.features = torch::cat({torch::one_hot(said, kClasses).to(torch::kFloat),
                             mark.unsqueeze(2), torch::zeros({count, 16, 3})},
                            2) +
                 0.1 * torch::randn({count, kTokens, kClasses + 4});
  return set;
}

TEST(AttentiveProbe, FindsTheTokenThatTheMeanHides) {
  torch::manual_seed(6);
  const LabelledFeatures train = OneTokenTells(400);
  const LabelledFeatures test = OneTokenTells(200);
  const auto mean = [](const LabelledFeatures& set) {
    return LabelledFeatures{set.features.mean(1, /*keepdim=*/true), set.label};
  };
  const double pooled = AttentiveProbeAccuracy(train, test);
  EXPECT_GT(pooled, 0.95);
  EXPECT_LT(AttentiveProbeAccuracy(mean(train), mean(test)), 0.6);
  EXPECT_EQ(pooled, AttentiveProbeAccuracy(train, test)) << "of one seed";
}

TEST(AttentiveProbe, WrongTokensAreErrors) {
  torch::manual_seed(7);
  const LabelledFeatures good = OneTokenTells(8);
  LabelledFeatures bad = good;
  bad.features = good.features.clone();
  bad.features[3][2][1] = NAN;
  EXPECT_THROW(AttentiveProbeAccuracy(bad, good), Error);
  bad.features = good.features.mean(1);
  EXPECT_THROW(AttentiveProbeAccuracy(bad, good), Error) << "no tokens";
  bad.features = good.features.slice(2, 0, 5);
  EXPECT_THROW(AttentiveProbeAccuracy(good, bad), Error) << "another width";
  EXPECT_THROW(
      AttentiveProbeAccuracy(
          {good.features.slice(0, 0, 1), good.label.slice(0, 0, 1)}, good),
      Error)
      << "one sample";
}

TEST(AttentionStatistics, AreThoseOfAMatrixByHand) {
  Taps taps;
  taps.attention.emplace_back(
      "even",
      torch::tensor({{{{0.5, 0.25, 0.25}, {0.2, 0.6, 0.2}, {0.1, 0.1, 0.8}}}}));
  taps.attention.emplace_back(
      "sharp",
      torch::tensor({{{{0.5, 0.5, 0.0}, {0.0, 1.0, 0.0}, {1.0, 0.0, 0.0}}}}));
  for (int i = 0; i < 2; ++i) {
    taps.attention_branch.emplace_back(torch::ones({1, 3, 4}),
                                       torch::full({1, 3, 4}, -0.5));
  }
  const auto blocks = MeasureAttention(taps);
  ASSERT_EQ(blocks.size(), 2u);
  EXPECT_EQ(blocks[0].block, "even");
  const auto value = [](const torch::Tensor& heads) {
    EXPECT_EQ(heads.numel(), 1);
    return heads.item<double>();
  };
  EXPECT_NEAR(value(blocks[0].cls_to_cls), 0.5, 1e-6);
  EXPECT_NEAR(value(blocks[0].patch_to_self), 0.7, 1e-6);
  EXPECT_NEAR(value(blocks[0].cls_entropy), 1.0, 1e-6);
  EXPECT_NEAR(blocks[0].norm_ratio, 0.5, 1e-6);
  EXPECT_NEAR(value(blocks[1].patch_to_self), 0.5, 1e-6);
  EXPECT_NEAR(value(blocks[1].cls_entropy), 0.0, 1e-6);
}

TEST(AttentionStatistics, ComeFromATransformersTaps) {
  EncoderConfig config;
  config.kind = "vit-micro";
  config.patch_px = 4;
  config.image_px = 16;
  const Encoder encoder = MakeEncoder(config, Rng(5));
  Taps taps;
  taps.wants_attention = true;
  torch::manual_seed(8);
  encoder->Encode(torch::rand({3, 3, 16, 16}), &taps);
  const auto blocks = MeasureAttention(taps);
  ASSERT_EQ(blocks.size(), 4u);
  for (const AttentionStatistics& block : blocks) {
    EXPECT_EQ(block.cls_entropy.numel(), 4) << "heads";
    EXPECT_GT(block.cls_entropy.min().item<double>(), 0.8);
    EXPECT_LE(block.cls_entropy.max().item<double>(), 1.0 + 1e-9);
    EXPECT_GT(block.norm_ratio, 0.0);
  }
  EXPECT_THROW(MeasureAttention(Taps()), Error);
  Taps one_patch;
  one_patch.attention.emplace_back("a", torch::ones({1, 1, 2, 2}) / 2.0);
  EXPECT_THROW(MeasureAttention(one_patch), Error);
}

}  // namespace
}  // namespace mapweave::ssl
