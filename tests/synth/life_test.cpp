// SPDX-License-Identifier: MIT
//
// The truth of change against the geometry that it speaks of. The towns are
// surveyed without error, so that outlines can be compared as they are.
#include "core/error.h"
#include "synth/outline.h"
#include "synth/world.h"
#include "tracking/lineage.h"
#include "tracking/outline_change.h"
#include "tracking/track.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>

namespace mapweave::synth {
namespace {

using tracking::LineageKind;
using Drawing = std::pair<uint64_t, int>;  // building, edition

WorldOptions ExactTown(uint64_t seed, PlanFamily plan) {
  WorldOptions options;
  options.seed = seed;
  options.width_px = 700;
  options.height_px = 700;
  options.margin_px = 20.0;
  options.plan = plan;
  options.change = 0.35;
  options.omission = 0.03;
  options.shed_omission = 0.3;
  options.distortion_px = 0.0;
  options.unsteadiness_px = 0.0;
  return options;
}

const std::vector<World>& Towns() {
  static const std::vector<World> kTowns = [] {
    std::vector<World> towns;
    for (uint64_t seed = 1; seed <= 3; ++seed) {
      for (PlanFamily plan :
           {PlanFamily::kGrid, PlanFamily::kOrganic, PlanFamily::kRural,
            PlanFamily::kDenseCore, PlanFamily::kVillage}) {
        towns.push_back(MakeWorld(ExactTown(seed, plan)));
      }
    }
    return towns;
  }();
  return kTowns;
}

const MultiPolygon& DrawnAs(const World& world, uint64_t id, int edition) {
  return world.buildings.at(id - 1).footprint.at(static_cast<size_t>(edition));
}

double AreaOf(const MultiPolygon& shape) {
  double area = 0.0;
  for (const Polygon& polygon : shape) area += synth::AreaOf(polygon);
  return area;
}

// What two outlines have in common.
struct Match {
  double before = 0.0;
  double after = 0.0;
  double common = 0.0;
  double IoU() const { return common / (before + after - common); }
  double OfSmaller() const { return common / std::min(before, after); }
};

Match MatchOf(const World& world, const WorldLink& link) {
  const MultiPolygon& a = DrawnAs(world, link.from, link.from_edition);
  const MultiPolygon& b = DrawnAs(world, link.to, link.to_edition);
  return {AreaOf(a), AreaOf(b), OverlapArea(a, b)};
}

// Calls check(world, link, match) for every link of the kind.
template <typename Function>
void ForEachLink(LineageKind kind, int at_least, Function&& check) {
  int seen = 0;
  for (const World& world : Towns()) {
    for (const WorldLink& link : world.links) {
      if (link.kind != kind) continue;
      SCOPED_TRACE(testing::Message()
                   << "seed " << world.options.seed << " plan "
                   << static_cast<int>(world.options.plan) << " link "
                   << link.from << " -> " << link.to << " on "
                   << link.to_edition);
      check(world, link, MatchOf(world, link));
      ++seen;
    }
  }
  EXPECT_GE(seen, at_least);
}

TEST(Life, ExplainsEveryDrawingOnce) {
  for (const World& world : Towns()) {
    const int last = static_cast<int>(world.options.editions.size()) - 1;
    std::map<Drawing, std::set<LineageKind>> before;
    std::map<Drawing, std::set<LineageKind>> after;
    std::set<WorldLink> distinct;
    for (const WorldLink& link : world.links) {
      EXPECT_TRUE(distinct.insert(link).second);
      EXPECT_LT(link.from_edition, link.to_edition);
      if (link.to != 0) before[{link.to, link.to_edition}].insert(link.kind);
      if (link.from != 0)
        after[{link.from, link.from_edition}].insert(link.kind);
    }
    size_t drawn_before = 0;
    size_t drawn_after = 0;
    for (const WorldBuilding& building : world.buildings) {
      for (int t = 0; t <= last; ++t) {
        if (building.footprint[static_cast<size_t>(t)].empty()) continue;
        if (t > 0) {
          EXPECT_EQ((before[{building.identity, t}].size()), 1u)
              << building.identity << " on " << t;
          ++drawn_before;
        }
        if (t < last) {
          EXPECT_EQ((after[{building.identity, t}].size()), 1u)
              << building.identity << " on " << t;
          ++drawn_after;
        }
      }
    }
    // And nothing else is explained.
    EXPECT_EQ(before.size(), drawn_before);
    EXPECT_EQ(after.size(), drawn_after);
    EXPECT_TRUE(
        std::ranges::is_sorted(world.links, {}, [](const WorldLink& link) {
          return std::tuple(link.from_edition, link.to_edition, link.from,
                            link.to);
        }));
  }
}

TEST(Life, LetsIdentityGoOnExactlyWhereMoreThanHalfStays) {
  for (LineageKind kind :
       {LineageKind::kSplit, LineageKind::kMerge, LineageKind::kRecompose}) {
    ForEachLink(kind, 30, [](const World&, const WorldLink& link, Match match) {
      EXPECT_EQ(link.from == link.to, match.IoU() > 0.5) << match.IoU();
      EXPECT_GE(match.OfSmaller(), 0.48);
      EXPECT_EQ(link.from_edition + 1, link.to_edition);
    });
  }
}

TEST(Life, KeepsAnUnchangedOutline) {
  ForEachLink(LineageKind::kPersist, 1000,
              [](const World& world, const WorldLink& link, Match) {
                EXPECT_EQ(link.from, link.to);
                EXPECT_EQ(DrawnAs(world, link.from, link.from_edition)[0].shell,
                          DrawnAs(world, link.to, link.to_edition)[0].shell);
              });
}

TEST(Life, EnlargesWithoutLosingGround) {
  ForEachLink(LineageKind::kEnlarge, 100,
              [](const World&, const WorldLink& link, Match match) {
                EXPECT_EQ(link.from, link.to);
                EXPECT_GT(match.common, 0.97 * match.before);
                EXPECT_GT(match.after, 1.15 * match.before);
                EXPECT_GT(match.IoU(), 0.5);
              });
}

TEST(Life, ReducesWithoutGainingGround) {
  ForEachLink(LineageKind::kReduce, 50,
              [](const World&, const WorldLink& link, Match match) {
                EXPECT_EQ(link.from, link.to);
                EXPECT_GT(match.common, 0.97 * match.after);
                EXPECT_LT(match.after, 0.87 * match.before);
                EXPECT_GT(match.IoU(), 0.5);
              });
}

TEST(Life, ReshapesByGainAndLoss) {
  ForEachLink(LineageKind::kReshape, 50,
              [](const World&, const WorldLink& link, Match match) {
                EXPECT_EQ(link.from, link.to);
                EXPECT_LT(match.common, 0.93 * match.before);
                EXPECT_LT(match.common, 0.93 * match.after);
                EXPECT_GT(match.IoU(), 0.5);
              });
}

TEST(Life, RedrawsTheSameBuilding) {
  int displaced = 0;
  ForEachLink(LineageKind::kRedrawn, 100,
              [&](const World& world, const WorldLink& link, Match match) {
                EXPECT_EQ(link.from, link.to);
                displaced += match.IoU() < 0.999 ? 1 : 0;
                // At four times the resolution, so that small houses count as
                // well.
                const auto mask = [&](int edition) {
                  MultiPolygon shape = DrawnAs(world, link.from, edition);
                  for (Polygon& polygon : shape)
                    ForEachRing(polygon, [](Ring& ring) {
                      for (Point2d& p : ring) p = p * 4.0;
                    });
                  return tracking::Mask::FromPolygons(shape);
                };
                tracking::OutlineOptions options;
                options.max_displacement_px = 64;
                EXPECT_GT(
                    tracking::CompareOutlines(mask(link.from_edition),
                                              mask(link.to_edition), options)
                        .iou,
                    0.68);
              });
  EXPECT_GT(displaced, 90);
}

TEST(Life, LeavesOutWhatStands) {
  ForEachLink(LineageKind::kGap, 20,
              [](const World& world, const WorldLink& link, Match) {
                EXPECT_EQ(link.from, link.to);
                EXPECT_GE(link.to_edition, link.from_edition + 2);
                const WorldBuilding& building = world.buildings[link.from - 1];
                for (int t = link.from_edition + 1; t < link.to_edition; ++t) {
                  const auto i = static_cast<size_t>(t);
                  EXPECT_TRUE(building.stands[i]);
                  EXPECT_TRUE(building.footprint[i].empty());
                  EXPECT_EQ(building.events[i], WorldEvent::kOmitted);
                }
              });
}

TEST(Life, RebuildsAnotherBuildingOnThePlot) {
  ForEachLink(LineageKind::kRebuild, 50,
              [](const World& world, const WorldLink& link, Match match) {
                ASSERT_NE(link.from, link.to);
                EXPECT_GT(match.OfSmaller(), 0.5);
                EXPECT_LT(match.IoU(), 0.7);
                const WorldBuilding& old = world.buildings[link.from - 1];
                const WorldBuilding& fresh = world.buildings[link.to - 1];
                for (size_t t = 0; t < old.stands.size(); ++t)
                  EXPECT_FALSE(old.stands[t] && fresh.stands[t]);
                EXPECT_EQ(fresh.events[static_cast<size_t>(link.to_edition)],
                          WorldEvent::kRebuilt);
              });
}

struct Group {
  std::set<uint64_t> before;
  std::set<uint64_t> after;
};

// Links of one kind that hang together.
std::vector<Group> GroupsOf(const World& world, LineageKind kind) {
  std::vector<std::pair<int, Group>> groups;  // with the edition
  for (const WorldLink& link : world.links) {
    if (link.kind != kind) continue;
    Group joined{{link.from}, {link.to}};
    std::erase_if(groups, [&](const auto& entry) {
      const auto& [edition, group] = entry;
      if (edition != link.to_edition || (!group.before.contains(link.from) &&
                                         !group.after.contains(link.to))) {
        return false;
      }
      joined.before.insert(group.before.begin(), group.before.end());
      joined.after.insert(group.after.begin(), group.after.end());
      return true;
    });
    groups.emplace_back(link.to_edition, std::move(joined));
  }
  std::vector<Group> out;
  for (auto& [edition, group] : groups) out.push_back(std::move(group));
  return out;
}

TEST(Life, SplitsOneIntoSeveralWithinIt) {
  int party_walls = 0;
  ForEachLink(LineageKind::kSplit, 100,
              [](const World&, const WorldLink&, Match match) {
                EXPECT_GT(match.common, 0.97 * match.after);
              });
  for (const World& world : Towns()) {
    for (const Group& group : GroupsOf(world, LineageKind::kSplit)) {
      EXPECT_EQ(group.before.size(), 1u);
      EXPECT_GE(group.after.size(), 2u);
      ++party_walls;
    }
  }
  EXPECT_GT(party_walls, 50);
}

TEST(Life, MergesSeveralIntoOneAroundThem) {
  ForEachLink(LineageKind::kMerge, 100,
              [](const World& world, const WorldLink& link, Match match) {
                EXPECT_GT(match.common, 0.97 * match.before);
                // One outline, without the walls between.
                EXPECT_EQ(DrawnAs(world, link.to, link.to_edition).size(), 1u);
              });
  for (const World& world : Towns()) {
    for (const Group& group : GroupsOf(world, LineageKind::kMerge)) {
      EXPECT_GE(group.before.size(), 2u);
      EXPECT_EQ(group.after.size(), 1u);
    }
  }
}

TEST(Life, RecomposesSeveralIntoSeveral) {
  int groups = 0;
  for (const World& world : Towns()) {
    for (const Group& group : GroupsOf(world, LineageKind::kRecompose)) {
      EXPECT_GE(group.before.size(), 2u);
      EXPECT_GE(group.after.size(), 2u);
      ++groups;
    }
  }
  EXPECT_GT(groups, 10);
}

TEST(Life, MakesTheKindsAsOftenAsAsked) {
  std::map<LineageKind, double> groups;
  double all = 0.0;
  for (const World& world : Towns()) {
    for (const WorldLink& link : world.links) {
      switch (link.kind) {
        case LineageKind::kEnlarge:
        case LineageKind::kReduce:
        case LineageKind::kReshape:
        case LineageKind::kRedrawn:
        case LineageKind::kRebuild:
        case LineageKind::kDisappear:
          all += 1.0;
          break;
        default:
          break;
      }
    }
    for (LineageKind kind :
         {LineageKind::kSplit, LineageKind::kMerge, LineageKind::kRecompose}) {
      const auto count = static_cast<double>(GroupsOf(world, kind).size());
      groups[kind] += count;
      all += count;
    }
  }
  for (const auto& [kind, count] : groups)
    RecordProperty(tracking::LineageKindName(kind),
                   std::to_string(count / all));
  EXPECT_GT(groups[LineageKind::kSplit] / all, 0.04);
  EXPECT_LT(groups[LineageKind::kSplit] / all, 0.12);
  EXPECT_GT(groups[LineageKind::kMerge] / all, 0.03);
  EXPECT_LT(groups[LineageKind::kMerge] / all, 0.10);
  EXPECT_GT(groups[LineageKind::kRecompose] / all, 0.008);
  EXPECT_LT(groups[LineageKind::kRecompose] / all, 0.04);
}

TEST(Life, MakesOnlyTheKindsThatAreAskedFor) {
  WorldOptions options = ExactTown(5, PlanFamily::kDenseCore);
  options.life = {0, 0, 0, 0, 0, 0, 0, 1, 0};
  options.life.split = 0.0;
  options.omission = options.shed_omission = 0.0;
  const World world = MakeWorld(options);
  for (const WorldLink& link : world.links) {
    EXPECT_NE(link.kind, LineageKind::kRebuild);
    EXPECT_NE(link.kind, LineageKind::kDisappear);
    EXPECT_NE(link.kind, LineageKind::kRedrawn);
    EXPECT_NE(link.kind, LineageKind::kGap);
  }
  EXPECT_GT(GroupsOf(world, LineageKind::kMerge).size(), 50u);
}

TEST(Life, LetsNothingThatStandsOverlap) {
  for (const World& world : Towns()) {
    for (size_t t = 0; t < world.options.editions.size(); ++t) {
      std::vector<tracking::Run> runs;
      int64_t sum = 0;
      for (const WorldBuilding& building : world.buildings) {
        const auto mask = tracking::Mask::FromPolygons(building.footprint[t]);
        sum += mask.Area();
        runs.insert(runs.end(), mask.Runs().begin(), mask.Runs().end());
      }
      const auto all = tracking::Mask::FromRuns(std::move(runs));
      EXPECT_GT(static_cast<double>(all.Area()),
                0.99 * static_cast<double>(sum));
    }
  }
}

// Who reads the lineage off perfect drawings finds the truth, but for
// differences within what drawings are trusted to. (Where an identity goes on
// through a split or a merger, the derivation speaks of a change in size.)
TEST(Life, IsWhatCanBeReadOffTheDrawings) {
  WorldOptions options = ExactTown(7, PlanFamily::kDenseCore);
  options.building_px = 20.0;
  const World world = MakeWorld(options);
  tracking::TrackSet tracks;
  std::vector<uint64_t> ids;
  for (const WorldBuilding& building : world.buildings) {
    std::vector<tracking::Mask> masks;
    for (const MultiPolygon& footprint : building.footprint)
      masks.push_back(tracking::Mask::FromPolygons(footprint));
    if (std::ranges::all_of(masks, &tracking::Mask::IsEmpty)) continue;
    tracks.push_back(tracking::TrackAsDrawn(std::move(masks), 1.0f));
    ids.push_back(building.identity);
  }
  const tracking::TrackCoverage covered(
      tracks.size(), std::vector<float>(options.editions.size(), 1.0f));
  std::set<WorldLink> read;
  for (const auto& events : {tracking::DeriveLineage(tracks, covered, {}),
                             tracking::DeriveSuccession(tracks, covered, {})}) {
    for (const tracking::LineageEvent& event : events) {
      read.insert({event.from_track ? ids[*event.from_track] : 0,
                   event.to_track ? ids[*event.to_track] : 0,
                   static_cast<int>(event.from_edition),
                   static_cast<int>(event.to_edition), event.kind});
    }
  }
  std::map<LineageKind, std::pair<double, double>> found;  // of how many
  for (const WorldLink& link : world.links) {
    const bool is_between = link.kind == LineageKind::kSplit ||
                            link.kind == LineageKind::kMerge ||
                            link.kind == LineageKind::kRecompose;
    if (is_between && link.from == link.to) continue;
    found[link.kind].first += read.contains(link) ? 1.0 : 0.0;
    found[link.kind].second += 1.0;
  }
  for (LineageKind kind :
       {LineageKind::kPersist, LineageKind::kAppear, LineageKind::kDisappear,
        LineageKind::kEnlarge, LineageKind::kReduce, LineageKind::kSplit,
        LineageKind::kMerge, LineageKind::kRecompose, LineageKind::kRebuild,
        LineageKind::kGap}) {
    EXPECT_GT(found[kind].second, 1.0) << tracking::LineageKindName(kind);
    EXPECT_GE(found[kind].first, 0.9 * found[kind].second)
        << tracking::LineageKindName(kind);
  }
}

TEST(Life, LeavesSmallOutbuildingsOutOfAWholeSurvey) {
  WorldOptions options = ExactTown(2, PlanFamily::kVillage);
  options.shed_omission = 1.0;
  options.omission = 0.0;
  const World world = MakeWorld(options);
  int left_out = 0;
  for (const WorldBuilding& building : world.buildings) {
    for (size_t t = 0; t < building.stands.size(); ++t) {
      if (!building.stands[t] || !building.footprint[t].empty()) continue;
      EXPECT_TRUE(building.is_outbuilding);
      ++left_out;
    }
  }
  EXPECT_GT(left_out, 20);
}

TEST(Life, NamesTheWeightThatIsWrong) {
  LifeShares shares;
  shares.merge = -0.1;
  try {
    shares.Validate();
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_NE(error.Message().find("merge"), std::string::npos);
  }
  EXPECT_THROW((LifeShares{0, 0, 0, 0, 0, 0, 0, 0, 0}.Validate()), Error);
}

}  // namespace
}  // namespace mapweave::synth
