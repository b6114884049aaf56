// SPDX-License-Identifier: MIT
#include "synth/world.h"

#include "core/error.h"
#include "synth/shapes.h"
#include "tracking/mask.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <set>
#include <utility>

namespace mapweave::synth {
namespace {

WorldOptions SmallTown(uint64_t seed = 3) {
  WorldOptions options;
  options.seed = seed;
  options.width_px = 700;
  options.height_px = 600;
  options.margin_px = 30.0;
  options.building_px = 12.0;
  return options;
}

TEST(World, IsAPureFunctionOfItsOptions) {
  const World a = MakeWorld(SmallTown());
  const World b = MakeWorld(SmallTown());
  ASSERT_EQ(a.buildings.size(), b.buildings.size());
  ASSERT_GT(a.buildings.size(), 100u);
  for (size_t i = 0; i < a.buildings.size(); ++i) {
    for (size_t t = 0; t < 4; ++t) {
      ASSERT_EQ(a.buildings[i].footprint[t].size(),
                b.buildings[i].footprint[t].size());
      if (a.buildings[i].footprint[t].empty()) continue;
      EXPECT_EQ(a.buildings[i].footprint[t][0].shell,
                b.buildings[i].footprint[t][0].shell);
    }
  }
}

TEST(World, ChangesWithTheSeed) {
  const World a = MakeWorld(SmallTown(3));
  const World b = MakeWorld(SmallTown(4));
  EXPECT_NE(MeanPoint(a.blocks.at(0).outline),
            MeanPoint(b.blocks.at(0).outline));
}

TEST(World, NumbersBuildingsOnceAndFromOne) {
  const World world = MakeWorld(SmallTown());
  std::set<uint64_t> seen;
  for (const WorldBuilding& building : world.buildings)
    EXPECT_TRUE(seen.insert(building.identity).second);
  EXPECT_EQ(*seen.begin(), 1u);
  EXPECT_EQ(*seen.rbegin(), world.buildings.size());
}

TEST(World, DrawsOnlyWhatStands) {
  WorldOptions options = SmallTown();
  options.omission = 0.1;
  const World world = MakeWorld(options);
  int omitted = 0;
  for (const WorldBuilding& building : world.buildings) {
    for (size_t t = 0; t < 4; ++t) {
      const bool drawn = !building.footprint[t].empty();
      EXPECT_TRUE(building.stands[t] || !drawn);
      if (building.stands[t] && !drawn) {
        EXPECT_EQ(building.events[t], WorldEvent::kOmitted);
        ++omitted;
      }
    }
  }
  EXPECT_GT(omitted, 10);
}

// A life is one unbroken span: what is pulled down comes back as another.
TEST(World, GivesEveryBuildingOneSpanOfLife) {
  const World world = MakeWorld(SmallTown());
  for (const WorldBuilding& building : world.buildings) {
    int starts = 0;
    for (size_t t = 0; t < 4; ++t) {
      const bool before = t > 0 && building.stands[t - 1];
      if (building.stands[t] && !before) ++starts;
    }
    EXPECT_EQ(starts, 1) << building.identity;
  }
}

TEST(World, KeepsMostBuildingsFromEditionToEdition) {
  WorldOptions options = SmallTown();
  options.change = 0.25;
  const World world = MakeWorld(options);
  int stood = 0;
  int stayed = 0;
  std::map<WorldEvent, int> events;
  for (const WorldBuilding& building : world.buildings) {
    for (size_t t = 1; t < 4; ++t) {
      ++events[building.events[t]];
      if (!building.stands[t - 1]) continue;
      ++stood;
      stayed += building.stands[t] ? 1 : 0;
    }
  }
  EXPECT_GT(stayed, 0.80 * stood);
  EXPECT_LT(stayed, 0.98 * stood);
  for (WorldEvent event :
       {WorldEvent::kBuilt, WorldEvent::kEnlarged, WorldEvent::kReduced,
        WorldEvent::kReshaped, WorldEvent::kRedrawn, WorldEvent::kOmitted,
        WorldEvent::kDemolished, WorldEvent::kRebuilt}) {
    EXPECT_GT(events[event], 0) << static_cast<int>(event);
  }
}

TEST(World, EnlargesWhatItCallsEnlarged) {
  const World world = MakeWorld(SmallTown());
  for (const WorldBuilding& building : world.buildings) {
    for (size_t t = 1; t < 4; ++t) {
      if (building.events[t] != WorldEvent::kEnlarged) continue;
      if (building.footprint[t].empty() || building.footprint[t - 1].empty())
        continue;
      EXPECT_GT(std::abs(SignedArea(building.footprint[t][0].shell)),
                std::abs(SignedArea(building.footprint[t - 1][0].shell)));
    }
  }
}

TEST(World, KeepsTheMarginAndTheSizesOfBuildings) {
  const WorldOptions options = SmallTown();
  const World world = MakeWorld(options);
  for (const WorldBuilding& building : world.buildings) {
    for (const MultiPolygon& footprint : building.footprint) {
      for (const Polygon& polygon : footprint) {
        const Box box = BoundsOf(polygon.shell);
        EXPECT_GT(box.min_x, 20.0);
        EXPECT_LT(box.max_x, options.width_px - 20.0);
        EXPECT_GT(box.max_x - box.min_x, 1.5);
        EXPECT_LT(box.max_x - box.min_x, 200.0);
      }
    }
  }
}

TEST(World, LetsBuildingsHardlyOverlap) {
  const World world = MakeWorld(SmallTown());
  tracking::Mask all;
  int64_t sum = 0;
  for (const WorldBuilding& building : world.buildings) {
    const auto mask = tracking::Mask::FromPolygons(building.footprint[0]);
    sum += mask.Area();
    all = all.Union(mask);
  }
  ASSERT_GT(sum, 0);
  EXPECT_GT(static_cast<double>(all.Area()), 0.98 * static_cast<double>(sum));
}

TEST(World, WithoutDensityHasNoBuildings) {
  WorldOptions options = SmallTown();
  options.density = 0.0;
  const World world = MakeWorld(options);
  EXPECT_TRUE(world.buildings.empty());
  EXPECT_FALSE(world.blocks.empty());
}

TEST(World, MakesEveryPlan) {
  for (PlanFamily plan : {PlanFamily::kGrid, PlanFamily::kOrganic,
                          PlanFamily::kRural, PlanFamily::kRingAndGrid,
                          PlanFamily::kDenseCore, PlanFamily::kVillage}) {
    WorldOptions options = SmallTown();
    options.plan = plan;
    EXPECT_GT(MakeWorld(options).buildings.size(), 30u)
        << static_cast<int>(plan);
  }
}

// Buildings drawn on the first edition per square kilometre at a metre per
// pixel, in the densest and in the emptiest square of 200 pixels.
std::pair<double, double> Densities(const World& world) {
  constexpr int kSide = 200;
  std::map<std::pair<int, int>, int> counts;
  for (int y = 0; y + kSide <= world.options.height_px; y += kSide)
    for (int x = 0; x + kSide <= world.options.width_px; x += kSide)
      counts[{x / kSide, y / kSide}] = 0;
  for (const WorldBuilding& building : world.buildings) {
    if (building.footprint[0].empty()) continue;
    const Point2d p = MeanPoint(building.footprint[0][0].shell);
    const auto cell = counts.find(
        {static_cast<int>(p.x) / kSide, static_cast<int>(p.y) / kSide});
    if (cell != counts.end()) ++cell->second;
  }
  const auto [low, high] = std::ranges::minmax_element(
      counts, {}, [](const auto& cell) { return cell.second; });
  constexpr double kPerKm2 = 1e6 / (kSide * kSide);
  return {low->second * kPerKm2, high->second * kPerKm2};
}

TEST(World, IsDenseInTheCoreAndOpenAround) {
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    WorldOptions options;
    options.seed = seed;
    options.plan = PlanFamily::kDenseCore;
    options.margin_px = 0.0;
    options.water = 0.0;
    const auto [low, high] = Densities(MakeWorld(options));
    EXPECT_GT(high, 1500.0) << seed;
    EXPECT_LT(low, 300.0) << seed;
  }
}

TEST(World, HasBuildingsFromFivePixels) {
  WorldOptions options = SmallTown();
  options.building_px = 6.0;
  const World world = MakeWorld(options);
  int small = 0;
  for (const WorldBuilding& building : world.buildings) {
    for (const MultiPolygon& footprint : building.footprint) {
      for (const Polygon& polygon : footprint) {
        const Box box = BoundsOf(polygon.shell);
        small += box.max_x - box.min_x < 7.0 && box.max_y - box.min_y < 7.0;
      }
    }
  }
  EXPECT_GT(small, 100);
}

TEST(World, DrawsContoursOfItsHeights) {
  WorldOptions options = SmallTown();
  options.relief = 1.0;
  const World world = MakeWorld(options);
  ASSERT_GT(world.relief.contours.size(), 5u);
  std::set<double> heights;
  for (const Contour& contour : world.relief.contours) {
    ASSERT_GE(contour.line.size(), 2u);
    heights.insert(contour.metres);
    for (size_t i = 0; i + 1 < contour.line.size(); ++i) {
      const Point2d p = contour.line[i];
      const Point2d slope = world.relief.field.Slope(p);
      // To a pixel or so, whatever the slope.
      EXPECT_NEAR(world.relief.field.Height(p), contour.metres,
                  1.5 * Norm(slope) + 0.15);
      // Higher ground to the right as x runs right and y down.
      const Point2d d = contour.line[i + 1] - p;
      const Point2d right = Perp(d) * (1.0 / std::max(1e-9, Norm(d)));
      const Point2d middle = (p + contour.line[i + 1]) * 0.5;
      EXPECT_GT(world.relief.field.Height(middle + right * 3.0),
                world.relief.field.Height(middle - right * 3.0));
    }
  }
  // Equal intervals.
  const double step = *std::next(heights.begin()) - *heights.begin();
  EXPECT_NEAR(*heights.rbegin() - *heights.begin(),
              step * static_cast<double>(heights.size() - 1), 1e-6);
  options.relief = 0.0;
  EXPECT_TRUE(MakeWorld(options).relief.contours.empty());
}

TEST(World, CrossesFieldsWithLines) {
  WorldOptions options = SmallTown();
  options.plan = PlanFamily::kVillage;
  options.width_px = options.height_px = 1200;
  std::set<LineKind> kinds;
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    options.seed = seed;
    for (const WorldLine& line : MakeWorld(options).lines) {
      EXPECT_GE(line.line.size(), 2u);
      EXPECT_GT(line.width_px, 0.0);
      kinds.insert(line.kind);
    }
  }
  EXPECT_GE(kinds.size(), 4u);
}

