// SPDX-License-Identifier: MIT
#include "models/nn/per_group_loss.h"

#include "core/error.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace mapweave::nn {
namespace {

TEST(PerGroupLoss, MicroMeanHidesWhatMacroMeanShows) {
  PerGroupLoss losses;
  losses.Add("common", 0.5, 98);
  losses.Add("rare", 3.0);
  losses.Add("rare", 5.0);
  EXPECT_EQ(losses.Count(), 100);
  EXPECT_NEAR(losses.MicroMean(), (0.5 * 98 + 3.0 + 5.0) / 100.0, 1e-12);
  EXPECT_NEAR(losses.MacroMean(), (0.5 + 4.0) / 2.0, 1e-12);
  ASSERT_TRUE(losses.Worst());
  EXPECT_EQ(losses.Worst()->group, "rare");
  EXPECT_EQ(losses.Worst()->count, 2);
  EXPECT_NEAR(losses.Worst()->loss, 4.0, 1e-12);
  EXPECT_NEAR(losses.Find("common")->loss, 0.5, 1e-12);
  EXPECT_FALSE(losses.Find("no such"));
}

TEST(PerGroupLoss, PartsAddUpInAnyOrder) {
  PerGroupLoss whole;
  PerGroupLoss first;
  PerGroupLoss second;
  for (int i = 0; i < 30; ++i) {
    const std::string group = i % 3 == 0 ? "a" : "b";
    const double loss = 0.1 * i;
    whole.Add(group, loss);
    (i % 2 == 0 ? first : second).Add(group, loss);
  }
  second.Add(first);
  EXPECT_EQ(second.Count(), whole.Count());
  EXPECT_NEAR(second.MicroMean(), whole.MicroMean(), 1e-12);
  EXPECT_NEAR(second.MacroMean(), whole.MacroMean(), 1e-12);
  const double before = whole.MacroMean();
  whole.Add(whole);
  EXPECT_EQ(whole.Count(), 60);
  EXPECT_NEAR(whole.MacroMean(), before, 1e-12);
}

TEST(PerGroupLoss, OfEqualsTheFirstByNameIsWorst) {
  PerGroupLoss losses;
  losses.Add("b", 1.0, 4);
  losses.Add("a", 1.0, 2);
  EXPECT_EQ(losses.Worst()->group, "a");
  EXPECT_EQ(losses.Groups()[1].group, "b");
}

TEST(PerGroupLoss, WithoutObservationsThereIsNoMean) {
  PerGroupLoss losses;
  losses.Add("nobody", 1.0, 0);
  EXPECT_TRUE(losses.Empty());
  EXPECT_TRUE(std::isnan(losses.MicroMean()));
  EXPECT_TRUE(std::isnan(losses.MacroMean()));
  EXPECT_FALSE(losses.Worst());
  losses.Add("a", 1.0);
  losses.Clear();
  EXPECT_TRUE(losses.Empty());
}

TEST(PerGroupLoss, WhatIsNoLossIsAnErrorAndLeavesNoTrace) {
  PerGroupLoss losses;
  EXPECT_THROW(losses.Add("a", std::numeric_limits<double>::quiet_NaN()),
               Error);
  EXPECT_THROW(losses.Add("a", std::numeric_limits<double>::infinity()), Error);
  EXPECT_THROW(losses.Add("a", 1.0, -1), Error);
  EXPECT_TRUE(losses.Empty());
}

}  // namespace
}  // namespace mapweave::nn
