// SPDX-License-Identifier: MIT
#include "tracking/link_truth.h"

#include "tests/tracking/houses.h"

#include <gtest/gtest.h>

#include <map>
#include <utility>
#include <vector>

namespace mapweave::tracking {
namespace {

using Editions = std::vector<std::vector<Instance>>;

// Labelled houses on a ground of 80 x 40 pixels.
cv::Mat Labels(const std::vector<std::pair<int32_t, Instance>>& houses) {
  cv::Mat labels = cv::Mat::zeros(40, 80, CV_32SC1);
  for (const auto& [label, house] : houses) house.mask.Paint(labels, label);
  return labels;
}

TEST(LabelsOfInstances, TellsFoundFromFalseAndUnclear) {
  const cv::Mat labels =
      Labels({{1, House(0, 0, 10, 10)}, {2, House(20, 0, 10, 10)}});
  const Editions found = {{House(0, 0, 10, 8), House(20, 0, 3, 10),
                           House(50, 20, 9, 9), House(0, 8, 10, 2)}};
  EXPECT_EQ(LabelsOfInstances(found, {labels}),
            (std::vector<std::vector<int32_t>>{
                {1, kUnclearInstance, kFalseInstance, kUnclearInstance}}));
}

// 1 is split into itself and 2; 3 is rebuilt as 4 on its plot.
class TruthOfPairsTest : public ::testing::Test {
 protected:
  TruthOfPairsTest() {
    const Instance whole = House(2, 4, 24, 10);
    const Instance part = House(2, 4, 15, 10);
    const Instance rest = House(18, 4, 8, 10);
    const Instance old = House(40, 4, 12, 12);
    const Instance built = House(41, 5, 8, 14);
    editions_ = {{whole, old}, {part, rest, built}, {part, rest, built}};
    clip_.labelled.labels = {
        Labels({{1, whole}, {3, old}}),
        Labels({{1, part}, {2, rest}, {4, built}}),
        Labels({{1, part}, {2, rest}, {4, built}}),
    };
    clip_.links = {{1, 1, 0, 1, LineageKind::kSplit},
                   {1, 2, 0, 1, LineageKind::kSplit},
                   {3, 4, 0, 1, LineageKind::kRebuild},
                   {1, 1, 1, 2, LineageKind::kPersist},
                   {2, 2, 1, 2, LineageKind::kPersist},
                   {4, 4, 1, 2, LineageKind::kPersist}};
  }

  // By the instances' positions over all editions: 0, 1 | 2, 3, 4 | 5, 6, 7.
  std::map<std::pair<int, int>, std::pair<Answer, Answer>> Truth() const {
    const LinkGraph graph = BuildLinkGraph({editions_, {}, {}}, nullptr);
    const std::vector<PairTruth> truth = TruthOfPairs(editions_, graph, clip_);
    std::map<std::pair<int, int>, std::pair<Answer, Answer>> by_ends;
    for (size_t p = 0; p < truth.size(); ++p) {
      by_ends[{graph.pairs[p].older, graph.pairs[p].newer}] = {
          truth[p].same, truth[p].related};
    }
    return by_ends;
  }

  Editions editions_;
  LinkedClip clip_;
};

TEST_F(TruthOfPairsTest, KnowsSplitsAndRebuildings) {
  const auto truth = Truth();
  const auto yes_no = std::pair(Answer::kYes, Answer::kNo);
  const auto no_yes = std::pair(Answer::kNo, Answer::kYes);
  const auto no_no = std::pair(Answer::kNo, Answer::kNo);
  const auto yes_yes = std::pair(Answer::kYes, Answer::kYes);
  EXPECT_EQ(truth.at({0, 2}), yes_yes);
  EXPECT_EQ(truth.at({0, 3}), no_yes);
  EXPECT_EQ(truth.at({1, 4}), no_no);
  EXPECT_EQ(truth.at({2, 5}), yes_no);
  // Over two editions.
  EXPECT_EQ(truth.at({0, 5}), yes_yes);
  EXPECT_EQ(truth.at({0, 6}), no_yes);
  EXPECT_EQ(truth.at({1, 7}), no_no);
}

TEST_F(TruthOfPairsTest, AsksNothingOfWhatIsNoBuilding) {
  clip_.labelled.labels[1] = Labels({{1, House(2, 4, 7, 10)}});
  const auto truth = Truth();
  const auto not_asked = std::pair(Answer::kNotAsked, Answer::kNotAsked);
  // The first house of the second edition covers half of what it stands for;
  // the other two stand for nothing.
  EXPECT_EQ(truth.at({0, 2}), not_asked);
  EXPECT_EQ(truth.at({1, 4}), std::pair(Answer::kNo, Answer::kNo));
  clip_.labelled.labels[2] = Labels({});
  EXPECT_EQ(Truth().at({4, 7}), not_asked);
}

TEST_F(TruthOfPairsTest, KnowsWhichInstancesAreBuildings) {
  const LinkGraph graph = BuildLinkGraph({editions_, {}, {}}, nullptr);
  clip_.labelled.labels[1] = Labels({{1, House(2, 4, 7, 10)}});
  // The first house of the second edition covers half of what it stands for;
  // the other two stand for nothing.
  EXPECT_EQ(TruthOfInstances(editions_, graph, clip_.labelled.labels),
            (std::vector<Answer>{Answer::kYes, Answer::kYes, Answer::kNotAsked,
                                 Answer::kNo, Answer::kNo, Answer::kYes,
                                 Answer::kYes, Answer::kYes}));
}

TEST(TrueLineage, CountsTracksFromZeroAndLeavesOutNobody) {
  const auto events = TrueLineage(
      {{0, 2, 0, 1, LineageKind::kAppear}, {1, 2, 1, 2, LineageKind::kMerge}});
  ASSERT_EQ(events.size(), 2u);
  EXPECT_FALSE(events[0].from_track.has_value());
  EXPECT_EQ(events[0].to_track, 1u);
  EXPECT_EQ(events[1].from_track, 0u);
  EXPECT_EQ(events[1].kind, LineageKind::kMerge);
}

}  // namespace
}  // namespace mapweave::tracking
