// SPDX-License-Identifier: MIT
#include "geo/fit_choice.h"

#include "core/random.h"
#include "fixtures.h"
#include "geo/fit_faults.h"

#include <cmath>

namespace mapweave::geo {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int kWidth = 6000;
constexpr int kHeight = 4000;

// `count` points with `noise` metres of scatter, in a part of the scan.
FitSite Site(size_t count, double noise,
             const std::function<Point2d(Point2d)>& bend,
             const Box& part = {0, 0, kWidth, kHeight}) {
  Rng rng(11);
  FitSite site;
  for (size_t i = 0; i < count; ++i) {
    const Point2d p{rng.Uniform(part.min_x, part.max_x),
                    rng.Uniform(part.min_y, part.max_y)};
    const Point2d b = bend(p);
    site.points.push_back({p,
                           {2600000 + 0.5 * p.x + b.x + noise * rng.Normal(),
                            1200000 - 0.5 * p.y + b.y + noise * rng.Normal()}});
  }
  site.pixels = LegiblePixels(kWidth, kHeight, {});
  return site;
}

Point2d Straight(Point2d) { return {0, 0}; }
Point2d Squares(Point2d p) { return {4e-6 * p.x * p.x, -3e-6 * p.x * p.y}; }
Point2d Cubes(Point2d p) {
  const double u = p.x / 3000 - 1;
  const double v = p.y / 2000 - 1;
  return {25 * u * u * u, 25 * v * v * v - 15 * u * u * v};
}
// Folds of paper: smooth, but no polynomial.
Point2d Waves(Point2d p) {
  return {12 * std::sin(p.x / 450), 12 * std::sin(p.y / 400)};
}

Georef Chosen(const FitSite& site) {
  return ChooseFit(site, SuspectPoints(site)).fit;
}

TEST(FitChoice, TakesTheSimplestFitThatPredictsWell) {
  EXPECT_EQ(Chosen(Site(30, 1.0, Straight)), Georef::kGcpPoly1);
  EXPECT_EQ(Chosen(Site(30, 1.0, Squares)), Georef::kGcpPoly2);
  EXPECT_EQ(Chosen(Site(40, 1.0, Cubes)), Georef::kGcpPoly3);
  EXPECT_EQ(Chosen(Site(150, 0.3, Waves)), Georef::kTps);
}

TEST(FitChoice, SaysHowItChose) {
  const FitSite site = Site(30, 1.0, Squares);
  const FitChoice choice = ChooseFit(site, {});
  for (const char* name : {"gcp-poly1", "gcp-poly2", "gcp-poly3", "tps"}) {
    EXPECT_THAT(choice.reason, HasSubstr(name));
  }
  EXPECT_THAT(ChooseFit(Site(9, 1.0, Squares), {}).reason,
              HasSubstr("9 control points are too few"));
}

TEST(FitChoice, IsNotSwayedByOneWrongPoint) {
  for (const auto& bend : {Straight, Squares}) {
    FitSite site = Site(20, 1.0, bend);
    const Georef without = Chosen(site);
    site.points[6].ground.x += 100.0;
    const std::vector<Suspect> suspects = SuspectPoints(site);
    ASSERT_EQ(suspects.size(), 1u);
    EXPECT_EQ(suspects[0].index, 6u);
    EXPECT_NEAR(suspects[0].distance_m, 100.0, 15.0);
    EXPECT_EQ(ChooseFit(site, suspects).fit, without);
    const auto doubts = Doubts(site, without, suspects);
    ASSERT_FALSE(doubts.empty());
    EXPECT_THAT(doubts[0], HasSubstr("control point 7"));
  }
}

TEST(FitChoice, SuspectsNobodyWithoutCause) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    FitSite site = Site(20, 0.0, Straight);
    Rng rng(seed, 1);
    for (ControlPoint& p : site.points) {
      p.ground.x += 5.0 * rng.Normal();
      p.ground.y += 5.0 * rng.Normal();
    }
    EXPECT_THAT(SuspectPoints(site), IsEmpty()) << seed;
  }
  EXPECT_THAT(SuspectPoints(Site(30, 1.0, Squares)), IsEmpty());
  EXPECT_THAT(SuspectPoints(Site(3, 1.0, Straight)), IsEmpty());
}

