// SPDX-License-Identifier: MIT
#include "tracking/lineage.h"

#include "core/error.h"
#include "core/json.h"
#include "tracking/succession.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace mapweave::tracking {
namespace {

Mask Rectangle(int x, int y, int width, int height) {
  std::vector<Run> runs;
  for (int row = y; row < y + height; ++row) {
    runs.push_back({row, x, x + width});
  }
  return Mask::FromRuns(runs);
}

const Mask kNone;
const Mask kHouse = Rectangle(20, 20, 12, 10);

// Presence 1 where seen, 0 elsewhere; links certain.
Track MakeTrack(std::vector<Mask> masks) {
  Track track;
  for (const Mask& mask : masks) {
    track.presence.push_back(mask.IsEmpty() ? 0.0f : 1.0f);
    track.link.push_back(1.0f);
  }
  track.masks = std::move(masks);
  track.score = 1.0f;
  return track;
}

TrackCoverage Everywhere(const TrackSet& tracks) {
  TrackCoverage coverage;
  for (const Track& track : tracks) {
    coverage.push_back(std::vector<float>(track.masks.size(), 1.0f));
  }
  return coverage;
}

// "kind:from-to" of each event.
std::vector<std::string> Summary(const std::vector<LineageEvent>& events) {
  std::vector<std::string> lines;
  for (const LineageEvent& event : events) {
    lines.push_back(std::string(LineageKindName(event.kind)) + ":" +
                    std::to_string(event.from_edition) + "-" +
                    std::to_string(event.to_edition));
  }
  return lines;
}

std::vector<std::string> LifeOf(std::vector<Mask> masks,
                                std::vector<float> coverage = {}) {
  const TrackSet tracks = {MakeTrack(std::move(masks))};
  TrackCoverage all = Everywhere(tracks);
  if (!coverage.empty()) all[0] = std::move(coverage);
  return Summary(DeriveLineage(tracks, all, {}));
}

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Lineage, UnchangedBuildingPersists) {
  EXPECT_THAT(LifeOf({kHouse, kHouse, kHouse}),
              ElementsAre("persist:0-1", "persist:1-2"));
}

TEST(Lineage, DisplacedDrawingPersists) {
  EXPECT_THAT(LifeOf({kHouse, kHouse.Translated(7, -5)}),
              ElementsAre("persist:0-1"));
}

TEST(Lineage, OutlineOfOnePixelMoreAllAroundPersists) {
  // Area 120 -> 168, but a pen's width explains all of it.
  EXPECT_THAT(LifeOf({kHouse, Rectangle(19, 19, 14, 12)}),
              ElementsAre("persist:0-1"));
}

TEST(Lineage, AppearsAndDisappearsBetweenCoveringEditions) {
  EXPECT_THAT(LifeOf({kNone, kHouse, kHouse, kNone}),
              ElementsAre("appear:0-1", "persist:1-2", "disappear:2-3"));
}

TEST(Lineage, AbsenceWithoutCoverageSaysNothing) {
  EXPECT_THAT(LifeOf({kNone, kHouse, kNone}, {0.1f, 1.0f, 0.7f}), IsEmpty());
  // The absence that counts is the last one that is covered.
  EXPECT_THAT(LifeOf({kNone, kNone, kHouse}, {1.0f, 0.0f, 1.0f}),
              ElementsAre("appear:0-2"));
  EXPECT_THAT(LifeOf({kHouse, kNone, kNone, kNone}, {1.0f, 0.0f, 1.0f, 1.0f}),
              ElementsAre("disappear:0-2"));
}

TEST(Lineage, SkipsEditionsThatDoNotCoverThePlace) {
  EXPECT_THAT(LifeOf({kHouse, kNone, kHouse}, {1.0f, 0.0f, 1.0f}),
              ElementsAre("persist:0-2"));
}

TEST(Lineage, CoveredAbsenceBetweenTwoSightsIsAGap) {
  EXPECT_THAT(LifeOf({kHouse, kNone, kNone, kHouse, kHouse}),
              ElementsAre("gap:0-3", "persist:3-4"));
}

TEST(Lineage, SeenCountsAsCovered) {
  EXPECT_THAT(LifeOf({kHouse, kHouse}, {0.2f, 0.0f}),
              ElementsAre("persist:0-1"));
}

