// SPDX-License-Identifier: MIT
#include "tracking/link_decision.h"

#include "core/error.h"
#include "tests/tracking/houses.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace mapweave::tracking {
namespace {

using Editions = std::vector<std::vector<Instance>>;

// A graph with the pairs that a test speaks of and their probability of being
// the same; nodes are counted through the editions.
struct Case {
  Editions editions;
  LinkGraph graph;
  std::vector<PairOpinion> opinions;

  explicit Case(Editions instances) : editions(std::move(instances)) {
    for (int t = 0; t < static_cast<int>(editions.size()); ++t) {
      for (int i = 0; i < static_cast<int>(editions[t].size()); ++i) {
        graph.nodes.push_back({{t, i}, {}});
      }
    }
  }
  void Pair(int a, int b, float same) {
    LinkPair pair;
    pair.older = a;
    pair.newer = b;
    pair.span =
        graph.nodes[b].instance.edition - graph.nodes[a].instance.edition;
    graph.pairs.push_back(pair);
    opinions.push_back({same, 0.0f});
  }
  TrackSet Decide(LinkMethod method, double threshold = 0.5) const {
    return DecideTracks(editions, graph, opinions, {method, threshold});
  }
};

// The track of the only house of the first edition.
const Track& FirstHouse(const TrackSet& tracks) {
  for (const Track& track : tracks) {
    if (!track.masks[0].IsEmpty()) return track;
  }
  throw std::runtime_error("no track begins on the first edition");
}

TEST(Rescored, WeighsEachScoreByTheProbabilityIfThereIsOne) {
  const Case c({{House(0, 0, 9, 9)}, {House(0, 0, 5, 9), House(5, 0, 4, 9)}});
  LinkOpinions opinions;
  const Editions same = Rescored(c.editions, c.graph, opinions);
  EXPECT_EQ(same[1][1].score, c.editions[1][1].score);
  opinions.instances = {0.25f, 0.5f, 0.75f};
  const Editions rescored = Rescored(c.editions, c.graph, opinions);
  EXPECT_FLOAT_EQ(rescored[0][0].score, 0.9f * 0.25f);
  EXPECT_FLOAT_EQ(rescored[1][0].score, 0.9f * 0.5f);
  EXPECT_FLOAT_EQ(rescored[1][1].score, 0.9f * 0.75f);
  opinions.instances.pop_back();
  EXPECT_THROW(Rescored(c.editions, c.graph, opinions), Error);
}

class DecideTracksTest : public ::testing::TestWithParam<LinkMethod> {};

TEST_P(DecideTracksTest, FollowsTheMoreProbablePartner) {
  Case c({{House(0, 0, 9, 9)}, {House(0, 0, 5, 9), House(5, 0, 4, 9)}});
  c.Pair(0, 1, 0.6f);
  c.Pair(0, 2, 0.9f);
  const TrackSet tracks = c.Decide(GetParam());
  ASSERT_EQ(tracks.size(), 2u);
  EXPECT_EQ(FirstHouse(tracks).masks[1], c.editions[1][1].mask);
  EXPECT_FLOAT_EQ(FirstHouse(tracks).link[0], 0.9f);
}

TEST_P(DecideTracksTest, LinksNothingBelowTheThreshold) {
  Case c({{House(0, 0, 9, 9)}, {House(0, 0, 9, 9)}});
  c.Pair(0, 1, 0.6f);
  EXPECT_EQ(c.Decide(GetParam(), 0.5).size(), 1u);
  EXPECT_EQ(c.Decide(GetParam(), 0.7).size(), 2u);
}

TEST_P(DecideTracksTest, BridgesAGap) {
  Case c({{House(0, 0, 9, 9)}, {}, {House(0, 0, 9, 9)}});
  c.Pair(0, 1, 0.8f);
  const TrackSet tracks = c.Decide(GetParam());
  ASSERT_EQ(tracks.size(), 1u);
  EXPECT_FLOAT_EQ(tracks[0].link[0], 0.8f);
  EXPECT_EQ(tracks[0].link[1], 0.0f);
}

TEST_P(DecideTracksTest, NeverPutsTwoOfAnEditionIntoATrack) {
  Case c({{House(0, 0, 9, 9)},
          {House(0, 0, 9, 9)},
          {House(0, 0, 9, 9), House(20, 0, 9, 9)}});
  c.Pair(0, 1, 0.99f);
  c.Pair(1, 2, 0.95f);
  c.Pair(0, 3, 0.98f);
  for (const Track& track : c.Decide(GetParam())) {
    EXPECT_EQ(track.masks.size(), 3u);
  }
  EXPECT_EQ(c.Decide(GetParam()).size(), 2u);
}

TEST_P(DecideTracksTest, TakesEmptyWindows) {
  EXPECT_TRUE(Case(Editions{}).Decide(GetParam()).empty());
  EXPECT_TRUE(Case({{}, {}}).Decide(GetParam()).empty());
  EXPECT_EQ(Case({{House(0, 0, 2, 2)}, {}}).Decide(GetParam()).size(), 1u);
}

INSTANTIATE_TEST_SUITE_P(BothMethods, DecideTracksTest,
                         ::testing::Values(LinkMethod::kAssignment,
                                           LinkMethod::kContraction),
                         [](const auto& method) {
                           return std::string(LinkMethodName(method.param));
                         });

// The middle edition is drawn so badly that each step is doubtful, but the
// outer two are surely one building, and another house tempts the first step.
TEST(DecideTracks, ContractionLetsAllEditionsVote) {
  Case c({{House(0, 0, 9, 9)},
          {House(0, 0, 4, 9), House(4, 0, 5, 9)},
          {House(0, 0, 9, 9)}});
  c.Pair(0, 1, 0.6f);
  c.Pair(0, 2, 0.55f);
  c.Pair(0, 3, 0.97f);
  c.Pair(1, 3, 0.1f);
  c.Pair(2, 3, 0.8f);

  const TrackSet stepwise = c.Decide(LinkMethod::kAssignment);
  EXPECT_EQ(FirstHouse(stepwise).masks[1], c.editions[1][0].mask);

  const TrackSet global = c.Decide(LinkMethod::kContraction);
  ASSERT_EQ(global.size(), 2u);
  EXPECT_EQ(FirstHouse(global).masks[1], c.editions[1][1].mask);
  EXPECT_EQ(FirstHouse(global).masks[2], c.editions[2][0].mask);
}

TEST(DecideTracks, ReadsAndRefusesNamesAndThresholds) {
  EXPECT_EQ(ParseLinkMethod("contraction"), LinkMethod::kContraction);
  EXPECT_THROW(ParseLinkMethod("guess"), Error);
  const Case c({{House(0, 0, 2, 2)}});
  EXPECT_THROW(c.Decide(LinkMethod::kAssignment, 0.0), Error);
  EXPECT_THROW(DecideTracks(c.editions, c.graph, {PairOpinion{}}, {}), Error);
}

}  // namespace
}  // namespace mapweave::tracking
