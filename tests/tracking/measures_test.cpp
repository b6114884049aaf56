// SPDX-License-Identifier: MIT
#include "tracking/measures.h"

#include "core/error.h"

#include <gtest/gtest.h>

#include <cmath>

namespace mapweave::tracking {
namespace {

Mask Rectangle(int x, int y, int width, int height) {
  std::vector<Run> runs;
  for (int row = y; row < y + height; ++row) {
    runs.push_back({row, x, x + width});
  }
  return Mask::FromRuns(runs);
}

// The k-th of many places that do not touch.
Mask Place(int k) { return Rectangle(20 * (k % 100), 20 * (k / 100), 10, 10); }

Track MakeTrack(std::vector<Mask> masks, float score = 1.0f) {
  Track track;
  track.presence.assign(masks.size(), 1.0f);
  track.link.assign(masks.size(), 1.0f);
  track.masks = std::move(masks);
  track.score = score;
  return track;
}

constexpr double kExact = 1e-12;

TEST(Measures, PerfectPredictionScoresOne) {
  // The second building appears on the second edition.
  const TrackSet truth = {MakeTrack({Place(0), Place(0), Place(0)}),
                          MakeTrack({Mask(), Place(1), Place(1)})};
  const Measures m = Evaluate(truth, truth, {});
  for (const double value :
       {m.ap, m.ap50, m.ap75, m.ap_unlimited, m.ar10, m.ar100, m.ar_unlimited,
        m.hota, m.deta, m.assa, m.idf1, m.scot, m.track_f1, m.link_f1}) {
    EXPECT_NEAR(value, 1.0, kExact);
  }
  EXPECT_NEAR(m.ar1, 0.5, kExact);
  EXPECT_EQ(m.links, (MatchScore{3, 0, 0}));
  ASSERT_EQ(m.editions.size(), 3u);
  for (const EditionMeasures& edition : m.editions) {
    EXPECT_NEAR(edition.pq, 1.0, kExact);
    EXPECT_NEAR(edition.f1, 1.0, kExact);
  }
}

TEST(Measures, SplitTrackLosesOneLink) {
  const TrackSet truth = {MakeTrack({Place(0), Place(0), Place(0)})};
  const TrackSet predicted = {MakeTrack({Place(0), Place(0), Mask()}, 0.9f),
                              MakeTrack({Mask(), Mask(), Place(0)}, 0.8f)};
  const Measures m = Evaluate(predicted, truth, {});
  // Space-time IoU 2/3 and 1/3: right at 0.50, 0.55, 0.60 and 0.65.
  EXPECT_NEAR(m.ap, 0.4, kExact);
  EXPECT_NEAR(m.ap50, 1.0, kExact);
  EXPECT_NEAR(m.ap75, 0.0, kExact);
  EXPECT_NEAR(m.ar100, 0.4, kExact);
  EXPECT_EQ(m.tracks, (MatchScore{1, 1, 0}));
  EXPECT_NEAR(m.track_f1, 2.0 / 3.0, kExact);
  EXPECT_EQ(m.links, (MatchScore{1, 0, 1}));
  EXPECT_NEAR(m.link_precision, 1.0, kExact);
  EXPECT_NEAR(m.link_recall, 0.5, kExact);
  EXPECT_NEAR(m.idf1, 2.0 / 3.0, kExact);  // IDTP 2, IDFN 1, IDFP 1
  EXPECT_NEAR(m.deta, 1.0, kExact);
  // Two points of 2/(3+2-2) and one of 1/(3+1-1), over three.
  EXPECT_NEAR(m.assa, 5.0 / 9.0, kExact);
  EXPECT_NEAR(m.hota, std::sqrt(5.0 / 9.0), kExact);
}

TEST(Measures, IdentitySwapLosesAllLinksAndNoMask) {
  const TrackSet truth = {MakeTrack({Place(0), Place(0)}),
                          MakeTrack({Place(1), Place(1)})};
  const TrackSet predicted = {MakeTrack({Place(0), Place(1)}),
                              MakeTrack({Place(1), Place(0)})};
  const Measures m = Evaluate(predicted, truth, {});
  EXPECT_EQ(m.links, (MatchScore{0, 2, 2}));
  EXPECT_EQ(m.tracks, (MatchScore{0, 2, 2}));  // space-time IoU 1/3
  EXPECT_NEAR(m.link_f1, 0.0, kExact);
  EXPECT_NEAR(m.ap, 0.0, kExact);
  EXPECT_NEAR(m.idf1, 0.5, kExact);
  EXPECT_NEAR(m.editions[0].pq, 1.0, kExact);
  EXPECT_NEAR(m.editions[1].pq, 1.0, kExact);
}

TEST(Measures, GapInThePredictionMissesBothLinks) {
  const TrackSet truth = {MakeTrack({Place(0), Place(0), Place(0)})};
  const TrackSet predicted = {MakeTrack({Place(0), Mask(), Place(0)})};
  const Measures m = Evaluate(predicted, truth, {});
  EXPECT_EQ(m.links, (MatchScore{0, 0, 2}));
  EXPECT_EQ(m.tracks, (MatchScore{1, 0, 0}));
  EXPECT_EQ(m.editions[1].counts, (MatchScore{0, 0, 1}));
}

TEST(Measures, GapInTheTruthIsNoLink) {
  const TrackSet truth = {MakeTrack({Place(0), Mask(), Place(0)})};
  EXPECT_EQ(Evaluate(truth, truth, {}).links, (MatchScore{0, 0, 0}));
  const TrackSet filled = {MakeTrack({Place(0), Place(0), Place(0)})};
  EXPECT_EQ(Evaluate(filled, truth, {}).links, (MatchScore{0, 2, 0}));
}

TEST(Measures, LinkNeedsBothEnds) {
  const TrackSet truth = {MakeTrack({Place(0), Place(0)})};
  // The second end overlaps by 4 of 16 columns: IoU 0.25.
  const TrackSet predicted = {MakeTrack({Place(0), Rectangle(6, 0, 10, 10)})};
  const Measures m = Evaluate(predicted, truth, {});
  EXPECT_EQ(m.links, (MatchScore{0, 1, 1}));
  EXPECT_EQ(m.editions[1].counts, (MatchScore{0, 1, 1}));
  MeasureOptions lenient;
  lenient.iou_threshold = 0.25;
  EXPECT_EQ(Evaluate(predicted, truth, lenient).links, (MatchScore{1, 0, 0}));
}

TEST(Measures, DuplicateIsWrongOnce) {
  const TrackSet truth = {MakeTrack({Place(0), Place(0)})};
  const TrackSet predicted = {MakeTrack({Place(0), Place(0)}, 0.9f),
                              MakeTrack({Place(0), Place(0)}, 0.8f)};
  const Measures m = Evaluate(predicted, truth, {});
  EXPECT_EQ(m.tracks, (MatchScore{1, 1, 0}));
  EXPECT_EQ(m.links, (MatchScore{1, 1, 0}));
  EXPECT_NEAR(m.editions[0].precision, 0.5, kExact);
  EXPECT_NEAR(m.editions[0].recall, 1.0, kExact);
  EXPECT_NEAR(m.editions[0].pq, 1.0 / 1.5, kExact);
  // All truth is found before the duplicate comes.
  EXPECT_NEAR(m.ap, 1.0, kExact);
}

TEST(Measures, DuplicateBeforeOthersCostsPrecision) {
  const TrackSet truth = {MakeTrack({Place(0)}), MakeTrack({Place(1)})};
  const TrackSet predicted = {MakeTrack({Place(0)}, 0.9f),
                              MakeTrack({Place(0)}, 0.8f),
                              MakeTrack({Place(1)}, 0.7f)};
  // Precision 1 up to recall 0.5 (51 of 101 points), then 2/3.
  EXPECT_NEAR(Evaluate(predicted, truth, {}).ap,
              (51.0 + 50.0 * 2.0 / 3.0) / 101.0, 1e-9);
}

TEST(Measures, MaskWhereTheBuildingIsAbsentHalvesSpaceTimeIoU) {
  const TrackSet truth = {MakeTrack({Place(0), Mask()})};
  const TrackSet predicted = {MakeTrack({Place(0), Place(0)})};
  const Measures m = Evaluate(predicted, truth, {});
  EXPECT_NEAR(m.ap50, 1.0, kExact);  // IoU is exactly 0.5
  EXPECT_NEAR(m.ap, 0.1, kExact);
  EXPECT_EQ(m.tracks, (MatchScore{1, 0, 0}));
  EXPECT_EQ(m.links, (MatchScore{0, 1, 0}));
  EXPECT_EQ(m.editions[1].counts, (MatchScore{0, 1, 0}));
  EXPECT_NEAR(m.editions[1].precision, 0.0, kExact);
  EXPECT_NEAR(m.editions[1].recall, 0.0, kExact);
}

TEST(Measures, PanopticQualityAveragesIoUAboveTheThreshold) {
  // IoU 8/12 and exactly 5/10.
  const TrackSet truth = {MakeTrack({Rectangle(0, 0, 10, 10)}),
                          MakeTrack({Rectangle(50, 0, 10, 10)})};
  const TrackSet predicted = {MakeTrack({Rectangle(2, 0, 10, 10)}),
                              MakeTrack({Rectangle(50, 0, 5, 10)})};
  const EditionMeasures edition = Evaluate(predicted, truth, {}).editions[0];
  EXPECT_EQ(edition.counts, (MatchScore{2, 0, 0}));
  EXPECT_NEAR(edition.pq, (8.0 / 12.0) / (1.0 + 0.5 + 0.5), kExact);
}

TEST(Measures, MatchesAsManyMasksAsPossible) {
  // The first prediction fits the first building best (IoU 9/11), but only if
  // it takes the second are both found. One row of pixels, as [x, x + 10).
  const TrackSet truth = {MakeTrack({Rectangle(0, 0, 10, 1)}),
                          MakeTrack({Rectangle(3, 0, 10, 1)})};
  const TrackSet predicted = {MakeTrack({Rectangle(1, 0, 10, 1)}),
                              MakeTrack({Rectangle(-3, 0, 10, 1)})};
  EXPECT_EQ(Evaluate(predicted, truth, {}).tracks, (MatchScore{2, 0, 0}));
}

TEST(Measures, EmptyPredictionFindsNothing) {
  const TrackSet truth = {MakeTrack({Place(0), Place(0)})};
  const Measures m = Evaluate({}, truth, {});
  EXPECT_NEAR(m.ap, 0.0, kExact);
  EXPECT_NEAR(m.ar100, 0.0, kExact);
  EXPECT_EQ(m.tracks, (MatchScore{0, 0, 1}));
  EXPECT_EQ(m.links, (MatchScore{0, 0, 1}));
  EXPECT_NEAR(m.track_f1, 0.0, kExact);
  EXPECT_NEAR(m.hota, 0.0, kExact);
  EXPECT_NEAR(m.editions[0].pq, 0.0, kExact);
}

TEST(Measures, EmptyTruthMakesEveryPredictionWrong) {
  const TrackSet predicted = {MakeTrack({Place(0), Place(0)})};
  const Measures m = Evaluate(predicted, {}, {});
  EXPECT_EQ(m.ap, -1.0);
  EXPECT_EQ(m.ar100, -1.0);
  EXPECT_EQ(m.tracks, (MatchScore{0, 1, 0}));
  EXPECT_NEAR(m.link_f1, 0.0, kExact);
  EXPECT_NEAR(m.editions[1].precision, 0.0, kExact);
}

TEST(Measures, NothingToFindAndNothingFoundIsRight) {
  const Measures m = Evaluate(TrackSet{}, TrackSet{}, {});
  EXPECT_EQ(m.ap, -1.0);
  EXPECT_NEAR(m.track_f1, 1.0, kExact);
  EXPECT_NEAR(m.link_f1, 1.0, kExact);
  EXPECT_TRUE(m.editions.empty());
}

TEST(Measures, LimitsPredictionsPerSeries) {
  TrackSet truth;
  for (int k = 0; k < 150; ++k) truth.push_back(MakeTrack({Place(k)}));
  const Measures m = Evaluate(truth, truth, {});
  EXPECT_NEAR(m.ap_unlimited, 1.0, kExact);
  EXPECT_NEAR(m.ap, 67.0 / 101.0, 1e-9);  // recall 0, 0.01 ... 0.66
  EXPECT_NEAR(m.ar1, 1.0 / 150.0, kExact);
  EXPECT_NEAR(m.ar10, 10.0 / 150.0, kExact);
  EXPECT_NEAR(m.ar100, 100.0 / 150.0, kExact);
  EXPECT_NEAR(m.ar_unlimited, 1.0, kExact);
  EXPECT_NEAR(m.track_f1, 1.0, kExact);
}

TEST(Measures, MinimumScoreLeavesAveragePrecisionAlone) {
  const TrackSet truth = {MakeTrack({Place(0)}), MakeTrack({Place(1)})};
  const TrackSet predicted = {MakeTrack({Place(0)}, 0.9f),
                              MakeTrack({Place(1)}, 0.2f),
                              MakeTrack({Place(2)}, 0.1f)};
  MeasureOptions options;
  options.min_score = 0.5;
  const Measures m = Evaluate(predicted, truth, options);
  EXPECT_NEAR(m.ap, 1.0, kExact);
  EXPECT_EQ(m.tracks, (MatchScore{1, 0, 1}));
  EXPECT_EQ(m.editions[0].counts, (MatchScore{1, 0, 1}));
}

TEST(Measures, PoolsSeries) {
  const SeriesTracks good = {{MakeTrack({Place(0)}, 0.9f)},
                             {MakeTrack({Place(0)})}};
  const SeriesTracks bad = {{MakeTrack({Place(5), Place(5)}, 0.95f)},
                            {MakeTrack({Place(0), Place(0)})}};
  const std::vector<SeriesTracks> series = {good, bad};
  const Measures m = Evaluate(series, {});
  // The wrong one comes first; then half of the truth at precision 1/2.
  EXPECT_NEAR(m.ap, 51.0 * 0.5 / 101.0, 1e-9);
  EXPECT_EQ(m.tracks, (MatchScore{1, 1, 1}));
  EXPECT_EQ(m.links, (MatchScore{0, 1, 1}));
  ASSERT_EQ(m.editions.size(), 2u);
  EXPECT_EQ(m.editions[0].counts, (MatchScore{1, 1, 1}));
  EXPECT_EQ(m.editions[1].counts, (MatchScore{0, 1, 1}));
}

TEST(Measures, RefusesTracksOfDifferentEditions) {
  const TrackSet two = {MakeTrack({Place(0), Place(0)})};
  const TrackSet three = {MakeTrack({Place(0), Place(0), Place(0)})};
  EXPECT_THROW(Evaluate(two, three, {}), Error);
  MeasureOptions options;
  options.iou_threshold = 0.0;
  EXPECT_THROW(Evaluate(two, two, options), Error);
}

}  // namespace
}  // namespace mapweave::tracking
