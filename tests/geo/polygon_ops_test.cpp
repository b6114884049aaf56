// SPDX-License-Identifier: MIT
#include "geo/polygon_ops.h"

#include "core/random.h"
#include "fixtures.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace mapweave::geo {
namespace {

Ring Square(double x, double y, double side) {
  return {{x, y}, {x + side, y}, {x + side, y + side}, {x, y + side}};
}

MultiPolygon SquareAt(double x, double y, double side) {
  return {{Square(x, y, side), {}}};
}

Grid SwissGrid() {
  return {Crs::FromUserInput("EPSG:2056"), 2600000, 1200000, 0.5, 1000, 800};
}

TEST(PolygonOps, TakesPixelsToTheGroundAndBack) {
  const Grid grid = SwissGrid();
  // The second pixel of the third row, holes and all, y downwards.
  const MultiPolygon pixels{
      {{{1, 2}, {9, 2}, {9, 10}, {1, 10}}, {{{3, 4}, {5, 4}, {5, 6}, {3, 6}}}}};
  const MultiPolygon ground = GroundFromPixels(pixels, grid);
  ASSERT_EQ(ground.size(), 1u);
  EXPECT_EQ(ground[0].shell[0], (Point2d{2600000.5, 1199999.0}));
  EXPECT_GT(SignedArea(ground[0].shell), 0.0);
  ASSERT_EQ(ground[0].holes.size(), 1u);
  EXPECT_LT(SignedArea(ground[0].holes[0]), 0.0);
  EXPECT_DOUBLE_EQ(PlanarArea(ground), (64.0 - 4.0) * 0.25);

  const MultiPolygon back = PixelsFromGround(ground, grid);
  EXPECT_DOUBLE_EQ(PlanarArea(back), 60.0);
  const Box box = Bounds(back);
  EXPECT_NEAR(box.min_x, 1.0, 1e-9);
  EXPECT_NEAR(box.max_y, 10.0, 1e-9);
}

TEST(PolygonOps, OrientsEitherWayAroundAndDropsDegenerateRings) {
  Ring clockwise = Square(0, 0, 4);
  std::reverse(clockwise.begin(), clockwise.end());
  const MultiPolygon oriented =
      Oriented({{clockwise, {Square(1, 1, 1), {{0, 0}, {1, 1}}}}, {{}, {}}});
  ASSERT_EQ(oriented.size(), 1u);
  EXPECT_GT(SignedArea(oriented[0].shell), 0.0);
  ASSERT_EQ(oriented[0].holes.size(), 1u);
  EXPECT_LT(SignedArea(oriented[0].holes[0]), 0.0);
}

TEST(PolygonOps, RepairsABowTie) {
  const MultiPolygon bow_tie{{{{0, 0}, {4, 4}, {4, 0}, {0, 4}}, {}}};
  EXPECT_FALSE(IsValid(bow_tie));
  const MultiPolygon repaired = MakeValid(bow_tie);
  EXPECT_TRUE(IsValid(repaired));
  EXPECT_EQ(repaired.size(), 2u);
  EXPECT_DOUBLE_EQ(PlanarArea(repaired), 8.0);
}

TEST(PolygonOps, RepairDropsWhatHasNoArea) {
  EXPECT_TRUE(MakeValid({{{{0, 0}, {2, 2}, {4, 4}}, {}}}).empty());
  EXPECT_TRUE(MakeValid({}).empty());
  // A spike is a line on a polygon.
  const MultiPolygon spike{
      {{{0, 0}, {4, 0}, {4, 4}, {9, 4}, {4, 4}, {0, 4}}, {}}};
  const MultiPolygon repaired = MakeValid(spike);
  EXPECT_TRUE(IsValid(repaired));
  EXPECT_DOUBLE_EQ(PlanarArea(repaired), 16.0);
  EXPECT_LE(Bounds(repaired).max_x, 4.0);
}

TEST(PolygonOps, RepairKeepsValidVertices) {
  const MultiPolygon square = SquareAt(1, 2, 3);
  EXPECT_EQ(MakeValid(square)[0].shell, square[0].shell);
}

TEST(PolygonOps, RepairRefusesCoordinatesThatAreNotFinite) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const MultiPolygon bad{{{{0, 0}, {nan, 1}, {1, 1}}, {}}};
  EXPECT_FALSE(IsValid(bad));
  EXPECT_THROW(MakeValid(bad), Error);
}

TEST(PolygonOps, RepairsAnyRingOfRandomPoints) {
  for (uint64_t stream = 0; stream < 200; ++stream) {
    Rng rng(11, stream);
    Ring ring;
    const int64_t count = rng.Int(3, 12);
    for (int64_t i = 0; i < count; ++i) {
      ring.push_back({static_cast<double>(rng.Int(0, 6)),
                      static_cast<double>(rng.Int(0, 6))});
    }
    const MultiPolygon repaired = MakeValid({{ring, {}}});
    if (repaired.empty()) continue;
    EXPECT_TRUE(IsValid(repaired)) << "stream " << stream;
    EXPECT_GT(PlanarArea(repaired), 0.0) << "stream " << stream;
  }
}