TEST(FitFaults, AcceptsPointsThatCoverTheMap) {
  for (const Georef fit : {Georef::kGcpPoly1, Georef::kGcpPoly2,
                           Georef::kGcpPoly3, Georef::kTps}) {
    EXPECT_FALSE(FaultOf(Site(30, 2.0, Squares), fit).has_value())
        << GeorefName(fit);
  }
}

TEST(FitFaults, RefusesToExtrapolateFromACorner) {
  // A fifteenth of the sheet's width, with an honest scatter of 4 m.
  const FitSite corner = Site(8, 4.0, Straight, {0, 0, 400, 400});
  const auto fault = FaultOf(corner, Georef::kGcpPoly1);
  ASSERT_TRUE(fault.has_value());
  EXPECT_THAT(fault->fault, HasSubstr("cover only a part"));
  EXPECT_THAT(fault->fault, HasSubstr("pixel (6000, 4000)"));
  EXPECT_THAT(fault->hint, HasSubstr("cutline"));
  // Inside a cutline around them the same points are good.
  FitSite cut = corner;
  cut.pixels = LegiblePixels(kWidth, kHeight,
                             {{{{0, 0}, {500, 0}, {500, 500}, {0, 500}}, {}}});
  EXPECT_FALSE(FaultOf(cut, Georef::kGcpPoly1).has_value());
  // A third order runs away sooner than a first.
  const FitSite middle = Site(20, 2.0, Straight, {1500, 1000, 4500, 3000});
  EXPECT_FALSE(FaultOf(middle, Georef::kGcpPoly1).has_value());
  EXPECT_TRUE(FaultOf(middle, Georef::kGcpPoly3).has_value());
}

TEST(FitFaults, NamesWhereASplineFolds) {
  FitSite site = Site(25, 0.5, Straight);
  // Two neighbours that contradict each other.
  site.points.push_back({{3000, 2000}, {2601500, 1199000}});
  site.points.push_back({{3010, 2000}, {2601480, 1199000}});
  const auto fault = FaultOf(site, Georef::kTps);
  ASSERT_TRUE(fault.has_value());
  EXPECT_THAT(fault->fault, HasSubstr("folds"));
  EXPECT_THAT(fault->fault, HasSubstr("around pixel (300"));
  EXPECT_THAT(fault->fault, HasSubstr("m off"));
}

TEST(FitFaults, RefusesPointsThatNoSheetCouldFit) {
  const FitSite good = Site(12, 0.5, Straight);
  ASSERT_FALSE(FaultOf(good, Georef::kGcpPoly1).has_value());
  FitSite exchanged = good;
  std::swap(exchanged.points[0].ground, exchanged.points[11].ground);
  std::swap(exchanged.points[3].ground, exchanged.points[8].ground);
  const auto misfit = FaultOf(exchanged, Georef::kGcpPoly1);
  ASSERT_TRUE(misfit.has_value());
  EXPECT_THAT(misfit->fault, HasSubstr("the worst are"));
  EXPECT_THAT(misfit->hint, HasSubstr("exchanged"));
  FitSite lopsided = good;
  for (ControlPoint& p : lopsided.points) p.pixel.x /= 5.0;
  const auto pulled = FaultOf(lopsided, Georef::kGcpPoly1);
  ASSERT_TRUE(pulled.has_value());
  EXPECT_THAT(pulled->fault, HasSubstr("5.0 times more"));
}

TEST(FitFaults, DoubtsAMirroredOrLopsidedSheet) {
  FitSite site = Site(12, 0.5, Straight);
  EXPECT_THAT(Doubts(site, Georef::kGcpPoly1, {}), IsEmpty());
  FitSite mirrored = site;
  for (ControlPoint& p : mirrored.points) std::swap(p.pixel.x, p.pixel.y);
  ASSERT_FALSE(Doubts(mirrored, Georef::kGcpPoly1, {}).empty());
  EXPECT_THAT(Doubts(mirrored, Georef::kGcpPoly1, {})[0], HasSubstr("mirror"));
  FitSite lopsided = site;
  for (ControlPoint& p : lopsided.points) p.pixel.x /= 2.0;
  EXPECT_THAT(Doubts(lopsided, Georef::kGcpPoly1, {})[0],
              HasSubstr("2.00 times more"));
}

}  // namespace
}  // namespace mapweave::geo
