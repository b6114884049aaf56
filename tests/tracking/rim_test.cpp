// SPDX-License-Identifier: MIT
#include "tracking/rim.h"

#include "tests/tracking/houses.h"

#include <gtest/gtest.h>

#include <cmath>

namespace mapweave::tracking {
namespace {

Rim RimOf(int x, int y, int width, int height) {
  return Rim(House(x, y, width, height).mask);
}

TEST(Rim, IsTheOutermostPixelsAndMeasuresFromThem) {
  const Rim rim = RimOf(10, 20, 5, 4);
  EXPECT_EQ(rim.Points().size(), 14u);  // 20 pixels, 6 of them inside
  EXPECT_FLOAT_EQ(rim.DistanceFrom({10, 20}), 0.0f);
  EXPECT_FLOAT_EQ(rim.DistanceFrom({12, 21}), 1.0f);
  EXPECT_FLOAT_EQ(rim.DistanceFrom({7, 16}), 5.0f);  // 3, 4 off the corner
  EXPECT_FLOAT_EQ(rim.DistanceFrom({10, 2}), Rim::kFarPx);
  EXPECT_FLOAT_EQ(rim.DistanceFrom({-500, 900}), Rim::kFarPx);
}

TEST(CompareRims, FindsEqualOutlinesEqualWhereverTheyLie) {
  for (const cv::Point at : {cv::Point(0, 0), cv::Point(-70, 31)}) {
    const RimMatch match = CompareRims(RimOf(at.x, at.y, 12, 9), {3, -2},
                                       RimOf(at.x + 3, at.y - 2, 12, 9));
    EXPECT_DOUBLE_EQ(match.share, 1.0);
    EXPECT_DOUBLE_EQ(match.fitted_share, 1.0);
    EXPECT_DOUBLE_EQ(match.mean_px, 0.0);
    EXPECT_DOUBLE_EQ(match.ninth_decile_px, 0.0);
  }
}

TEST(CompareRims, ForgivesOnePixelOfAShift) {
  const RimMatch match =
      CompareRims(RimOf(0, 0, 12, 9), {1, 1}, RimOf(0, 0, 12, 9));
  EXPECT_LE(match.share, 1.0);
  EXPECT_DOUBLE_EQ(match.fitted_share, 1.0);
  EXPECT_DOUBLE_EQ(match.mean_px, 0.0);
}

// A house of 10 x 10 that was lengthened to 20 keeps three walls; the fourth
// lies 10 px inside the new one, and its middle is farther from all than that
// between the long walls.
TEST(CompareRims, TellsAnEnlargedHouseFromARebuiltOne) {
  const Rim old = RimOf(0, 0, 10, 10);
  const RimMatch enlarged = CompareRims(old, {0, 0}, RimOf(0, 0, 20, 10));
  // Of 36 pixels the 8 of the fourth wall, less those next to the others.
  EXPECT_NEAR(enlarged.share, 30.0 / 36.0, 1e-9);
  // Of the same overlap, but with no wall where one was.
  const RimMatch rebuilt = CompareRims(old, {0, 0}, RimOf(-3, -3, 16, 16));
  EXPECT_DOUBLE_EQ(rebuilt.share, 0.0);
  EXPECT_LT(rebuilt.fitted_share, 0.1);
  EXPECT_GT(rebuilt.mean_px, 2.0);
}

}  // namespace
}  // namespace mapweave::tracking
