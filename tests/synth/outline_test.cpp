// SPDX-License-Identifier: MIT
#include "synth/outline.h"

#include <gtest/gtest.h>

#include <cmath>

namespace mapweave::synth {
namespace {

// 10 by 10, with a court of 4 by 4 in its middle.
Polygon Court() {
  return {{{0, 0}, {10, 0}, {10, 10}, {0, 10}},
          {{{3, 3}, {3, 7}, {7, 7}, {7, 3}}}};
}

Polygon Rectangle(double x0, double y0, double x1, double y1) {
  return {{{x0, y0}, {x1, y0}, {x1, y1}, {x0, y1}}, {}};
}

TEST(Outline, CutsThroughACourt) {
  const MultiPolygon left = CutOutline(Court(), {5, 0}, {-1, 0});
  ASSERT_EQ(left.size(), 1u);
  EXPECT_TRUE(left[0].holes.empty());
  EXPECT_NEAR(AreaOf(left[0]), 50.0 - 8.0, 1e-9);
  EXPECT_EQ(left[0].shell.size(), 8u);
}

TEST(Outline, CutsWingsApart) {
  // A U whose wings point down.
  const Polygon u{
      {{0, 0}, {9, 0}, {9, 9}, {6, 9}, {6, 3}, {3, 3}, {3, 9}, {0, 9}}, {}};
  const MultiPolygon wings = CutOutline(u, {0, 5}, {0, 1});
  ASSERT_EQ(wings.size(), 2u);
  EXPECT_NEAR(AreaOf(wings[0]) + AreaOf(wings[1]), 24.0, 1e-9);
  EXPECT_EQ(CutOutline(u, {0, 2}, {0, -1}).size(), 1u);
}

TEST(Outline, KeepsAHoleThatTheLineMisses) {
  const MultiPolygon part = CutOutline(Court(), {1, 0}, {1, 0});
  ASSERT_EQ(part.size(), 1u);
  ASSERT_EQ(part[0].holes.size(), 1u);
  EXPECT_NEAR(AreaOf(part[0]), 90.0 - 16.0, 1e-9);
}

TEST(Outline, CutsAllOrNothingBeside) {
  EXPECT_EQ(CutOutline(Court(), {-1, 0}, {1, 0}).size(), 1u);
  EXPECT_TRUE(CutOutline(Court(), {-1, 0}, {-1, 0}).empty());
}

TEST(Outline, FindsTheLineOfAShare) {
  EXPECT_NEAR(OffsetOfShare(Rectangle(2, 0, 12, 5), {1, 0}, 0.25), 9.5, 0.01);
}

TEST(Outline, DissolvesAPartyWallOfUnequalLength) {
  const MultiPolygon one =
      Dissolve({Rectangle(0, 0, 5, 8), Rectangle(5, 2, 9, 6)});
  ASSERT_EQ(one.size(), 1u);
  EXPECT_NEAR(AreaOf(one[0]), 40.0 + 16.0, 1e-9);
  EXPECT_EQ(one[0].shell.size(), 8u);
}

TEST(Outline, DissolvesARingOfHousesIntoACourt) {
  const MultiPolygon one =
      Dissolve({Rectangle(0, 0, 10, 3), Rectangle(0, 7, 10, 10),
                Rectangle(0, 3, 3, 7), Rectangle(7, 3, 10, 7)});
  ASSERT_EQ(one.size(), 1u);
  EXPECT_EQ(one[0].shell.size(), 4u);
  ASSERT_EQ(one[0].holes.size(), 1u);
  EXPECT_NEAR(AreaOf(one[0]), 84.0, 1e-9);
}

TEST(Outline, KeepsHousesThatTouchAtACornerApart) {
  EXPECT_EQ(Dissolve({Rectangle(0, 0, 2, 2), Rectangle(2, 2, 4, 4)}).size(),
            2u);
}

TEST(Outline, SubtractsWhatOverlaps) {
  const Polygon a = Rectangle(0, 0, 10, 10);
  const MultiPolygon corner = Subtract(a, Rectangle(6, 6, 20, 20));
  ASSERT_EQ(corner.size(), 1u);
  EXPECT_EQ(corner[0].shell.size(), 6u);
  EXPECT_NEAR(AreaOf(corner[0]), 84.0, 1e-9);
  // In two, along shared walls, into a court, nothing, and all.
  EXPECT_EQ(Subtract(a, Rectangle(4, -1, 6, 11)).size(), 2u);
  const MultiPolygon half = Subtract(a, Rectangle(0, 0, 5, 10));
  ASSERT_EQ(half.size(), 1u);
  EXPECT_NEAR(AreaOf(half[0]), 50.0, 1e-9);
  ASSERT_EQ(Subtract(a, Rectangle(3, 3, 7, 7)).size(), 1u);
  EXPECT_EQ(Subtract(a, Rectangle(3, 3, 7, 7))[0].holes.size(), 1u);
  EXPECT_NEAR(AreaOf(Subtract(a, Rectangle(10, 0, 20, 10)).at(0)), 100.0, 1e-9);
  EXPECT_TRUE(Subtract(a, Rectangle(-1, -1, 11, 11)).empty());
  EXPECT_TRUE(Subtract(a, a).empty());
}

TEST(Outline, TellsTouchingFromColliding) {
  EXPECT_FALSE(Collide(Rectangle(0, 0, 2, 2), Rectangle(2, 0, 4, 2), 0.05));
  EXPECT_TRUE(Collide(Rectangle(0, 0, 2, 2), Rectangle(1, 0, 4, 2), 0.05));
  EXPECT_TRUE(Collide(Rectangle(0, 0, 2, 2), Rectangle(3, 0, 4, 2), -1.5));
  EXPECT_TRUE(Collide(Rectangle(4, 4, 5, 5), Rectangle(0, 0, 9, 9), 0.05));
  // A shed in a court stands in nobody's way.
  EXPECT_FALSE(Collide(Rectangle(4, 4, 6, 6), Court(), 0.05));
}

TEST(Outline, MeasuresOverlap) {
  EXPECT_NEAR(OverlapArea({Court()}, {Rectangle(5, 0, 20, 5)}),
              5.0 * 5.0 - 2.0 * 2.0, 0.3);
  EXPECT_EQ(OverlapArea({Court()}, {Rectangle(50, 0, 60, 5)}), 0.0);
}

TEST(Outline, TidiesRingsAndTheirSense) {
  const Polygon tidy =
      Tidy({{{0, 10}, {10, 10}, {10, 0}, {5, 0}, {0, 0}, {0, 0}},
            {{{3, 3}, {7, 3}, {7, 7}, {3, 7}}}});
  EXPECT_EQ(tidy.shell.size(), 4u);
  EXPECT_GT(SignedArea(tidy.shell), 0.0);
  EXPECT_LT(SignedArea(tidy.holes.at(0)), 0.0);
}

}  // namespace
}  // namespace mapweave::synth
