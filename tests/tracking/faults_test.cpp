// SPDX-License-Identifier: MIT
#include "tracking/faults.h"

#include "core/error.h"
#include "core/random.h"

#include <gtest/gtest.h>

#include <vector>

namespace mapweave::tracking {
namespace {

Mask Rectangle(int x, int y, int width, int height) {
  std::vector<Run> runs;
  for (int row = y; row < y + height; ++row)
    runs.push_back({row, x, x + width});
  return Mask::FromRuns(runs);
}

TrackSet OnOneEdition(const std::vector<Mask>& masks) {
  TrackSet tracks;
  for (const Mask& mask : masks) tracks.push_back(TrackAsDrawn({mask}, 1.0f));
  return tracks;
}

FaultCounts Total(const TrackSet& predicted, const TrackSet& truth) {
  const std::vector<SeriesTracks> series = {{predicted, truth}};
  return CountFaults(series, {}).total;
}

TEST(Faults, APerfectResultHasNone) {
  const TrackSet truth = {
      TrackAsDrawn({Rectangle(0, 0, 9, 9), Rectangle(0, 0, 9, 9)}, 1.0f)};
  EXPECT_EQ(Total(truth, truth), FaultCounts{});
}

TEST(Faults, OutlinesWithoutCounterpartAreMissedOrSpurious) {
  const FaultCounts counts =
      Total(OnOneEdition({Rectangle(50, 0, 10, 10), Rectangle(6, 0, 10, 10)}),
            // The second prediction overlaps 40 of 100 pixels: too few to
            // touch.
            OnOneEdition({Rectangle(0, 0, 10, 10)}));
  FaultCounts expected;
  expected.missed = 1;
  expected.spurious = 2;
  EXPECT_EQ(counts, expected);
}

TEST(Faults, ARowDrawnAsOneBuildingIsMerged) {
  const FaultCounts counts =
      Total(OnOneEdition({Rectangle(0, 0, 30, 10)}),
            OnOneEdition({Rectangle(0, 0, 10, 10), Rectangle(10, 0, 10, 10),
                          Rectangle(20, 0, 10, 10)}));
  FaultCounts expected;
  expected.merged = 3;
  expected.merging = 1;
  EXPECT_EQ(counts, expected);
}

TEST(Faults, TheLesserOfTwoIsMergedThoughTheOtherIsFound) {
  // IoU with the larger one: 200 / 250.
  const FaultCounts counts =
      Total(OnOneEdition({Rectangle(0, 0, 25, 10)}),
            OnOneEdition({Rectangle(0, 0, 20, 10), Rectangle(20, 0, 5, 10)}));
  FaultCounts expected;
  expected.merged = 1;
  EXPECT_EQ(counts, expected);
}

TEST(Faults, ABuildingDrawnInPartsIsSplit) {
  const FaultCounts counts =
      Total(OnOneEdition({Rectangle(0, 0, 10, 10), Rectangle(10, 0, 10, 10),
                          Rectangle(20, 0, 10, 10)}),
            OnOneEdition({Rectangle(0, 0, 30, 10)}));
  FaultCounts expected;
  expected.split = 1;
  expected.fragments = 3;
  EXPECT_EQ(counts, expected);
}

TEST(Faults, AnOutlineThatOverlapsTooLittleIsBad) {
  // 60 pixels in common: over half, but IoU 60 / 140.
  const FaultCounts counts = Total(OnOneEdition({Rectangle(4, 0, 10, 10)}),
                                   OnOneEdition({Rectangle(0, 0, 10, 10)}));
  FaultCounts expected;
  expected.badly_outlined = 1;
  expected.bad_outlines = 1;
  EXPECT_EQ(counts, expected);
}

TEST(Faults, ABrokenTrackLosesTheIdentity) {
  const Mask here = Rectangle(0, 0, 10, 10);
  const FaultCounts counts = Total(
      {TrackAsDrawn({here, Mask()}, 1.0f), TrackAsDrawn({Mask(), here}, 1.0f)},
      {TrackAsDrawn({here, here}, 1.0f)});
  FaultCounts expected;
  expected.identity_lost = 1;
  EXPECT_EQ(counts, expected);
}

TEST(Faults, ATrackOverARebuiltPlotSwitchesTheIdentity) {
  const Mask here = Rectangle(0, 0, 10, 10);
  const FaultCounts counts = Total(
      {TrackAsDrawn({here, here}, 1.0f)},
      {TrackAsDrawn({here, Mask()}, 1.0f), TrackAsDrawn({Mask(), here}, 1.0f)});
  FaultCounts expected;
  expected.identity_switched = 1;
  EXPECT_EQ(counts, expected);
}

TEST(Faults, CountsALinkOnTheEditionWhereItEnds) {
  const Mask here = Rectangle(0, 0, 10, 10);
  const Mask there = Rectangle(40, 0, 10, 10);
  // The third edition is not found, and something else instead.
  const std::vector<SeriesTracks> series = {
      {{TrackAsDrawn({here, here, there}, 1.0f)},
       {TrackAsDrawn({here, here, here}, 1.0f)}}};
  const Faults faults = CountFaults(series, {});
  ASSERT_EQ(faults.editions.size(), 3u);
  EXPECT_EQ(faults.editions[0], FaultCounts{});
  EXPECT_EQ(faults.editions[1], FaultCounts{});
  FaultCounts expected;
  expected.missed = 1;
  expected.spurious = 1;
  expected.link_unseen = 1;
  expected.link_groundless = 1;
  EXPECT_EQ(faults.editions[2], expected);
  EXPECT_EQ(faults.total, expected);
}

TEST(Faults, LeavesOutPredictionsBelowTheScore) {
  TrackSet predicted = OnOneEdition({Rectangle(0, 0, 9, 9)});
  predicted[0].score = 0.4f;
  const std::vector<SeriesTracks> series = {{predicted, {}}};
  MeasureOptions options;
  options.min_score = 0.5;
  EXPECT_EQ(CountFaults(series, options).total, FaultCounts{});
}

TrackSet RandomTracks(Rng& rng) {
  TrackSet tracks;
  for (int k = 0; k < 25; ++k) {
    std::vector<Mask> masks;
    for (int t = 0; t < 4; ++t) {
      masks.push_back(rng.Chance(0.2)
                          ? Mask()
                          : Rectangle(static_cast<int>(rng.Int(0, 60)),
                                      static_cast<int>(rng.Int(0, 60)),
                                      static_cast<int>(rng.Int(4, 20)),
                                      static_cast<int>(rng.Int(4, 20))));
    }
    tracks.push_back(TrackAsDrawn(std::move(masks), 1.0f));
  }
  return tracks;
}

// Tracks as they might be found: some masks gone, moved, or under others'
// identities.
TrackSet Disturbed(const TrackSet& truth, Rng& rng) {
  TrackSet found = truth;
  for (Track& track : found) {
    for (Mask& mask : track.masks) {
      if (rng.Chance(0.15)) mask = Mask();
      mask = mask.Translated(static_cast<int>(rng.Int(-3, 3)), 0);
    }
    Track& other = found[static_cast<size_t>(rng.Int(0, 24))];
    if (rng.Chance(0.3)) std::swap(track.masks.back(), other.masks.back());
  }
  return found;
}

TEST(Faults, AddUpToTheErrorsOfTheMeasures) {
  Rng rng(7);
  const TrackSet truth = RandomTracks(rng);
  const std::vector<SeriesTracks> series = {{Disturbed(truth, rng), truth}};
  const Measures measures = Evaluate(series, {});
  const Faults faults = CountFaults(series, {});
  ASSERT_EQ(faults.editions.size(), measures.editions.size());
  for (size_t t = 0; t < faults.editions.size(); ++t) {
    const FaultCounts& f = faults.editions[t];
    const MatchScore& counts = measures.editions[t].counts;
    EXPECT_EQ(f.missed + f.merged + f.split + f.badly_outlined,
              counts.false_negatives);
    EXPECT_EQ(f.spurious + f.merging + f.fragments + f.bad_outlines,
              counts.false_positives);
  }
  EXPECT_GT(measures.links.true_positives, 0);
  EXPECT_GT(faults.total.identity_lost, 0);
  EXPECT_EQ(faults.total.identity_lost + faults.total.link_unseen,
            measures.links.false_negatives);
  EXPECT_EQ(faults.total.identity_switched + faults.total.link_groundless,
            measures.links.false_positives);
}

}  // namespace
}  // namespace mapweave::tracking
