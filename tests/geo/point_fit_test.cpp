// SPDX-License-Identifier: MIT
#include "geo/point_fit.h"

#include "core/random.h"
#include "fixtures.h"
#include "geo/georeference.h"

#include <gdal_alg.h>

#include <cmath>

namespace mapweave::geo {
namespace {

using ::testing::HasSubstr;

// Points all over a scan of 6000 x 4000 pixels, on the ground of EPSG:2056.
std::vector<ControlPoint> Scattered(size_t count, double noise,
                                    uint64_t seed = 5) {
  Rng rng(seed);
  std::vector<ControlPoint> points;
  for (size_t i = 0; i < count; ++i) {
    const Point2d p{rng.Uniform(0, 6000), rng.Uniform(0, 4000)};
    points.push_back({p,
                      {2600000 + 0.5 * p.x + 0.1 * p.y + 2e-6 * p.x * p.x -
                           3e-10 * p.y * p.y * p.x + noise * rng.Normal(),
                       1200000 + 0.1 * p.x - 0.5 * p.y + 1e-6 * p.x * p.y +
                           noise * rng.Normal()}});
  }
  return points;
}

constexpr Georef kPolynomials[] = {Georef::kGcpPoly1, Georef::kGcpPoly2,
                                   Georef::kGcpPoly3};
constexpr Georef kAll[] = {Georef::kGcpPoly1, Georef::kGcpPoly2,
                           Georef::kGcpPoly3, Georef::kTps};

LocalMap At(const PointFit& fit, Point2d pixel) {
  return std::visit([pixel](const auto& map) { return map.At(pixel); }, fit);
}

// Powers of pixels from the scan's middle, in long double: an independent
// formulation of the same least-squares problem.
std::vector<long double> Powers(Point2d pixel, int order) {
  const long double u = (pixel.x - 3000.0L) / 3000.0L;
  const long double v = (pixel.y - 2000.0L) / 3000.0L;
  std::vector<long double> powers;
  for (int total = 0; total <= order; ++total) {
    for (int i = 0; i <= total; ++i) {
      powers.push_back(std::pow(u, total - i) * std::pow(v, i));
    }
  }
  return powers;
}

// Least squares by Gram-Schmidt orthogonalisation, twice over, of the columns
// with the right side as the last; returns the residuals.
std::vector<long double> ResidualsByGramSchmidt(
    const std::vector<ControlPoint>& points, int order) {
  const size_t n = points.size();
  const size_t k = Powers({0, 0}, order).size();
  std::vector<std::vector<long double>> columns(k + 1,
                                                std::vector<long double>(n));
  for (size_t i = 0; i < n; ++i) {
    const auto powers = Powers(points[i].pixel, order);
    for (size_t j = 0; j < k; ++j) columns[j][i] = powers[j];
    columns[k][i] = points[i].ground.x - 2600000.0L;
  }
  for (size_t j = 0; j <= k; ++j) {
    for (int pass = 0; pass < 2; ++pass) {
      for (size_t q = 0; q < j; ++q) {
        long double dot = 0;
        for (size_t i = 0; i < n; ++i) dot += columns[q][i] * columns[j][i];
        for (size_t i = 0; i < n; ++i) columns[j][i] -= dot * columns[q][i];
      }
    }
    if (j == k) break;
    long double norm = 0;
    for (const long double v : columns[j]) norm += v * v;
    for (long double& v : columns[j]) v /= std::sqrt(norm);
  }
  return columns[k];
}

TEST(PointFit, IsTheLeastSquaresPolynomial) {
  const std::vector<ControlPoint> points = Scattered(40, 2.0);
  for (int order = 1; order <= 3; ++order) {
    const PolynomialFit fit(points, order);
    const auto expected = ResidualsByGramSchmidt(points, order);
    for (size_t i = 0; i < points.size(); ++i) {
      EXPECT_NEAR(points[i].ground.x - fit.At(points[i].pixel).ground.x,
                  static_cast<double>(expected[i]), 1e-6)
          << order;
    }
  }
}

TEST(PointFit, ReproducesAPolynomialOfItsOrder) {
  const PolynomialFit fit(Scattered(14, 0.0), 3);
  for (const ControlPoint& p : Scattered(50, 0.0, 99)) {
    EXPECT_NEAR(fit.At(p.pixel).ground.x, p.ground.x, 1e-6);
    EXPECT_NEAR(fit.At(p.pixel).ground.y, p.ground.y, 1e-6);
  }
}

TEST(PointFit, AgreesWithGdal) {
  InitGdal({});
  const std::vector<ControlPoint> points = Scattered(25, 3.0);
  std::vector<GDAL_GCP> gcps;
  static char empty[] = "";
  for (const ControlPoint& p : points) {
    gcps.push_back(
        {empty, empty, p.pixel.x, p.pixel.y, p.ground.x, p.ground.y, 0});
  }
  const int count = static_cast<int>(gcps.size());
  for (const Georef kind : kAll) {
    const bool spline = kind == Georef::kTps;
    const int order = kind == Georef::kGcpPoly1   ? 1
                      : kind == Georef::kGcpPoly2 ? 2
                                                  : 3;
    void* gdal =
        spline ? GDALCreateTPSTransformer(count, gcps.data(), FALSE)
               : GDALCreateGCPTransformer(count, gcps.data(), order, FALSE);
    ASSERT_NE(gdal, nullptr);
    const PointFit fit = MakePointFit(points, kind);
    for (const ControlPoint& p : Scattered(30, 0.0, 17)) {
      double x = p.pixel.x;
      double y = p.pixel.y;
      double z = 0;
      int ok = 0;
      (spline ? GDALTPSTransform : GDALGCPTransform)(gdal, FALSE, 1, &x, &y, &z,
                                                     &ok);
      ASSERT_TRUE(ok);
      const Point2d ours = At(fit, p.pixel).ground;
      EXPECT_NEAR(ours.x, x, 1e-3) << GeorefName(kind);
      EXPECT_NEAR(ours.y, y, 1e-3) << GeorefName(kind);
    }
    GDALDestroyTransformer(gdal);
  }
}

TEST(PointFit, LeavesOneOutAsARefitWould) {
  const std::vector<ControlPoint> points = Scattered(16, 4.0);
  for (const Georef kind : kAll) {
    const auto left_out =
        std::visit([](const auto& map) { return map.LeaveOneOut(); },
                   MakePointFit(points, kind));
    for (size_t i = 0; i < points.size(); ++i) {
      std::vector<ControlPoint> others = points;
      others.erase(others.begin() + static_cast<std::ptrdiff_t>(i));
      const Point2d there =
          At(MakePointFit(others, kind), points[i].pixel).ground;
      ASSERT_TRUE(left_out[i].has_value());
      EXPECT_NEAR(left_out[i]->x, points[i].ground.x - there.x, 1e-4)
          << GeorefName(kind);
      EXPECT_NEAR(left_out[i]->y, points[i].ground.y - there.y, 1e-4)
          << GeorefName(kind);
    }
  }
}

TEST(PointFit, HasNoLeaveOneOutWhereTheOthersDetermineNothing) {
  // The fourth point alone lies off the line of the others.
  const std::vector<ControlPoint> points{{{0, 0}, {0, 0}},
                                         {{10, 0}, {10, 0}},
                                         {{20, 0}, {20, 0}},
                                         {{10, 10}, {10, -10}}};
  for (const Georef kind : {Georef::kGcpPoly1, Georef::kTps}) {
    const auto left_out =
        std::visit([](const auto& map) { return map.LeaveOneOut(); },
                   MakePointFit(points, kind));
    EXPECT_TRUE(left_out[0].has_value());
    EXPECT_FALSE(left_out[3].has_value());
  }
}

TEST(PointFit, KnowsItsDerivatives) {
  for (const Georef kind : kAll) {
    const PointFit fit = MakePointFit(Scattered(20, 3.0), kind);
    for (const Point2d p : {Point2d{100, 200}, Point2d{3000.5, 1999}}) {
      constexpr double kStep = 0.01;
      const LocalMap map = At(fit, p);
      const Point2d right = At(fit, {p.x + kStep, p.y}).ground;
      const Point2d left = At(fit, {p.x - kStep, p.y}).ground;
      const Point2d below = At(fit, {p.x, p.y + kStep}).ground;
      const Point2d above = At(fit, {p.x, p.y - kStep}).ground;
      EXPECT_NEAR(map.per_column.x, (right.x - left.x) / (2 * kStep), 1e-6);
      EXPECT_NEAR(map.per_column.y, (right.y - left.y) / (2 * kStep), 1e-6);
      EXPECT_NEAR(map.per_row.x, (below.x - above.x) / (2 * kStep), 1e-6);
      EXPECT_NEAR(map.per_row.y, (below.y - above.y) / (2 * kStep), 1e-6);
    }
  }
}

TEST(PointFit, SplineMeetsEveryPoint) {
  const std::vector<ControlPoint> points = Scattered(30, 5.0);
  const SplineFit fit(points);
  for (const ControlPoint& p : points) {
    EXPECT_NEAR(fit.At(p.pixel).ground.x, p.ground.x, 1e-6);
    EXPECT_NEAR(fit.At(p.pixel).ground.y, p.ground.y, 1e-6);
  }
}

TEST(PointFit, LeveragesAddUpToTheUnknowns) {
  const std::vector<ControlPoint> points = Scattered(20, 1.0);
  for (int order = 1; order <= 3; ++order) {
    const PolynomialFit fit(points, order);
    double sum = 0.0;
    for (const ControlPoint& p : points) sum += fit.Leverage(p.pixel);
    EXPECT_NEAR(sum, static_cast<double>(PointsNeeded(kPolynomials[order - 1])),
                1e-9);
    EXPECT_GT(fit.Leverage({20000, 20000}), 10.0);
  }
}

TEST(PointFit, RefusesPointsThatDetermineNoFit) {
  for (const Georef kind : kAll) {
    const std::vector<ControlPoint> few =
        Scattered(PointsNeeded(kind) - 1, 0.0);
    EXPECT_THAT(ErrorOf([&] { MakePointFit(few, kind); }).Message(),
                HasSubstr("at least"));
    std::vector<ControlPoint> line = Scattered(20, 0.0);
    for (ControlPoint& p : line) p.pixel.y = 2.0 * p.pixel.x + 7.0;
    EXPECT_THAT(ErrorOf([&] { MakePointFit(line, kind); }).Message(),
                HasSubstr("they lie on one"));
  }
  std::vector<ControlPoint> circle = Scattered(20, 0.0);
  for (size_t i = 0; i < circle.size(); ++i) {
    const double angle = 0.3 * static_cast<double>(i);
    circle[i].pixel = {3000 + 900 * std::cos(angle),
                       2000 + 900 * std::sin(angle)};
  }
  EXPECT_NO_THROW(MakePointFit(circle, Georef::kGcpPoly1));
  EXPECT_THAT(
      ErrorOf([&] { MakePointFit(circle, Georef::kGcpPoly2); }).Message(),
      HasSubstr("conic"));
  std::vector<ControlPoint> twice = Scattered(6, 0.0);
  twice[4].pixel = twice[1].pixel;
  EXPECT_THAT(ErrorOf([&] { MakePointFit(twice, Georef::kTps); }).Message(),
              HasSubstr("points 2 and 5 lie at one pixel"));
}

// Pixel -> ground -> pixel, also over the sheet's edges.
TEST(Georeference, RoundTripsToAHundredthOfAPixel) {
  const std::vector<ControlPoint> points = Scattered(25, 1.0);
  std::vector<Georeference> maps;
  for (const Georef kind : kAll) maps.emplace_back(points, kind);
  maps.emplace_back(GeoTransform({2600000, 0.5, 0.1, 1200000, 0.1, -0.5}));
  maps.emplace_back(GeoTransform({106.7, 1e-6, 0, 10.8, 0, -1e-6}));
  // South-up.
  maps.emplace_back(GeoTransform({2600000, 0.5, 0, 1200000, 0, 0.5}));
  for (const Georeference& map : maps) {
    for (int x = -60; x <= 6060; x += 612) {
      for (int y = -40; y <= 4040; y += 408) {
        const Point2d pixel{x + 0.25, y + 0.75};
        const Point2d back = map.PixelFromCrs(map.CrsFromPixel(pixel));
        EXPECT_NEAR(back.x, pixel.x, 0.001);
        EXPECT_NEAR(back.y, pixel.y, 0.001);
      }
    }
  }
}

}  // namespace
}  // namespace mapweave::geo
