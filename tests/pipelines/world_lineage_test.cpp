// SPDX-License-Identifier: MIT
//
// What is told of three editions when the sheets of the middle one, or of an
// outer one, are missing.
#include "pipelines/world_lineage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace mapweave::pipelines {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;
using tracking::LineageKind;

constexpr LineageKind kPersist = LineageKind::kPersist;

// A world of `buildings` with these links, on four editions.
class Case {
 public:
  Case(size_t buildings, std::vector<synth::WorldLink> links) {
    world_.options.editions = {"1860", "1880", "1900", "1920"};
    for (size_t i = 0; i < buildings; ++i) {
      world_.buildings.emplace_back().identity = i + 1;
    }
    world_.links = std::move(links);
  }

  // One text per building: '#' seen, '.' covered but not seen, ' ' hidden.
  std::vector<std::string> Told(const std::vector<std::string>& rows) const {
    WorldSights sights;
    for (const std::string& row : rows) {
      std::vector<bool>& seen = sights.seen.emplace_back();
      std::vector<bool>& covered = sights.covered.emplace_back();
      for (const char c : row) {
        seen.push_back(c == '#');
        covered.push_back(c != ' ');
      }
    }
    std::vector<std::string> told;
    for (const tracking::LineageEvent& e : SeenLineage(world_, sights)) {
      const auto name = [](const std::optional<size_t>& track) {
        return track ? std::to_string(*track + 1) : std::string("-");
      };
      told.push_back(name(e.from_track) + "@" + std::to_string(e.from_edition) +
                     " " + tracking::LineageKindName(e.kind) + " " +
                     name(e.to_track) + "@" + std::to_string(e.to_edition));
    }
    return told;
  }

 private:
  synth::World world_;
};

TEST(SeenLineage, TellsTheLinksWhereEverythingIsSeen) {
  const Case world(3, {{1, 1, 0, 1, LineageKind::kEnlarge},
                       {1, 2, 1, 2, LineageKind::kSplit},
                       {1, 3, 1, 2, LineageKind::kSplit},
                       {2, 2, 2, 3, kPersist},
                       {3, 0, 2, 3, LineageKind::kDisappear}});
  EXPECT_THAT(world.Told({"##..", "..##", "..#."}),
              ElementsAre("1@0 enlarge 1@1", "1@1 split 2@2", "1@1 split 3@2",
                          "2@2 persist 2@3", "3@2 disappear -@3"));
}

TEST(SeenLineage, JoinsChangesOverAHiddenEdition) {
  const auto joined = [](LineageKind a, LineageKind b) {
    const Case world(1, {{1, 1, 0, 1, a}, {1, 1, 1, 2, b}});
    return world.Told({"# # "});
  };
  EXPECT_THAT(joined(kPersist, kPersist), ElementsAre("1@0 persist 1@2"));
  EXPECT_THAT(joined(kPersist, LineageKind::kRedrawn),
              ElementsAre("1@0 redrawn 1@2"));
  EXPECT_THAT(joined(LineageKind::kRedrawn, LineageKind::kReduce),
              ElementsAre("1@0 reduce 1@2"));
  EXPECT_THAT(joined(LineageKind::kEnlarge, LineageKind::kEnlarge),
              ElementsAre("1@0 enlarge 1@2"));
  EXPECT_THAT(joined(LineageKind::kEnlarge, LineageKind::kReduce),
              ElementsAre("1@0 reshape 1@2"));
}

TEST(SeenLineage, JoinsEventsBetweenBuildings) {
  // One becomes two, of which one is enlarged, on an edition nobody has.
  const Case world(2, {{1, 1, 0, 1, LineageKind::kSplit},
                       {1, 2, 0, 1, LineageKind::kSplit},
                       {1, 1, 1, 2, LineageKind::kEnlarge},
                       {2, 2, 1, 2, kPersist}});
  EXPECT_THAT(world.Told({"# # ", ". # "}),
              ElementsAre("1@0 split 1@2", "1@0 split 2@2"));
  // Two become one, which becomes two others.
  const Case anew(5, {{1, 3, 0, 1, LineageKind::kMerge},
                      {2, 3, 0, 1, LineageKind::kMerge},
                      {3, 4, 1, 2, LineageKind::kSplit},
                      {3, 5, 1, 2, LineageKind::kSplit}});
  EXPECT_THAT(anew.Told({"# . ", "# . ", ". . ", ". # ", ". # "}),
              UnorderedElementsAre("1@0 recompose 4@2", "1@0 recompose 5@2",
                                   "2@0 recompose 4@2", "2@0 recompose 5@2"));
}

TEST(SeenLineage, AGapIsOnlyWhereSomebodyLooked) {
  const Case world(1, {{1, 1, 0, 2, LineageKind::kGap}});
  EXPECT_THAT(world.Told({"#.# "}), ElementsAre("1@0 gap 1@2"));
  EXPECT_THAT(world.Told({"# # "}), ElementsAre("1@0 persist 1@2"));
  // Left out by one surveyor, on a lost sheet of the next.
  const Case longer(1,
                    {{1, 1, 0, 2, LineageKind::kGap}, {1, 1, 2, 3, kPersist}});
  EXPECT_THAT(longer.Told({"#. #"}), ElementsAre("1@0 gap 1@3"));
}

TEST(SeenLineage, AbsenceCountsFromTheNearestCoveredEdition) {
  const Case world(
      1, {{0, 1, 1, 2, LineageKind::kAppear}, {1, 1, 2, 3, kPersist}});
  EXPECT_THAT(world.Told({"..##"}),
              ElementsAre("-@1 appear 1@2", "1@2 persist 1@3"));
  EXPECT_THAT(world.Told({". ##"}),
              ElementsAre("-@0 appear 1@2", "1@2 persist 1@3"));
  EXPECT_THAT(world.Told({"  ##"}), ElementsAre("1@2 persist 1@3"));
  const Case gone(1, {{1, 0, 1, 2, LineageKind::kDisappear}});
  EXPECT_THAT(gone.Told({" #.."}), ElementsAre("1@1 disappear -@2"));
  EXPECT_THAT(gone.Told({" # ."}), ElementsAre("1@1 disappear -@3"));
  EXPECT_THAT(gone.Told({" #  "}), IsEmpty());
}

TEST(SeenLineage, BuildingOfAHiddenEditionAloneIsNotTold) {
  const Case world(1, {{0, 1, 0, 1, LineageKind::kAppear},
                       {1, 0, 1, 2, LineageKind::kDisappear}});
  EXPECT_THAT(world.Told({". .."}), IsEmpty());
}

}  // namespace
}  // namespace mapweave::pipelines