TEST(World, BendsTheDrawingSmoothly) {
  WorldOptions options = SmallTown();
  options.distortion_px = 8.0;
  const World world = MakeWorld(options);
  double farthest = 0.0;
  for (const DistortionField& field : world.distortion) {
    for (double y = 0.0; y < 600.0; y += 25.0) {
      for (double x = 0.0; x < 700.0; x += 25.0) {
        const Point2d p{x, y};
        const Point2d moved = field.Apply(p) - p;
        farthest = std::max(farthest, Norm(moved));
        const Point2d beside = field.Apply({x + 1.0, y}) - Point2d{x + 1.0, y};
        EXPECT_LT(Norm(beside - moved), 0.16);
      }
    }
  }
  EXPECT_GT(farthest, 2.5);
  EXPECT_LE(farthest, 8.0);
}

TEST(World, NamesTheOptionThatIsWrong) {
  WorldOptions options;
  options.density = 1.5;
  try {
    MakeWorld(options);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.Code(), ErrorCode::kUsage);
    EXPECT_NE(error.Message().find("density"), std::string::npos);
  }
  options = {};
  options.editions.clear();
  EXPECT_THROW(options.Validate(), Error);
  options = {};
  options.life.rebuild = -1.0;
  EXPECT_THROW(options.Validate(), Error);
  options = {};
  options.building_px = std::nan("");
  EXPECT_THROW(options.Validate(), Error);
}

}  // namespace
}  // namespace mapweave::synth
