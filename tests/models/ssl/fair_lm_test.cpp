// SPDX-License-Identifier: MIT
#include "core/error.h"
#include "models/ssl/causal_lm.h"
#include "models/ssl/tensor_random.h"
#include "models/ssl/token_stream.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>
#include <limits>
#include <map>

namespace mapweave::ssl {
namespace {

TEST(TokenStream, TargetsFollowZipfAndTheirPairsOfCuesAreTheirOwn) {
  TokenStreamOptions options;
  options.targets = 8;
  options.cues = 4;
  options.noise = 0.0;
  const TokenStream stream(options, Rng(1));
  EXPECT_EQ(stream.Vocabulary(), 16);
  torch::Generator generator = MakeGenerator(Rng(2));
  const TokenBatch batch = stream.Draw(5000, 4, generator);
  EXPECT_TRUE(batch.clean.all().item<bool>());
  const torch::Tensor targets = batch.Targets().flatten().contiguous();
  const torch::Tensor share =
      torch::bincount(targets).to(torch::kDouble) / 20000.0;
  EXPECT_LT((share - stream.Frequencies()).abs().max().item<double>(), 0.01);
  EXPECT_NEAR((share[0] / share[3]).item<double>(), 4.0, 0.4);

  const torch::Tensor tokens = batch.tokens.view({-1, 3}).contiguous();
  std::map<std::pair<int64_t, int64_t>, int64_t> rule;
  for (int64_t i = 0; i < tokens.size(0); ++i) {
    const int64_t* row = tokens.data_ptr<int64_t>() + 3 * i;
    ASSERT_GE(row[0], 8);
    ASSERT_LT(row[0], 12);
    ASSERT_GE(row[1], 12);
    ASSERT_LT(row[1], 16);
    EXPECT_EQ(rule.try_emplace({row[0], row[1]}, row[2]).first->second, row[2]);
  }
  std::map<int64_t, int> pairs;
  for (const auto& [cues, target] : rule) ++pairs[target];
  for (const auto& [target, count] : pairs) EXPECT_EQ(count, 2) << target;
}

TEST(TokenStream, EveryTargetIsEquallyNoisy) {
  TokenStreamOptions options;
  options.targets = 4;
  options.cues = 2;
  options.noise = 0.4;
  const TokenStream stream(options, Rng(1));
  EXPECT_NEAR(stream.CleanFloor(), -std::log(0.7), 1e-12);
  EXPECT_NEAR(stream.ConditionalEntropy(),
              -0.7 * std::log(0.7) - 0.3 * std::log(0.1), 1e-12);
  torch::Generator generator = MakeGenerator(Rng(3));
  const TokenBatch batch = stream.Draw(10000, 4, generator);
  const torch::Tensor tokens = batch.tokens.view({-1, 3});
  // By pair of cues, of which each target has one.
  const torch::Tensor pair =
      (tokens.select(1, 0) - 4) * 2 + (tokens.select(1, 1) - 6);
  for (int64_t p = 0; p < 4; ++p) {
    const torch::Tensor clean =
        batch.clean.flatten().masked_select(pair == p).to(torch::kDouble);
    EXPECT_NEAR(clean.mean().item<double>(), 0.7, 0.02) << p;
  }
}

TEST(TokenStream, DependsOnItsGeneratorAlone) {
  const TokenStream stream({}, Rng(1));
  torch::Generator first = MakeGenerator(Rng(2));
  torch::Generator again = MakeGenerator(Rng(2));
  const torch::Tensor tokens = stream.Draw(3, 5, first).tokens;
  torch::manual_seed(9);
  EXPECT_TRUE(torch::equal(tokens, stream.Draw(3, 5, again).tokens));
  EXPECT_FALSE(torch::equal(tokens, stream.Draw(3, 5, again).tokens));
}

TEST(TokenStream, ImpossibleStreamsAreErrors) {
  TokenStreamOptions options;
  options.targets = 7;
  EXPECT_THROW(TokenStream(options, Rng(1)), Error);
  options.targets = 400;
  options.noise = 1.0;
  EXPECT_THROW(TokenStream(options, Rng(1)), Error);
  options.noise = 0.1;
  options.zipf_exponent = NAN;
  EXPECT_THROW(TokenStream(options, Rng(1)), Error);
}

CausalLmConfig Tiny() {
  CausalLmConfig config;
  config.vocabulary = 10;
  config.length = 6;
  config.width = 16;
  config.heads = 2;
  return config;
}

TEST(CausalLm, WhatComesLaterDoesNotCount) {
  CausalLm model(Tiny(), Rng(1));
  torch::manual_seed(1);
  const torch::Tensor tokens = torch::randint(0, 10, {2, 6}, torch::kLong);
  torch::Tensor other = tokens.clone();
  other.slice(1, 4) = (other.slice(1, 4) + 1).remainder(10);
  const torch::Tensor a = model(tokens);
  const torch::Tensor b = model(other);
  ASSERT_EQ(a.sizes(), (std::vector<int64_t>{2, 6, 10}));
  EXPECT_TRUE(torch::allclose(a.slice(1, 0, 4), b.slice(1, 0, 4), 0.0, 1e-6));
  EXPECT_GT((a.slice(1, 4) - b.slice(1, 4)).abs().min().item<double>(), 0.0);
  const torch::Tensor shorter = model(tokens.slice(1, 0, 3));
  EXPECT_TRUE(torch::allclose(a.slice(1, 0, 3), shorter, 0.0, 1e-6));
}

TEST(CausalLm, EveryParameterGetsAGradient) {
  CausalLm model(Tiny(), Rng(1));
  const torch::Tensor tokens = torch::arange(6).view({1, 6});
  model(tokens).square().sum().backward();
  for (const auto& item : model->named_parameters()) {
    ASSERT_TRUE(item.value().grad().defined()) << item.key();
    EXPECT_GT(item.value().grad().abs().max().item<double>(), 0.0)
        << item.key();
  }
}

TEST(CausalLm, ImpossibleInputIsAnError) {
  CausalLm model(Tiny(), Rng(1));
  EXPECT_THROW(model(torch::zeros({1, 7}, torch::kLong)), Error);
  EXPECT_THROW(model(torch::full({1, 3}, 10, torch::kLong)), Error);
  EXPECT_THROW(model(torch::full({1, 3}, -1, torch::kLong)), Error);
  EXPECT_THROW(model(torch::zeros({1, 3})), Error);
  CausalLmConfig config = Tiny();
  config.heads = 3;
  EXPECT_THROW(CausalLm(config, Rng(1)), Error);
}

TEST(LossByGroup, SumsUpByHand) {
  const torch::Tensor losses = torch::tensor({1.0, 2.0, 6.0}, torch::kFloat);
  const torch::Tensor group = torch::tensor({3, 0, 3}, torch::kLong);
  const nn::PerGroupLoss result = LossByGroup(losses, group);
  EXPECT_EQ(result.Groups().size(), 2u);
  EXPECT_DOUBLE_EQ(result.Find("3")->loss, 3.5);
  EXPECT_DOUBLE_EQ(result.MicroMean(), 3.0);
  EXPECT_DOUBLE_EQ(result.MacroMean(), 2.75);
  EXPECT_THROW(LossByGroup(losses, group.slice(0, 1)), Error);
  EXPECT_THROW(LossByGroup(losses, group - 1), Error);
  EXPECT_THROW(
      LossByGroup(losses * std::numeric_limits<float>::quiet_NaN(), group),
      Error);
  EXPECT_TRUE(LossByGroup(losses.slice(0, 0, 0), group.slice(0, 0, 0)).Empty());
}

}  // namespace
}  // namespace mapweave::ssl