TEST(PolygonOps, MeasuresGroundAreaInAnyUnit) {
  const Crs swiss = Crs::FromUserInput("EPSG:2056");
  EXPECT_NEAR(AreaM2(SquareAt(2600000, 1200000, 10), swiss), 100.0, 1e-3);
  // 10 web Mercator units at 60 degrees north are 5 m.
  const Crs mercator = Crs::FromUserInput("EPSG:3857");
  EXPECT_NEAR(AreaM2(SquareAt(1000000, 8399737.9, 10), mercator), 25.0, 0.3);
  const Crs feet = Crs::FromUserInput("EPSG:2277");
  const double foot = 1200.0 / 3937.0;
  EXPECT_NEAR(AreaM2(SquareAt(3100000, 10070000, 100), feet), 1e4 * foot * foot,
              1.0);
  EXPECT_EQ(AreaM2({}, swiss), 0.0);
}

TEST(PolygonOps, OverlaysPolygons) {
  const MultiPolygon a = SquareAt(0, 0, 4);
  const MultiPolygon b = SquareAt(2, 2, 4);
  EXPECT_DOUBLE_EQ(IntersectionArea(a, b), 4.0);
  EXPECT_DOUBLE_EQ(PlanarArea(Union(a, b)), 28.0);
  EXPECT_DOUBLE_EQ(PlanarArea(Difference(a, b)), 12.0);
  EXPECT_DOUBLE_EQ(PlanarArea(UnionAll({a, b, SquareAt(10, 10, 1)})), 29.0);
  EXPECT_TRUE(Intersection(a, SquareAt(9, 9, 1)).empty());
  // Squares that share an edge meet in a line, which is no polygon.
  EXPECT_TRUE(Intersection(a, SquareAt(4, 0, 4)).empty());
  EXPECT_DOUBLE_EQ(Distance(a, SquareAt(7, 0, 1)), 3.0);
  EXPECT_TRUE(std::isinf(Distance(a, {})));
}

TEST(PolygonOps, ReprojectsEveryVertex) {
  const Transformer mercator(Crs::Wgs84(), Crs::FromUserInput("EPSG:3857"));
  const MultiPolygon degrees{{Square(10, 0, 1), {Square(10.2, 0.2, 0.5)}}};
  const MultiPolygon ground = Reprojected(degrees, mercator);
  EXPECT_NEAR(ground[0].shell[0].x, 1113194.9, 0.1);
  EXPECT_NEAR(ground[0].shell[0].y, 0.0, 0.1);
  ASSERT_EQ(ground[0].holes.size(), 1u);
  EXPECT_THROW(Reprojected(SquareAt(0, 94, 1), mercator), Error);
}

TEST(PolygonOps, WritesAndReadsWkb) {
  const MultiPolygon polygons{{Square(0, 0, 9), {Square(2, 2, 1)}},
                              {Square(20, 0, 1), {}}};
  const MultiPolygon expected = Oriented(polygons);
  const MultiPolygon back = ReadWkb(WriteWkb(polygons));
  ASSERT_EQ(back.size(), 2u);
  EXPECT_EQ(back[0].shell, expected[0].shell);
  EXPECT_EQ(back[0].holes, expected[0].holes);
  EXPECT_EQ(back[1].shell, expected[1].shell);
  EXPECT_TRUE(ReadWkb(WriteWkb({})).empty());
}

TEST(PolygonOps, ReadsForeignWkb) {
  // Big-endian "POLYGON Z": 00 000003EB, one ring of four points.
  std::string bytes("\0\0\0\x03\xEB\0\0\0\1\0\0\0\4", 13);
  const auto big_endian = [&bytes](double value) {
    uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof(bits));
    for (int shift = 56; shift >= 0; shift -= 8) {
      bytes += static_cast<char>(bits >> shift);
    }
  };
  for (const auto& [x, y] : {std::pair{0., 0.}, {2., 0.}, {2., 2.}, {0., 0.}}) {
    big_endian(x);
    big_endian(y);
    big_endian(7.0);
  }
  const MultiPolygon read = ReadWkb(bytes);
  ASSERT_EQ(read.size(), 1u);
  EXPECT_EQ(read[0].shell, (Ring{{0, 0}, {2, 0}, {2, 2}}));
}

TEST(PolygonOps, RefusesBrokenWkb) {
  const std::string good = WriteWkb(SquareAt(0, 0, 1));
  for (size_t length = 0; length < good.size(); ++length) {
    EXPECT_THROW(ReadWkb(good.substr(0, length)), Error) << length;
  }
  const std::string point("\1\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 21);
  EXPECT_THROW(ReadWkb(point), Error);
}

}  // namespace
}  // namespace mapweave::geo
