// SPDX-License-Identifier: MIT
#include "core/displacement_field.h"

#include "core/error.h"
#include "core/random.h"

#include <gtest/gtest.h>

#include <cmath>

namespace mapweave {
namespace {

// Coefficients of an affine displacement are its values at the nodes.
DisplacementField AffineField() {
  DisplacementField field;
  field.origin = {-100.0, 900.0};
  field.step = {50.0, -50.0};
  field.cols = 30;
  field.rows = 25;
  for (int row = 0; row < field.rows; ++row) {
    for (int col = 0; col < field.cols; ++col) {
      const double x = -100.0 + 50.0 * col;
      const double y = 900.0 - 50.0 * row;
      field.dx.push_back(12.0 + 0.01 * x - 0.035 * y);
      field.dy.push_back(-7.0 + 0.035 * x + 0.01 * y);
      field.sigma.push_back(0.5);
    }
  }
  return field;
}

DisplacementField RoughField(uint64_t seed) {
  Rng rng(seed);
  DisplacementField field = AffineField();
  for (double& v : field.dx) v += rng.Uniform(-8.0, 8.0);
  for (double& v : field.dy) v += rng.Uniform(-8.0, 8.0);
  return field;
}

TEST(DisplacementField, WithoutNodesMovesNothing) {
  const DisplacementField field;
  EXPECT_EQ(field.Apply({3.5, -2.0}), (Point2d{3.5, -2.0}));
  EXPECT_EQ(field.ApplyInverse({3.5, -2.0}), (Point2d{3.5, -2.0}));
  EXPECT_TRUE(field.IsConstant());
  EXPECT_NO_THROW(field.Validate());
}

TEST(DisplacementField, ConstantIsTheSameEverywhere) {
  const auto field = DisplacementField::Constant({1.5, -2.0});
  for (const Point2d p : {Point2d{0, 0}, Point2d{1e7, -1e7}}) {
    EXPECT_NEAR(field.At(p).x, 1.5, 1e-12);
    EXPECT_NEAR(field.At(p).y, -2.0, 1e-12);
  }
  EXPECT_TRUE(field.IsConstant());
  EXPECT_NO_THROW(field.Validate());
}

TEST(DisplacementField, ReproducesAffineMapsExactly) {
  const DisplacementField field = AffineField();
  EXPECT_FALSE(field.IsConstant());
  for (const Point2d p : {Point2d{0, 0}, Point2d{333.3, 12.5},
                          Point2d{1200, 500}, Point2d{-50, -200}}) {
    EXPECT_NEAR(field.At(p).x, 12.0 + 0.01 * p.x - 0.035 * p.y, 1e-9);
    EXPECT_NEAR(field.At(p).y, -7.0 + 0.035 * p.x + 0.01 * p.y, 1e-9);
  }
}

TEST(DisplacementField, GoesOnWithItsEdgeOutside) {
  const DisplacementField field = AffineField();
  // The nodes reach from -100 to 1350; their inner part from -50 to 1300.
  EXPECT_NEAR(field.At({5000, 100}).x, field.At({1300, 100}).x, 1e-9);
  EXPECT_NEAR(field.At({100, 5000}).y, field.At({100, 850}).y, 1e-9);
}

TEST(DisplacementField, InverseUndoesIt) {
  for (const uint64_t seed : {1u, 2u, 3u}) {
    const DisplacementField field = RoughField(seed);
    ASSERT_LT(field.LargestGradient(), 1.0);
    Rng rng(seed, 1);
    for (int i = 0; i < 500; ++i) {
      const Point2d p{rng.Uniform(-300, 1500), rng.Uniform(-500, 1100)};
      const Point2d back = field.ApplyInverse(field.Apply(p));
      EXPECT_NEAR(back.x, p.x, 1e-4);
      EXPECT_NEAR(back.y, p.y, 1e-4);
    }
  }
}

TEST(DisplacementField, StaysWithinItsRangeAndGradient) {
  const DisplacementField field = RoughField(4);
  const Box range = field.Range();
  Rng rng(5);
  Point2d before;
  Point2d at{300, 300};
  for (int i = 0; i < 2000; ++i) {
    before = at;
    at = {rng.Uniform(-50, 1300), rng.Uniform(-250, 850)};
    const Point2d d = field.At(at);
    EXPECT_GE(d.x, range.min_x);
    EXPECT_LE(d.x, range.max_x);
    EXPECT_GE(d.y, range.min_y);
    EXPECT_LE(d.y, range.max_y);
    const Point2d other = field.At(before);
    EXPECT_LE(
        std::hypot(d.x - other.x, d.y - other.y),
        field.LargestGradient() * std::hypot(at.x - before.x, at.y - before.y) +
            1e-9);
  }
}

TEST(DisplacementField, RefusesDamagedValues) {
  DisplacementField field = AffineField();
  field.sigma.pop_back();
  EXPECT_THROW(field.Validate(), Error);
  field = AffineField();
  field.dx[7] = NAN;
  EXPECT_THROW(field.Validate(), Error);
  field = AffineField();
  field.step.y = 0.0;
  EXPECT_THROW(field.Validate(), Error);
  field = {};
  field.cols = 3;
  EXPECT_THROW(field.Validate(), Error);
}

}  // namespace
}  // namespace mapweave
