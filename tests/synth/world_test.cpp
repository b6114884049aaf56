// SPDX-License-Identifier: MIT
#include "synth/world.h"

#include "core/error.h"
#include "synth/shapes.h"
#include "tracking/mask.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>

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
                          PlanFamily::kRural, PlanFamily::kRingAndGrid}) {
    WorldOptions options = SmallTown();
    options.plan = plan;
    EXPECT_GT(MakeWorld(options).buildings.size(), 30u)
        << static_cast<int>(plan);
  }
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
  options.building_px = std::nan("");
  EXPECT_THROW(options.Validate(), Error);
}

}  // namespace
}  // namespace mapweave::synth
