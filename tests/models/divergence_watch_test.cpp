// SPDX-License-Identifier: MIT
#include "models/nn/divergence_watch.h"

#include "core/error.h"
#include "core/random.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace mapweave::nn {
namespace {

// Loss of a normal run: falls from 10 to 1, with the noise of small batches and
// a wild step now and then.
double NormalLoss(int step, Rng& rng) {
  const double course = 1.0 + 9.0 * std::exp(-step / 200.0);
  const double noise = std::exp(rng.Normal(0.0, 0.4));
  return course * noise * (rng.Chance(0.01) ? 50.0 : 1.0);
}

TEST(DivergenceWatch, StaysQuietOnNormalRuns) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Rng rng(seed);
    DivergenceWatch watch;
    for (int step = 0; step < 3000; ++step) {
      watch.Add(NormalLoss(step, rng));
      ASSERT_FALSE(watch.IsOver()) << "seed " << seed << ", step " << step;
    }
    EXPECT_NEAR(watch.Best(), 1.0, 0.3);
  }
}

TEST(DivergenceWatch, StaysQuietWhileALossRisesAtTheStart) {
  // A learning rate that is still rising makes the loss worse for a while.
  DivergenceWatch watch;
  for (int step = 0; step < 400; ++step) {
    watch.Add(10.0 + (step < 200 ? 0.09 : -0.02) * step);
    ASSERT_FALSE(watch.IsOver());
  }
}

TEST(DivergenceWatch, SpeaksWhenTheMedianHasBeenHighForLongEnough) {
  DivergenceOptions options;
  options.window = 5;
  options.patience = 4;
  DivergenceWatch watch(options);
  for (const double loss : {8.0, 8.0, 6.0, 4.0, 4.0}) watch.Add(loss);
  EXPECT_EQ(watch.Median(), 6.0);
  for (const double loss : {2.0, 2.0, 2.0}) watch.Add(loss);
  EXPECT_EQ(watch.Best(), 2.0);
  // Three times the best; half of the first median, 6, would be less.
  EXPECT_EQ(watch.Limit(), 6.0);
  EXPECT_TRUE(watch.IsCalm());

  // Two of five are no median; the third is.
  watch.Add(50.0);
  watch.Add(50.0);
  EXPECT_FALSE(watch.IsOver());
  watch.Add(50.0);
  EXPECT_TRUE(watch.IsOver());
  EXPECT_FALSE(watch.IsCalm());
  watch.Add(50.0);
  watch.Add(50.0);
  EXPECT_FALSE(watch.HasDiverged());
  watch.Add(50.0);
  EXPECT_TRUE(watch.HasDiverged());
}

TEST(DivergenceWatch, ForgivesWhatComesBack) {
  DivergenceOptions options;
  options.window = 5;
  options.patience = 6;
  DivergenceWatch watch(options);
  for (int i = 0; i < 10; ++i) watch.Add(1.0);
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < 5; ++i) watch.Add(9.0);
    EXPECT_TRUE(watch.IsOver());
    for (int i = 0; i < 5; ++i) watch.Add(1.0);
    EXPECT_FALSE(watch.IsOver());
  }
  EXPECT_FALSE(watch.HasDiverged());
}

TEST(DivergenceWatch, ATinyLossMayBecomeAnOrdinaryOne) {
  // Learned by heart, then shown something else: far above the best, below
  // half of what it began with.
  DivergenceWatch watch;
  for (int i = 0; i < 100; ++i) watch.Add(8.0);
  for (int i = 0; i < 100; ++i) watch.Add(0.01);
  for (int i = 0; i < 300; ++i) watch.Add(1.5);
  EXPECT_FALSE(watch.IsOver());
}

TEST(DivergenceWatch, IsUneasyBeforeTheMedianMoves) {
  DivergenceWatch watch;
  for (int i = 0; i < 200; ++i) watch.Add(1.0);
  int steps = 0;
  while (watch.IsCalm() && steps < 50) {
    watch.Add(100.0);
    ++steps;
  }
  EXPECT_LE(steps, 3);
  EXPECT_FALSE(watch.IsOver());
}

TEST(DivergenceWatch, TakesWhatIsNotFiniteForVeryLarge) {
  DivergenceOptions options;
  options.window = 5;
  options.patience = 1;
  DivergenceWatch watch(options);
  for (int i = 0; i < 5; ++i) watch.Add(1.0);
  for (int i = 0; i < 3; ++i) {
    watch.Add(std::numeric_limits<double>::quiet_NaN());
  }
  EXPECT_TRUE(watch.HasDiverged());
}

TEST(DivergenceWatch, NoPatienceMeansNoVerdict) {
  DivergenceOptions options;
  options.patience = 0;
  DivergenceWatch watch(options);
  for (int i = 0; i < 500; ++i) watch.Add(i < 100 ? 1.0 : 1e6);
  EXPECT_FALSE(watch.HasDiverged());
}

TEST(DivergenceWatch, GoesOnFromWhatItWrote) {
  for (const int split : {0, 3, 40, 160}) {
    Rng rng(3);
    DivergenceWatch whole;
    DivergenceWatch first;
    for (int step = 0; step < split; ++step) {
      const double loss = NormalLoss(step, rng);
      whole.Add(loss);
      first.Add(loss);
    }
    DivergenceWatch second;
    second.Load(ParseJson(first.ToJson().dump(), "a test"));
    for (int step = split; step < 300; ++step) {
      const double loss = step < 200 ? NormalLoss(step, rng) : 500.0;
      whole.Add(loss);
      second.Add(loss);
      ASSERT_EQ(second.IsOver(), whole.IsOver());
    }
    EXPECT_EQ(second.Best(), whole.Best());
    EXPECT_EQ(second.Limit(), whole.Limit());
    EXPECT_EQ(second.HasDiverged(), whole.HasDiverged());
  }
  DivergenceWatch watch;
  EXPECT_THROW(watch.Load(Json{{"recent", "?"}}), Error);
}

TEST(DivergenceWatch, RefusesOptionsThatMakeNoSense) {
  DivergenceOptions options;
  options.factor = 1.0;
  EXPECT_THROW(DivergenceWatch{options}, Error);
  options = {};
  options.window = 0;
  EXPECT_THROW(DivergenceWatch{options}, Error);
}

}  // namespace
}  // namespace mapweave::nn