TEST(Lineage, TellsGrowthLossAndReshapingApart) {
  const Mask wing = kHouse.Union(Rectangle(32, 20, 8, 10));
  EXPECT_THAT(LifeOf({kHouse, wing}), ElementsAre("enlarge:0-1"));
  EXPECT_THAT(LifeOf({wing, kHouse}), ElementsAre("reduce:0-1"));
  EXPECT_THAT(LifeOf({Rectangle(0, 0, 30, 10), Rectangle(10, -10, 10, 30)}),
              ElementsAre("reshape:0-1"));
  // Found also where the newer drawing is displaced.
  EXPECT_THAT(LifeOf({kHouse, wing.Translated(-6, 4)}),
              ElementsAre("enlarge:0-1"));
}

TEST(Lineage, ThresholdOfChangeIsAsDocumented) {
  // 20 x 10 and w columns more: all but one column lie beyond the uncertainty,
  // and more than a tenth of the larger area must.
  const Mask before = Rectangle(0, 0, 20, 10);
  // 2 columns x 10 = 20 <= 0.1 * 230
  EXPECT_THAT(LifeOf({before, Rectangle(0, 0, 23, 10)}),
              ElementsAre("persist:0-1"));
  // 3 columns x 10 = 30 > 0.1 * 240
  EXPECT_THAT(LifeOf({before, Rectangle(0, 0, 24, 10)}),
              ElementsAre("enlarge:0-1"));
  LineageOptions blunt;
  blunt.outline.uncertainty_px = 4.0;
  const TrackSet tracks = {MakeTrack({before, Rectangle(0, 0, 24, 10)})};
  EXPECT_THAT(Summary(DeriveLineage(tracks, Everywhere(tracks), blunt)),
              ElementsAre("persist:0-1"));
}

TEST(Lineage, ComparesOutlinesWithNumbers) {
  const OutlineChange change = CompareOutlines(
      Rectangle(0, 0, 10, 10), Rectangle(3, 2, 15, 10), OutlineOptions{});
  EXPECT_EQ(change.displacement, cv::Point(3, 2));
  EXPECT_EQ(change.area_before, 100);
  EXPECT_EQ(change.area_after, 150);
  EXPECT_EQ(change.gained, 40);  // 5 columns less one
  EXPECT_EQ(change.lost, 0);
  EXPECT_NEAR(change.iou, 100.0 / 150.0, 1e-12);
  EXPECT_EQ(change.kind, OutlineKind::kGained);
}

TEST(Lineage, ProbabilitiesComeFromPresenceAndLinks) {
  Track track = MakeTrack({kNone, kHouse, kHouse, kNone});
  track.presence = {0.25f, 0.5f, 0.75f, 0.125f};
  track.link = {0.0f, 0.5f, 0.0f, 0.0f};
  const TrackSet tracks = {track};
  const auto events = DeriveLineage(tracks, Everywhere(tracks), {});
  ASSERT_EQ(events.size(), 3u);
  EXPECT_DOUBLE_EQ(events[0].probability, 0.75 * 0.5);
  EXPECT_DOUBLE_EQ(events[1].probability, 0.5 * 0.5 * 0.75);
  EXPECT_DOUBLE_EQ(events[2].probability, 0.75 * 0.875);
}

TEST(Lineage, NamesTracksAndEvidence) {
  const TrackSet tracks = {MakeTrack({kHouse, kHouse, kHouse}),
                           MakeTrack({kNone, kHouse, kNone})};
  const auto events = DeriveLineage(tracks, Everywhere(tracks), {});
  ASSERT_EQ(events.size(), 4u);
  EXPECT_EQ(events[0].from_track, 0u);
  EXPECT_EQ(events[0].to_track, 0u);
  EXPECT_EQ(events[2].kind, LineageKind::kAppear);
  EXPECT_EQ(events[2].from_track, std::nullopt);
  EXPECT_EQ(events[2].to_track, 1u);
  EXPECT_EQ(events[3].from_track, 1u);
  EXPECT_EQ(events[3].to_track, std::nullopt);
  const Json evidence = ParseJson(events[0].evidence, "evidence");
  EXPECT_EQ(evidence["iou"], 1.0);
  EXPECT_EQ(evidence["gained_px"], 0);
}

TEST(Lineage, RefusesInputsThatDoNotFit) {
  const TrackSet tracks = {MakeTrack({kHouse, kHouse})};
  EXPECT_THROW(DeriveLineage(tracks, {}, {}), Error);
  EXPECT_THROW(DeriveLineage(tracks, {{1.0f}}, {}), Error);
  TrackSet bad = tracks;
  bad[0].presence.pop_back();
  EXPECT_THROW(DeriveLineage(bad, Everywhere(tracks), {}), Error);
  LineageOptions options;
  options.min_coverage = 0.0;
  EXPECT_THROW(DeriveLineage(tracks, Everywhere(tracks), options), Error);
}

