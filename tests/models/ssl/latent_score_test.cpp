// SPDX-License-Identifier: MIT
#include "models/ssl/latent_score.h"

#include "core/error.h"
#include "models/ssl/experiments/experiment.h"
#include "models/ssl/footprints.h"
#include "models/ssl/tensor_random.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>
#include <set>
#include <string>

namespace mapweave::ssl {
namespace {

Footprint Drawn(const std::vector<std::string>& rows) {
  Footprint f{static_cast<int>(rows.size()), {}};
  for (const std::string& row : rows) {
    for (const char c : row) f.cells.push_back(c == '#' ? 1 : 0);
  }
  return f;
}

TEST(Footprints, PlausibleByHand) {
  EXPECT_TRUE(IsPlausible(Drawn({"##..", "##..", "####", "####"})));
  EXPECT_TRUE(IsPlausible(Drawn({"....", ".##.", ".##.", "...."})));
  EXPECT_FALSE(IsPlausible(Drawn({"....", "....", "....", "...."}))) << "empty";
  EXPECT_FALSE(IsPlausible(Drawn({"##..", "##..", "..##", "..##"})))
      << "touches at a corner only";
  EXPECT_FALSE(
      IsPlausible(Drawn({"##.##", "##.##", ".....", ".....", "....."})))
      << "two pieces";
  EXPECT_FALSE(IsPlausible(Drawn({"####", "####", "#...", "...."})))
      << "one cell thin";
  EXPECT_FALSE(
      IsPlausible(Drawn({"#####", "#####", "##.##", "#####", "#####"})))
      << "a hole";
  EXPECT_TRUE(IsPlausible(Drawn({"####", "####", "####", "####"})));
}

TEST(Footprints, PerimeterByHand) {
  EXPECT_EQ(Perimeter(Drawn({"....", ".##.", ".##.", "...."})), 8);
  EXPECT_EQ(Perimeter(Drawn({"##..", "##..", "####", "####"})), 16);
  EXPECT_EQ(Perimeter(Drawn({"####", "####", "####", "####"})), 16);
}

TEST(Footprints, DrawnOnesArePlausibleAndDiffer) {
  for (const int side : {4, 5, 8, 16}) {
    std::set<std::vector<uint8_t>> kinds;
    for (uint64_t i = 0; i < 300; ++i) {
      Rng rng(1, i);
      const Footprint f = DrawFootprint(side, rng);
      EXPECT_TRUE(IsPlausible(f)) << side << " " << i;
      kinds.insert(f.cells);
    }
    EXPECT_GT(kinds.size(), side == 4 ? 5u : 40u);
  }
}

TEST(LatentScore, SoftmaxJacobianIsThatOfDifferences) {
  torch::Generator generator = MakeGenerator(Rng(3));
  const torch::Tensor logits =
      torch::randn({2, 3, 4}, generator, torch::kDouble);
  const auto value = [](const torch::Tensor& x) {
    const torch::Tensor inverse =
        torch::exp(-torch::logsumexp(x, 2, /*keepdim=*/true));
    return torch::cat({torch::softmax(x, 2), inverse}, 2);
  };
  const torch::Tensor jacobian = ExtendedSoftmaxJacobian(logits);
  ASSERT_EQ(jacobian.sizes(), torch::IntArrayRef({2, 3, 5, 4}));
  constexpr double kStep = 1e-6;
  for (int64_t v = 0; v < 4; ++v) {
    torch::Tensor up = logits.clone();
    up.select(2, v) += kStep;
    torch::Tensor down = logits.clone();
    down.select(2, v) -= kStep;
    EXPECT_TRUE(torch::allclose(jacobian.select(3, v),
                                (value(up) - value(down)) / (2.0 * kStep), 0.0,
                                1e-9));
  }
  EXPECT_THROW(ExtendedSoftmaxJacobian(logits[0]), Error);
}

TEST(LatentScore, IsHalfTheLogDeterminantAndCountsNoOrder) {
  torch::Generator generator = MakeGenerator(Rng(4));
  const torch::Tensor logits =
      torch::randn({3, 5, 2}, generator, torch::kDouble);
  const torch::Tensor slope =
      torch::randn({3, 10, 2}, generator, torch::kDouble);
  const torch::Tensor score = LatentExplorationScore(logits, slope);
  const torch::Tensor j =
      torch::matmul(ExtendedSoftmaxJacobian(logits), slope.view({3, 5, 2, 2}))
          .reshape({3, 15, 2});
  const torch::Tensor gram = torch::matmul(j.transpose(1, 2), j);
  EXPECT_TRUE(torch::allclose(score, -0.5 * torch::logdet(gram), 0.0, 1e-10));
  // A decoder that reacts twice as much loses d log 2.
  EXPECT_TRUE(torch::allclose(LatentExplorationScore(logits, 2.0 * slope),
                              score - 2.0 * std::log(2.0), 0.0, 1e-10));
  EXPECT_TRUE(torch::allclose(
      LatentExplorationScore(logits.flip(0), slope.flip(0)), score.flip(0)));
  EXPECT_TRUE(
      std::isfinite(LatentExplorationScore(logits, torch::zeros_like(slope))[0]
                        .item<double>()))
      << "no slope at all";
}

TEST(LatentScore, WrongInputIsAnError) {
  const torch::Tensor logits = torch::zeros({1, 3, 2}, torch::kDouble);
  const torch::Tensor slope = torch::ones({1, 6, 2}, torch::kDouble);
  EXPECT_THROW(LatentExplorationScore(logits, slope.slice(1, 1)), Error);
  EXPECT_THROW(LatentExplorationScore(logits, torch::ones({1, 6, 7})), Error);
  EXPECT_THROW(LatentExplorationScore(logits, slope * NAN), Error);
  EXPECT_THROW(LatentExplorationScore(logits / 0.0, slope), Error);
}

TEST(CategoricalVae, ScoreHasTheGradientOfDifferences) {
  CategoricalVaeOptions options;
  options.positions = 6;
  options.latent = 3;
  options.hidden = 16;
  CategoricalVae vae(options, Rng(5));
  vae->to(torch::kDouble);
  torch::Generator generator = MakeGenerator(Rng(6));
  const torch::Tensor z = torch::randn({4, 3}, generator, torch::kDouble);
  for (const bool likelihood : {false, true}) {
    const auto value = [&](const torch::Tensor& at) {
      return likelihood ? vae->Likelihood(at) : vae->Score(at);
    };
    const torch::Tensor at = z.clone().requires_grad_(true);
    const torch::Tensor gradient =
        torch::autograd::grad({value(at).sum()}, {at})[0];
    constexpr double kStep = 1e-6;  // stays within the affine regions
    for (int64_t k = 0; k < 3; ++k) {
      torch::Tensor up = z.clone();
      up.select(1, k) += kStep;
      torch::Tensor down = z.clone();
      down.select(1, k) -= kStep;
      const torch::Tensor difference =
          ((value(up) - value(down)) / (2.0 * kStep)).detach();
      EXPECT_TRUE(
          torch::allclose(gradient.select(1, k), difference, 1e-5, 1e-6))
          << likelihood << " " << k;
    }
  }
}

TEST(CategoricalVae, LossIsThatOfTheBoundByHand) {
  CategoricalVaeOptions options;
  options.positions = 4;
  options.latent = 2;
  options.hidden = 8;
  CategoricalVae vae(options, Rng(5));
  {
    const torch::NoGradGuard no_grad;
    for (torch::Tensor& p : vae->parameters()) p.zero_();
  }
  // All weights 0: the code is N(0, 1), every cell a fair coin.
  const torch::Tensor cells =
      torch::tensor({{0, 1, 1, 0}, {1, 1, 1, 1}}, torch::kLong);
  EXPECT_NEAR(vae->Loss(cells, torch::ones({2, 2})).item<double>(),
              4.0 * std::log(2.0), 1e-6);
}

TEST(ScalesExperiment, SmokeFormRunsAllOfIt) {
  Progress progress;
  CancelToken cancel;
  RunContext context{progress, cancel};
  ExperimentOptions options;
  options.smoke = true;
  options.seeds = 1;
  const ExperimentReport report = RunExperiment("scales", options, context);
  EXPECT_EQ(report.criteria.size(), 3u);
  for (const auto& row : report.table.rows) {
    EXPECT_EQ(row.size(), report.table.columns.size());
  }
}

}  // namespace
}  // namespace mapweave::ssl
