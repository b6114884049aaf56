// SPDX-License-Identifier: MIT
#include "geo/geo_transform.h"

#include "core/random.h"
#include "fixtures.h"

#include <cmath>
#include <limits>

namespace mapweave::geo {
namespace {

TEST(GeoTransform, PutsPixelEdgesAtIntegers) {
  const GeoTransform map({2600000, 2, 0, 1200000, 0, -2});
  EXPECT_EQ(map.WorldFromPixel({0, 0}), (Point2d{2600000, 1200000}));
  EXPECT_EQ(map.WorldFromPixel({0.5, 0.5}), (Point2d{2600001, 1199999}));
  EXPECT_EQ(map.PixelFromWorld({2600001, 1199999}), (Point2d{0.5, 0.5}));
  EXPECT_EQ(map.Resolution(), 2.0);
}

TEST(GeoTransform, RoundTripsRotatedMapsFarFromTheOrigin) {
  Rng rng(3);
  for (int i = 0; i < 200; ++i) {
    const double angle = rng.Uniform(0.0, 6.28);
    const double size = std::pow(10.0, rng.Uniform(-5.0, 2.0));
    const double c = size * std::cos(angle);
    const double s = size * std::sin(angle);
    const GeoTransform map({1.2e7, c, s, 1.2e6, s, -c});
    const Point2d pixel{rng.Uniform(0, 20000), rng.Uniform(0, 20000)};
    const Point2d back = map.PixelFromWorld(map.WorldFromPixel(pixel));
    // Ground coordinates of 1e7 have a last digit of 2e-9.
    const double tolerance = 1e-8 / size + 1e-7;
    EXPECT_NEAR(back.x, pixel.x, tolerance);
    EXPECT_NEAR(back.y, pixel.y, tolerance);
    EXPECT_NEAR(map.Resolution(), size, 1e-9 * size);
  }
}

TEST(GeoTransform, KnowsNorthUpSquarePixels) {
  EXPECT_TRUE(GeoTransform({0, 2, 0, 0, 0, -2}).IsNorthUpSquare());
  EXPECT_FALSE(GeoTransform({0, 2, 0, 0, 0, 2}).IsNorthUpSquare());
  EXPECT_FALSE(GeoTransform({0, 2, 0, 0, 0, -3}).IsNorthUpSquare());
  EXPECT_FALSE(GeoTransform({0, 2, 0.1, 0, 0.1, -2}).IsNorthUpSquare());
}

TEST(GeoTransform, RefusesMapsThatCannotBeInverted) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THROW(GeoTransform({0, 0, 0, 0, 0, 0}), Error);
  EXPECT_THROW(GeoTransform({0, 1, 2, 0, 2, 4}), Error);
  EXPECT_THROW(GeoTransform({0, nan, 0, 0, 0, 1}), Error);
  EXPECT_THROW(GeoTransform({nan, 1, 0, 0, 0, 1}), Error);
  // Degrees per pixel of a fine scan are small, not singular.
  EXPECT_NO_THROW(GeoTransform({106.7, 1e-6, 0, 10.8, 0, -1e-6}));
}

}  // namespace
}  // namespace mapweave::geo