TEST(Lineage, NamesOfKindsGoThereAndBack) {
  for (const char* name :
       {"persist", "appear", "disappear", "enlarge", "reduce", "reshape",
        "split", "merge", "recompose", "rebuild", "redrawn", "gap"}) {
    EXPECT_STREQ(LineageKindName(ParseLineageKind(name)), name);
  }
  EXPECT_THROW(ParseLineageKind("vanish"), Error);
}

TEST(Coverage, IsThePartOfTheWholePlaceThatIsSurveyed) {
  // The place is 20 x 10: both drawings together.
  const TrackSet tracks = {
      MakeTrack({Rectangle(0, 0, 10, 10), Rectangle(10, 0, 10, 10)})};
  cv::Mat half = cv::Mat::zeros(40, 40, CV_8UC1);
  half(cv::Rect(0, 0, 15, 40)).setTo(1);
  // A sheet that ends at row 5.
  const cv::Mat cut(5, 40, CV_8UC1, cv::Scalar(255));
  const TrackCoverage coverage = CoverageOfTracks(tracks, {half, cut});
  ASSERT_EQ(coverage.size(), 1u);
  EXPECT_FLOAT_EQ(coverage[0][0], 0.75f);
  EXPECT_FLOAT_EQ(coverage[0][1], 0.5f);
}

// --- between buildings ---

std::vector<std::string> Succession(const TrackSet& tracks) {
  std::vector<std::string> lines;
  for (const LineageEvent& event :
       DeriveSuccession(tracks, Everywhere(tracks), {})) {
    lines.push_back(std::string(LineageKindName(event.kind)) + ":" +
                    std::to_string(*event.from_track) + ">" +
                    std::to_string(*event.to_track));
  }
  return lines;
}

const Mask kLeft = Rectangle(0, 0, 10, 10);
const Mask kRight = Rectangle(11, 0, 10, 10);
const Mask kBoth = Rectangle(0, 0, 21, 10);

TEST(Succession, PartThatBecomesABuildingOfItsOwnIsASplit) {
  EXPECT_THAT(
      Succession({MakeTrack({kBoth, kLeft}), MakeTrack({kNone, kRight})}),
      ElementsAre("split:0>1"));
  // Also if neither part keeps the name.
  EXPECT_THAT(Succession({MakeTrack({kBoth, kNone}), MakeTrack({kNone, kLeft}),
                          MakeTrack({kNone, kRight})}),
              ElementsAre("split:0>1", "split:0>2"));
}

TEST(Succession, BuildingThatIsTakenInIsAMerger) {
  EXPECT_THAT(
      Succession({MakeTrack({kLeft, kBoth}), MakeTrack({kRight, kNone})}),
      ElementsAre("merge:1>0"));
}

TEST(Succession, OtherBuildingOnThePlotIsARebuilding) {
  EXPECT_THAT(Succession({MakeTrack({kLeft, kNone}),
                          MakeTrack({kNone, Rectangle(1, 1, 12, 12)})}),
              ElementsAre("rebuild:0>1"));
  // Not if the first one is seen again.
  EXPECT_THAT(Succession({MakeTrack({kLeft, kNone, kLeft}),
                          MakeTrack({kNone, kLeft, kNone})}),
              IsEmpty());
}

TEST(Succession, ManyToManyIsARecomposition) {
  // Two side by side become two one above the other.
  const auto kinds =
      Succession({MakeTrack({kLeft, kNone}), MakeTrack({kRight, kNone}),
                  MakeTrack({kNone, Rectangle(0, 0, 21, 5)}),
                  MakeTrack({kNone, Rectangle(0, 5, 21, 5)})});
  EXPECT_EQ(kinds.size(), 4u);
  for (const std::string& kind : kinds) {
    EXPECT_THAT(kind, testing::StartsWith("recompose"));
  }
}

TEST(Succession, NeighboursThatPersistAreNoSuccession) {
  EXPECT_THAT(
      Succession({MakeTrack({kLeft, kLeft}), MakeTrack({kRight, kRight})}),
      IsEmpty());
  // A new building beside an old one is none either.
  EXPECT_THAT(
      Succession({MakeTrack({kLeft, kLeft}), MakeTrack({kNone, kRight})}),
      IsEmpty());
}

