// SPDX-License-Identifier: MIT
#include "synth/footprints.h"

#include "core/error.h"
#include "core/json.h"
#include "synth/outline.h"
#include "synth/shapes.h"
#include "tracking/mask.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>

namespace mapweave::synth {
namespace {

namespace fs = std::filesystem;
using tracking::LineageKind;

WorldOptions Window(size_t editions) {
  WorldOptions options;
  options.width_px = 200;
  options.height_px = 160;
  options.margin_px = 0.0;
  options.editions.clear();
  for (size_t t = 0; t < editions; ++t)
    options.editions.push_back(std::to_string(1860 + 20 * t));
  options.omission = 0.0;
  options.distortion_px = 0.0;
  options.unsteadiness_px = 0.0;
  options.water = 0.0;
  return options;
}

FootprintLife House(double x, double y, double w, double h,
                    std::vector<bool> stands) {
  return {{{RectangleRing({x, y, x + w, y + h}), {}}}, std::move(stands)};
}

std::vector<WorldLink> LinksOf(const World& world, LineageKind kind) {
  std::vector<WorldLink> links;
  for (const WorldLink& link : world.links)
    if (link.kind == kind) links.push_back(link);
  return links;
}

TEST(Footprints, StandWhereTheyAreAndWhen) {
  const World world =
      MakeWorldFrom(Window(3), {House(20, 20, 12, 10, {true, true, true}),
                                House(40, 20, 12, 10, {false, true, false})});
  ASSERT_EQ(world.buildings.size(), 2u);
  EXPECT_EQ(world.buildings[1].identity, 2u);
  EXPECT_EQ(world.buildings[0].footprint[2].at(0).shell,
            RectangleRing({20, 20, 32, 30}));
  EXPECT_TRUE(world.buildings[1].footprint[0].empty());
  EXPECT_FALSE(world.buildings[1].footprint[1].empty());
  const std::vector<WorldLink> expected = {
      {1, 1, 0, 1, LineageKind::kPersist},
      {0, 2, 0, 1, LineageKind::kAppear},
      {1, 1, 1, 2, LineageKind::kPersist},
      {2, 0, 1, 2, LineageKind::kDisappear}};
  ASSERT_EQ(world.links.size(), 4u);
  for (const WorldLink& link : expected)
    EXPECT_NE(std::ranges::find(world.links, link), world.links.end());
}

TEST(Footprints, LinkOneToOneAsRebuilt) {
  const World world =
      MakeWorldFrom(Window(2), {House(20, 20, 20, 20, {true, false}),
                                House(24, 20, 20, 16, {false, true})});
  ASSERT_EQ(world.links.size(), 1u);
  EXPECT_EQ(world.links[0], (WorldLink{1, 2, 0, 1, LineageKind::kRebuild}));
}

TEST(Footprints, LinkByHowManyOverlap) {
  const std::vector<bool> before = {true, false};
  const std::vector<bool> after = {false, true};
  const World world = MakeWorldFrom(
      Window(2),
      {// One into two,
       House(10, 10, 20, 10, before), House(10, 10, 9, 10, after),
       House(20, 10, 10, 10, after),
       // two into one,
       House(10, 50, 10, 10, before), House(20, 50, 10, 10, before),
       House(10, 50, 20, 10, after),
       // two into two across each other: each of the new covers most of both.
       House(10, 90, 12, 20, before), House(22, 90, 8, 20, before),
       House(10, 90, 20, 12, after), House(10, 102, 20, 8, after),
       // Side by side: no link.
       House(100, 10, 10, 10, before), House(110, 10, 10, 10, after)});
  const auto split = LinksOf(world, LineageKind::kSplit);
  ASSERT_EQ(split.size(), 2u);
  EXPECT_EQ(split[0].from, 1u);
  EXPECT_EQ(split[1].to, 3u);
  const auto merge = LinksOf(world, LineageKind::kMerge);
  ASSERT_EQ(merge.size(), 2u);
  EXPECT_EQ(merge[0].to, 6u);
  EXPECT_EQ(LinksOf(world, LineageKind::kRecompose).size(), 3u);
  EXPECT_EQ(LinksOf(world, LineageKind::kAppear).size(), 1u);
  EXPECT_EQ(LinksOf(world, LineageKind::kDisappear).size(), 1u);
}

TEST(Footprints, GiveOverlapsToTheLaterRecord) {
  const World world = MakeWorldFrom(Window(1), {House(20, 20, 20, 20, {true}),
                                                House(30, 30, 20, 20, {true})});
  EXPECT_NEAR(AreaOf(world.buildings[0].footprint[0].at(0)), 300.0, 1e-6);
  EXPECT_NEAR(AreaOf(world.buildings[1].footprint[0].at(0)), 400.0, 1e-6);
}

TEST(Footprints, KeepOutlinesOfDifferentTimes) {
  const World world =
      MakeWorldFrom(Window(2), {House(20, 20, 20, 20, {true, false}),
                                House(30, 30, 20, 20, {false, true})});
  EXPECT_NEAR(AreaOf(world.buildings[0].footprint[0].at(0)), 400.0, 1e-6);
}

// Two rows of houses with a street between them.
TEST(Footprints, LayBlocksStreetsAndParcelsAround) {
  std::vector<FootprintLife> lives;
  for (int i = 0; i < 10; ++i) {
    lives.push_back(House(20 + 14 * i, 40, 14, 14, {true}));
    lives.push_back(House(20 + 14 * i, 70, 14, 14, {true}));
  }
  const World world = MakeWorldFrom(Window(1), lives);
  EXPECT_NEAR(world.options.building_px, 14.0, 1e-9);
  ASSERT_EQ(world.streets.size(), 1u);
  for (const Point2d& p : world.streets[0].centreline) {
    if (p.x > 30 && p.x < 150) {
      EXPECT_NEAR(p.y, 62.0, 2.0);
    }
  }
  EXPECT_NE(world.buildings[0].block, world.buildings[1].block);
  for (const WorldBuilding& building : world.buildings) {
    const WorldBlock& block = world.blocks.at(building.block);
    const Point2d middle = MeanPoint(building.footprint[0][0].shell);
    EXPECT_TRUE(Contains(block.outline, middle));
    int around = 0;
    for (const Ring& parcel : block.parcels)
      around += Contains(parcel, middle) ? 1 : 0;
    EXPECT_EQ(around, 1);
  }
}

TEST(Footprints, MayLieBeyondTheWindowOrBeNone) {
  EXPECT_TRUE(MakeWorldFrom(Window(2), {}).buildings.empty());
  const World world = MakeWorldFrom(
      Window(1), {House(-500, -500, 20, 20, {true}), {{}, {true}}});
  EXPECT_EQ(world.buildings.size(), 2u);
  for (const WorldBuilding& building : world.buildings)
    EXPECT_LT(building.block, world.blocks.size());
}

TEST(Footprints, NameTheRecordThatIsWrong) {
  const auto message = [](std::vector<bool> stands) -> std::string {
    try {
      MakeWorldFrom(Window(3), {House(1, 1, 9, 9, {true, true, true}),
                                House(20, 1, 9, 9, std::move(stands))});
    } catch (const Error& error) {
      EXPECT_EQ(error.Code(), ErrorCode::kBadInput);
      return error.Message();
    }
    return "no error";
  };
  EXPECT_NE(message({true}).find("building 1"), std::string::npos);
  EXPECT_NE(message({true, false, true}).find("comes back"), std::string::npos);
}

class Amsterdam : public testing::Test {
 protected:
  void SetUp() override {
    const char* named = std::getenv("MAPWEAVE_DATA");
    const fs::path file = fs::path(named != nullptr ? named : MAPWEAVE_DATA) /
                          "amsterdam" / "buildings_pqr_epsg28992.geojson";
    if (!fs::exists(file))
      GTEST_SKIP() << file << " is absent; set MAPWEAVE_DATA";
    const Json document = ReadJson(file);
    for (const Json& feature : document.at("features")) {
      const Json& life = feature.at("properties");
      FootprintLife record;
      for (const int year : {1880, 1910, 1940, 1970, 2000}) {
        record.stands.push_back(
            (life.at("start").is_null() || life.at("start") <= year) &&
            (life.at("end").is_null() || life.at("end") > year));
      }
      Polygon polygon;
      for (const Json& ring : feature.at("geometry").at("coordinates")) {
        Ring points;
        for (size_t k = 0; k + 1 < ring.size(); ++k) {
          points.push_back({ring[k][0].get<double>() - 121735.0,
                            487211.0 - ring[k][1].get<double>()});
        }
        (polygon.shell.empty() ? polygon.shell : polygon.holes.emplace_back()) =
            points;
      }
      record.outline = {polygon};
      lives_.push_back(std::move(record));
    }
  }

