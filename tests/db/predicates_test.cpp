// SPDX-License-Identifier: MIT
#include "db/predicates.h"

#include "core/random.h"
#include "fixture.h"

#include <gtest/gtest.h>

#include <cmath>

namespace mapweave::db {
namespace {

// A square (0,0)-(10,10) with a hole (2,2)-(8,8).
MultiPolygon Frame() {
  return {{{{0, 0}, {10, 0}, {10, 10}, {0, 10}},
           {{{2, 2}, {8, 2}, {8, 8}, {2, 8}}}}};
}

TEST(Predicates, ContainsKnowsHoles) {
  EXPECT_TRUE(Contains(Frame(), {1, 1}));
  EXPECT_FALSE(Contains(Frame(), {5, 5}));
  EXPECT_FALSE(Contains(Frame(), {11, 5}));
}

TEST(Predicates, PointOnSharedEdgeIsInOneOfBoth) {
  const MultiPolygon left = Rectangle(0, 0, 10, 10);
  const MultiPolygon right = Rectangle(10, 0, 20, 10);
  EXPECT_NE(Contains(left, {10, 5}), Contains(right, {10, 5}));
}

TEST(Predicates, BoxIntersectsByVertexEdgeOrInside) {
  const MultiPolygon frame = Frame();
  EXPECT_TRUE(Intersects(frame, {9, 9, 20, 20}));    // around a vertex
  EXPECT_TRUE(Intersects(frame, {-5, 4, 20, 6}));    // across, no vertex
  EXPECT_TRUE(Intersects(frame, {0.5, 0.5, 1, 1}));  // inside
  EXPECT_TRUE(Intersects(frame, {-5, -5, 20, 20}));  // around all
  EXPECT_TRUE(Intersects(frame, {10, 10, 20, 20}));  // touching a corner
  EXPECT_FALSE(Intersects(frame, {4, 4, 6, 6}));     // in the hole
  EXPECT_FALSE(Intersects(frame, {11, 0, 20, 10}));
}

TEST(Predicates, BoxNextToSlantedEdgeIsApart) {
  const MultiPolygon triangle{{{{0, 0}, {10, 0}, {0, 10}}, {}}};
  EXPECT_FALSE(Intersects(triangle, {6, 6, 10, 10}));
  EXPECT_TRUE(Intersects(triangle, {4, 4, 10, 10}));
}

TEST(Predicates, DistanceIsToTheNearestEdge) {
  const MultiPolygon frame = Frame();
  EXPECT_EQ(Distance(frame, {1, 1}), 0.0);
  EXPECT_DOUBLE_EQ(Distance(frame, {13, 14}), 5.0);
  EXPECT_DOUBLE_EQ(Distance(frame, {5, -2}), 2.0);
  EXPECT_DOUBLE_EQ(Distance(frame, {5, 6}), 2.0);  // from within the hole
  EXPECT_TRUE(std::isinf(Distance({}, {0, 0})));
}

TEST(Predicates, RepresentativePointLiesInside) {
  // A U whose centroid is outside of it.
  const MultiPolygon u{
      {{{0, 0}, {10, 0}, {10, 10}, {8, 10}, {8, 2}, {3, 2}, {3, 10}, {0, 10}},
       {}}};
  const auto point = RepresentativePoint(u);
  ASSERT_TRUE(point);
  EXPECT_EQ(*point, (Point2d{1.5, 5.0}));  // the wider arm
  EXPECT_FALSE(RepresentativePoint({}));
}

TEST(Predicates, RepresentativePointOfStarsLiesInside) {
  Rng rng(3);
  for (int i = 0; i < 200; ++i) {
    Ring ring;
    const int64_t count = rng.Int(3, 20);
    for (int64_t k = 0; k < count; ++k) {
      const double angle = 6.283185307179586 * static_cast<double>(k) /
                           static_cast<double>(count);
      const double radius = rng.Uniform(1.0, 10.0);
      ring.push_back({radius * std::cos(angle), radius * std::sin(angle)});
    }
    const MultiPolygon star{{ring, {}}};
    const auto point = RepresentativePoint(star);
    ASSERT_TRUE(point);
    EXPECT_TRUE(Contains(star, *point)) << "star " << i;
  }
}

}  // namespace
}  // namespace mapweave::db