TEST(Succession, LooksThroughADisplacementOfTheEdition) {
  // Everything is drawn 8 px further right on the newer edition; a narrow new
  // house stands where its neighbour was drawn before.
  const Mask old_house = Rectangle(0, 0, 10, 10);
  std::vector<Track> tracks = {
      MakeTrack({old_house.Translated(6, 0), old_house.Translated(14, 0)}),
      MakeTrack({kNone, Rectangle(8, 0, 5, 10)})};
  EXPECT_THAT(Succession(tracks), IsEmpty());
  tracks = {MakeTrack({Rectangle(40, 40, 10, 10), Rectangle(48, 40, 10, 10)}),
            MakeTrack({old_house, kNone}),
            MakeTrack({kNone, old_house.Translated(8, 0)})};
  EXPECT_THAT(Succession(tracks), ElementsAre("rebuild:1>2"));
}

TEST(Succession, MovesDrawingsAsTheirNeighboursAre) {
  // Paper bends: what stands on the left has moved to the left, what stands on
  // the right to the right. A house is rebuilt at either end.
  const auto block = [](int x, int y) { return Rectangle(x, y, 10, 10); };
  std::vector<Track> tracks;
  for (const int side : {-1, 1}) {
    const int x = 1000 + side * 600;
    for (const int y : {0, 20, 60}) {
      tracks.push_back(MakeTrack({block(x, y), block(x + 8 * side, y)}));
    }
    tracks.push_back(MakeTrack({block(x, 40), kNone}));
    tracks.push_back(MakeTrack({kNone, block(x + 8 * side, 40)}));
  }
  EXPECT_THAT(Succession(tracks), ElementsAre("rebuild:3>4", "rebuild:8>9"));
}

TEST(Succession, NeedsCoverage) {
  const TrackSet tracks = {MakeTrack({kLeft, kNone, kNone}),
                           MakeTrack({kNone, kNone, kLeft})};
  const TrackCoverage unknown = {{1, 0, 1}, {1, 0, 1}};
  const auto events = DeriveSuccession(tracks, unknown, {});
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].kind, LineageKind::kRebuild);
  EXPECT_EQ(events[0].from_edition, 0u);
  EXPECT_EQ(events[0].to_edition, 2u);
  // With an empty plot in between the new building is just new.
  EXPECT_THAT(DeriveSuccession(tracks, Everywhere(tracks), {}), IsEmpty());
}

// --- the whole history ---

std::vector<std::string> History(const TrackSet& tracks,
                                 const std::vector<Relation>& relations = {}) {
  std::vector<std::string> lines;
  const auto name = [](const std::optional<size_t>& track) {
    return track ? std::to_string(*track) : std::string("-");
  };
  for (const LineageEvent& event :
       DeriveHistory(tracks, Everywhere(tracks), {}, relations)) {
    lines.push_back(std::string(LineageKindName(event.kind)) + ":" +
                    name(event.from_track) + ">" + name(event.to_track));
  }
  return lines;
}

TEST(History, TellsOfASplitForThePartThatGoesOn) {
  EXPECT_THAT(
      History({MakeTrack({kBoth, kLeft, kLeft}),
               MakeTrack({kNone, kRight, kRight})}),
      testing::UnorderedElementsAre("split:0>0", "split:0>1", "appear:->1",
                                    "persist:0>0", "persist:1>1"));
}

TEST(History, HeedsALearnedOpinion) {
  const TrackSet tracks = {MakeTrack({kBoth, kNone}),
                           MakeTrack({kNone, kLeft})};
  EXPECT_THAT(History(tracks), testing::Contains("rebuild:0>1"));

  // Told that a narrow part came of the whole, though no second one is seen.
  const TrackSet three = {MakeTrack({kBoth, kLeft}),
                          MakeTrack({kNone, Rectangle(14, 0, 16, 10)})};
  EXPECT_THAT(History(three), testing::Not(testing::Contains("split:0>1")));
  const std::vector<Relation> related = {{0, 1, {3, 3}, {16, 4}, {0.1f, 0.8f}}};
  EXPECT_THAT(History(three, related), testing::Contains("split:0>1"));

  // Told that what lies on the plot is new, and not a part of it.
  const TrackSet split = {MakeTrack({kBoth, kNone}), MakeTrack({kNone, kLeft}),
                          MakeTrack({kNone, Rectangle(30, 0, 9, 9)})};
  const std::vector<Relation> unrelated = {
      {0, 1, {3, 3}, {2, 2}, {0.2f, 0.1f}}};
  const auto events = DeriveHistory(split, Everywhere(split), {}, unrelated);
  const auto rebuilt = std::find_if(
      events.begin(), events.end(),
      [](const auto& event) { return event.kind == LineageKind::kRebuild; });
  ASSERT_NE(rebuilt, events.end());
  EXPECT_NEAR(rebuilt->probability, 0.8 * 0.9, 1e-6);
  EXPECT_THAT(rebuilt->evidence, testing::HasSubstr("\"related\":0.1"));
}