  std::vector<FootprintLife> lives_;
};

TEST_F(Amsterdam, BecomesAWorldWithoutOverlaps) {
  WorldOptions options = Window(5);
  options.width_px = 612;
  options.height_px = 640;
  const World world = MakeWorldFrom(options, lives_);
  ASSERT_EQ(world.buildings.size(), lives_.size());
  for (size_t t = 0; t < 5; ++t) {
    std::vector<tracking::Run> runs;
    int64_t sum = 0;
    for (const WorldBuilding& building : world.buildings) {
      const auto mask = tracking::Mask::FromPolygons(building.footprint[t]);
      sum += mask.Area();
      runs.insert(runs.end(), mask.Runs().begin(), mask.Runs().end());
    }
    const auto all = tracking::Mask::FromRuns(std::move(runs));
    EXPECT_GT(static_cast<double>(all.Area()),
              0.995 * static_cast<double>(sum));
    EXPECT_GT(sum, 20000);
  }
  // Whatever is drawn on one of the later editions is explained once.
  std::map<std::pair<uint64_t, int>, std::set<LineageKind>> before;
  for (const WorldLink& link : world.links)
    if (link.to != 0) before[{link.to, link.to_edition}].insert(link.kind);
  size_t drawn = 0;
  for (const WorldBuilding& building : world.buildings)
    for (size_t t = 1; t < 5; ++t)
      drawn += building.footprint[t].empty() ? 0 : 1;
  EXPECT_EQ(before.size(), drawn);
  for (const auto& [drawing, kinds] : before) EXPECT_EQ(kinds.size(), 1u);
  EXPECT_GT(LinksOf(world, LineageKind::kMerge).size(), 20u);
  EXPECT_GT(world.streets.size(), 5u);
}

}  // namespace
}  // namespace mapweave::synth
