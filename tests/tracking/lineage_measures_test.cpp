// SPDX-License-Identifier: MIT
#include "tracking/lineage_measures.h"

#include "core/error.h"

#include <gtest/gtest.h>

namespace mapweave::tracking {
namespace {

// Squares of 10 px in a row, one place each.
Mask Square(int place, int shift = 0) {
  return Mask::FromImage(cv::Mat(10, 10, CV_8UC1, cv::Scalar(1)),
                         {20 * place + shift, 0});
}

Track Drawn(std::vector<Mask> masks) {
  return TrackAsDrawn(std::move(masks), 1.0f);
}

LineageEvent Event(LineageKind kind, std::optional<size_t> from,
                   std::optional<size_t> to) {
  LineageEvent event;
  event.kind = kind;
  event.from_track = from;
  event.to_track = to;
  event.from_edition = 0;
  event.to_edition = 1;
  return event;
}

TEST(LineageMeasures, CountsByKindWhateverTheOrderOfTracks) {
  const TrackSet truth = {Drawn({Square(0), Square(0)}),
                          Drawn({Mask(), Square(1)}),
                          Drawn({Square(2), Mask()})};
  const std::vector<LineageEvent> true_events = {
      Event(LineageKind::kPersist, 0, 0),
      Event(LineageKind::kAppear, std::nullopt, 1),
      Event(LineageKind::kDisappear, 2, std::nullopt)};
  // The same, in another order, a little displaced.
  const TrackSet predicted = {Drawn({Square(2, 1), Mask()}),
                              Drawn({Square(0, 1), Square(0)}),
                              Drawn({Mask(), Square(1, 1)})};
  const std::vector<LineageEvent> events = {
      Event(LineageKind::kDisappear, 0, std::nullopt),
      Event(LineageKind::kEnlarge, 1, 1),
      Event(LineageKind::kAppear, std::nullopt, 2)};
  const auto scores =
      EvaluateLineage({predicted, events}, {truth, true_events});
  EXPECT_EQ(scores.at(LineageKind::kDisappear), (MatchScore{1, 0, 0}));
  EXPECT_EQ(scores.at(LineageKind::kAppear), (MatchScore{1, 0, 0}));
  EXPECT_EQ(scores.at(LineageKind::kPersist), (MatchScore{0, 0, 1}));
  EXPECT_EQ(scores.at(LineageKind::kEnlarge), (MatchScore{0, 1, 0}));
  EXPECT_EQ(scores.count(LineageKind::kMerge), 0u);
}

TEST(LineageMeasures, EventOnAnotherBuildingIsWrong) {
  const TrackSet truth = {Drawn({Square(0), Square(0)}),
                          Drawn({Square(1), Square(1)})};
  const std::vector<LineageEvent> true_events = {
      Event(LineageKind::kEnlarge, 0, 0), Event(LineageKind::kPersist, 1, 1)};
  const std::vector<LineageEvent> events = {Event(LineageKind::kEnlarge, 1, 1),
                                            Event(LineageKind::kPersist, 0, 0)};
  const auto scores = EvaluateLineage({truth, events}, {truth, true_events});
  EXPECT_EQ(scores.at(LineageKind::kEnlarge), (MatchScore{0, 1, 1}));
  EXPECT_EQ(scores.at(LineageKind::kPersist), (MatchScore{0, 1, 1}));
}

TEST(LineageMeasures, TrueEventIsFoundOnce) {
  const TrackSet truth = {Drawn({Square(0), Square(0)})};
  const LineageEvent event = Event(LineageKind::kPersist, 0, 0);
  const auto scores =
      EvaluateLineage({truth, {event, event}}, {truth, {event}});
  EXPECT_EQ(scores.at(LineageKind::kPersist), (MatchScore{1, 1, 0}));
}

TEST(LineageMeasures, DrawingThatIsNotThereIsNeverRight) {
  const TrackSet truth = {Drawn({Square(0), Mask()})};
  const TrackSet predicted = {Drawn({Square(0), Square(0)})};
  const LineageEvent event = Event(LineageKind::kPersist, 0, 0);
  const auto scores = EvaluateLineage({predicted, {event}}, {truth, {event}});
  EXPECT_EQ(scores.at(LineageKind::kPersist), (MatchScore{0, 1, 1}));
}

TEST(LineageMeasures, EventsOfUnknownTracksAreRefused) {
  const TrackSet truth = {Drawn({Square(0), Square(0)})};
  const std::vector<LineageEvent> events = {Event(LineageKind::kPersist, 0, 5)};
  EXPECT_THROW(EvaluateLineage({truth, events}, {truth, {}}), Error);
  EXPECT_THROW(EvaluateLineage({truth, {}}, {truth, {}}, 0.0), Error);
}

}  // namespace
}  // namespace mapweave::tracking