TEST(History, IgnoresOpinionsOnWhatIsNoTrack) {
  const TrackSet tracks = {MakeTrack({kLeft, kLeft})};
  EXPECT_THAT(History(tracks, {{0, 1, {90, 90}, {3, 3}, {0.0f, 1.0f}},
                               {5, 9, {3, 3}, {3, 3}, {0.0f, 1.0f}}}),
              ElementsAre("persist:0>0"));
}

// --- dates ---

DateBounds BoundsOf(std::vector<Mask> masks, std::vector<float> coverage = {}) {
  const TrackSet tracks = {MakeTrack(std::move(masks))};
  TrackCoverage all = Everywhere(tracks);
  if (!coverage.empty()) all[0] = std::move(coverage);
  return DeriveDateBounds(tracks, all, {}).at(0);
}

std::vector<DateRange> Editions(const std::vector<std::string>& texts) {
  std::vector<DateRange> editions;
  for (const std::string& text : texts)
    editions.push_back(ParseDateRange(text));
  return editions;
}

TEST(DateBounds, LieBetweenAbsencesAndSights) {
  EXPECT_EQ(BoundsOf({kNone, kHouse, kHouse, kNone}), (DateBounds{0, 1, 2, 3}));
  // A gap is inside.
  EXPECT_EQ(BoundsOf({kNone, kHouse, kNone, kHouse, kNone}),
            (DateBounds{0, 1, 3, 4}));
}

TEST(DateBounds, AreOpenWhereNothingWasSeenAbsent) {
  EXPECT_EQ(BoundsOf({kHouse, kHouse}),
            (DateBounds{std::nullopt, 0, std::nullopt, std::nullopt}));
  EXPECT_EQ(BoundsOf({kNone, kHouse, kNone}, {0.0f, 1.0f, 0.3f}),
            (DateBounds{std::nullopt, 1, std::nullopt, std::nullopt}));
  EXPECT_EQ(BoundsOf({kNone, kNone, kHouse}, {1.0f, 0.0f, 1.0f}),
            (DateBounds{0, 2, std::nullopt, std::nullopt}));
  EXPECT_EQ(BoundsOf({kNone, kNone}), DateBounds{});
}

TEST(Edtf, ClosesIntervalsAtTheYear) {
  const std::vector<DateRange> editions =
      Editions({"1860", "1880", "1900", "1920"});
  EXPECT_EQ(EdtfFromBounds({0, 1, 2, 3}, editions),
            (EdtfInterval{"[1860..1880]", "[1900..1920]"}));
  EXPECT_EQ(EdtfFromBounds({std::nullopt, 1, {}, {}}, editions),
            (EdtfInterval{"[..1880]", ""}));
  EXPECT_EQ(EdtfFromBounds({}, editions), (EdtfInterval{"", ""}));
}

TEST(Edtf, KeepsYearsForEditionsDatedToTheDay) {
  // Absent in May 1882, there in September: some day of 1882.
  const std::vector<DateRange> editions =
      Editions({"1882-05-01", "1882-09-30", "1898-06"});
  EXPECT_EQ(EdtfFromBounds({0, 1, 1, 2}, editions),
            (EdtfInterval{"1882", "[1882..1898]"}));
}

TEST(Edtf, TakesSurveysOfSeveralYearsAtTheirSaferEnd) {
  // Absent at some time in 1858-1862, seen at some time in 1878-1881, and so
  // on: each bound at the end that certainly includes the event.
  const std::vector<DateRange> editions =
      Editions({"1858/1862", "1878/1881", "1900/1904"});
  EXPECT_EQ(EdtfFromBounds({0, 1, 1, 2}, editions),
            (EdtfInterval{"[1858..1881]", "[1878..1904]"}));
}

TEST(Edtf, UnknownBeginningOfASurveyBoundsNothing) {
  const std::vector<DateRange> editions =
      Editions({"../1860", "../1880", "1900"});
  EXPECT_EQ(EdtfFromBounds({0, 1, 1, 2}, editions),
            (EdtfInterval{"[..1880]", "[..1900]"}));
}

TEST(Edtf, BoundsThatContradictEachOtherKeepTheLaterOne) {
  const std::vector<DateRange> editions = Editions({"1900", "1880"});
  EXPECT_EQ(EdtfFromBounds({0, 1, {}, {}}, editions),
            (EdtfInterval{"[..1880]", ""}));
}

}  // namespace
}  // namespace mapweave::tracking
