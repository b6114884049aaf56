// SPDX-License-Identifier: MIT
#include "tracking/link_graph.h"

#include "core/error.h"
#include "core/random.h"
#include "tests/tracking/houses.h"
#include "tracking/bit_image.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

namespace mapweave::tracking {
namespace {

using Editions = std::vector<std::vector<Instance>>;
using Votes = std::vector<std::vector<Point2d>>;

LinkGraph Graph(const Editions& editions, const Votes& votes = {}) {
  return BuildLinkGraph({editions, {}, votes}, nullptr);
}

// A street of unequal houses, so that only one shift fits.
std::vector<Instance> Street(Rng rng, int houses) {
  std::vector<Instance> street;
  int x = 10;
  for (int i = 0; i < houses; ++i) {
    const int width = static_cast<int>(rng.Int(6, 14));
    street.push_back(House(x, 20 + static_cast<int>(rng.Int(0, 9)), width,
                           static_cast<int>(rng.Int(6, 16))));
    x += width + static_cast<int>(rng.Int(3, 9));
  }
  return street;
}

std::vector<Instance> Moved(std::vector<Instance> instances, int dx, int dy) {
  for (Instance& instance : instances) {
    instance.mask = instance.mask.Translated(dx, dy);
  }
  return instances;
}

TEST(BitImage, CountsAsMasksDo) {
  Rng rng(3);
  const auto random_mask = [&] {
    std::vector<tracking::Run> runs;
    for (int i = 0; i < 90; ++i) {
      const int begin = static_cast<int>(rng.Int(-20, 180));
      runs.push_back({static_cast<int>(rng.Int(-5, 40)), begin,
                      begin + static_cast<int>(rng.Int(1, 70))});
    }
    return Mask::FromRuns(runs);
  };
  const cv::Rect frame(-7, -2, 150, 38);
  for (int trial = 0; trial < 20; ++trial) {
    const Mask a = random_mask();
    const Mask b = random_mask();
    const cv::Rect box(static_cast<int>(rng.Int(-30, 60)),
                       static_cast<int>(rng.Int(-9, 9)), 97, 21);
    const cv::Point shift(static_cast<int>(rng.Int(-9, 9)),
                          static_cast<int>(rng.Int(-9, 9)));
    const BitImage bits(a, frame);
    const Mask seen = a.Clipped(frame);
    const Mask other = b.Clipped(frame);

    const BitImage::Overlap overlap =
        bits.OverlapWith(BitImage(b, frame), box, shift);

    EXPECT_EQ(bits.Count(box), seen.Clipped(box).Area());
    EXPECT_EQ(overlap.both, seen.Clipped(box).IntersectionArea(other, shift));
    EXPECT_EQ(overlap.other, other.Clipped(box + shift).Area());
  }
}

TEST(FindShift, BringsADrawingOntoItsCopy) {
  const std::vector<Instance> street = Street(Rng(5), 6);
  std::vector<tracking::Run> runs;
  for (const Instance& house : street) {
    runs.insert(runs.end(), house.mask.Runs().begin(), house.mask.Runs().end());
  }
  const Mask drawn = Mask::FromRuns(runs);
  const cv::Rect frame(0, 0, 160, 64);
  const BitImage a(drawn, frame);
  for (const cv::Point shift :
       {cv::Point(0, 0), cv::Point(5, -3), cv::Point(-8, 8)}) {
    const BoxShift found = FindShift(
        a, BitImage(drawn.Translated(shift.x, shift.y), frame), frame, {}, 8);
    EXPECT_EQ(found.shift, shift);
    EXPECT_NEAR(found.correlation, 1.0, 1e-9);
  }
  EXPECT_EQ(FindShift(a, BitImage(Mask(), frame), frame, {2, 1}, 8).shift,
            cv::Point(2, 1));
}

TEST(BuildLinkGraph, PairsEachHouseWithItselfThroughAShift) {
  const std::vector<Instance> street = Street(Rng(5), 6);
  const LinkGraph graph = Graph({street, Moved(street, 6, -4)});
  ASSERT_EQ(graph.nodes.size(), 12u);
  std::map<int, LinkPair> own;
  for (const LinkPair& pair : graph.pairs) {
    EXPECT_EQ(pair.span, 1);
    if (pair.newer == pair.older + 6) own[pair.older] = pair;
  }
  ASSERT_EQ(own.size(), 6u);
  for (const auto& [house, pair] : own) {
    EXPECT_DOUBLE_EQ(pair.iou, 1.0);
    EXPECT_FLOAT_EQ(pair.from_older[1], 1.0f);  // share
    EXPECT_FLOAT_EQ(pair.from_older[3], 0.0f);  // distance
    EXPECT_FLOAT_EQ(pair.from_older[4], 0.0f);  // change of area
  }
}

TEST(BuildLinkGraph, SaysOfASplitThatThePartsFillTheWhole) {
  const Editions editions = {{House(20, 20, 30, 12)},
                             {House(20, 20, 14, 12), House(36, 20, 14, 12)}};
  const LinkGraph graph = Graph(editions);
  ASSERT_EQ(graph.pairs.size(), 2u);
  for (const LinkPair& pair : graph.pairs) {
    const double part = 14.0 / 30.0;
    EXPECT_NEAR(pair.from_older[0], part, 1e-6);         // IoU
    EXPECT_NEAR(pair.from_older[1], part, 1e-6);         // of the whole
    EXPECT_NEAR(pair.from_older[2], 1.0, 1e-6);          // of the part
    EXPECT_NEAR(pair.from_older[12], part, 1e-6);        // rival
    EXPECT_NEAR(pair.from_older[14], 2.0 * part, 1e-6);  // all parts together
    EXPECT_NEAR(pair.from_older[15], 2.0 / 3.0, 1e-6);   // number of parts
    EXPECT_NEAR(pair.from_newer[14], 0.0, 1e-6);
    EXPECT_NEAR(pair.from_older[4], std::log(part), 1e-6);
    EXPECT_NEAR(pair.from_newer[4], -std::log(part), 1e-6);
  }
}

TEST(BuildLinkGraph, MeasuresTheVotesWhereTheyLie) {
  const Editions editions = {{House(20, 20, 16, 16)}, {House(21, 20, 16, 16)}};
  const LinkGraph graph =
      Graph(editions, {{Point2d{28.0, 28.0}}, {Point2d{28.0, 31.0}}});
  ASSERT_EQ(graph.pairs.size(), 1u);
  EXPECT_FLOAT_EQ(graph.pairs[0].from_older[5], 0.75f);
  EXPECT_NEAR(graph.pairs[0].from_newer[6], 3.0 / 16.0, 1e-6);
  // After the shift of one pixel to the right: (29, 28) and (28, 31).
  EXPECT_NEAR(graph.pairs[0].from_older[20], std::hypot(1.0, 3.0) / 4.0, 1e-6);
  EXPECT_NEAR(graph.pairs[0].from_older[21], std::hypot(1.0, 3.0) / 16.0, 1e-6);
  EXPECT_NEAR(graph.pairs[0].from_older[22], 1.0 / 8.0, 1e-6);
  EXPECT_NEAR(graph.pairs[0].from_older[23], 0.0, 1e-6);
}

TEST(BuildLinkGraph, SpansEditionsUpToTheLimitAndKeepsFarHousesApart) {
  const Instance a = House(10, 10, 8, 8);
  const Instance far = House(90, 10, 9, 7);
  LinkGraphOptions options;
  options.max_span = 2;
  const Editions editions = {{a, far}, {}, {a}, {a}};
  const LinkGraph graph = BuildLinkGraph({editions, {}, {}}, nullptr, options);
  std::vector<std::tuple<int, int, int>> found;
  for (const LinkPair& pair : graph.pairs) {
    found.emplace_back(pair.older, pair.newer, pair.span);
  }
  EXPECT_EQ(found,
            (std::vector<std::tuple<int, int, int>>{{0, 2, 2}, {2, 3, 1}}));
}

TEST(BuildLinkGraph, ReversedTimeExchangesTheEnds) {
  Editions editions = {Street(Rng(5), 6), Moved(Street(Rng(5), 6), 3, 1),
                       Moved(Street(Rng(6), 5), 1, 0)};
  editions[1].pop_back();
  const LinkGraph forward = Graph(editions);
  std::reverse(editions.begin(), editions.end());
  const LinkGraph backward = Graph(editions);

  const auto by_ends = [](const LinkGraph& graph, bool reversed) {
    std::map<std::vector<int>, std::pair<PairFeatures, PairFeatures>> pairs;
    for (const LinkPair& pair : graph.pairs) {
      const InstanceRef a = graph.nodes[pair.older].instance;
      const InstanceRef b = graph.nodes[pair.newer].instance;
      if (reversed) {
        pairs[{2 - b.edition, b.index, 2 - a.edition, a.index}] = {
            pair.from_newer, pair.from_older};
      } else {
        pairs[{a.edition, a.index, b.edition, b.index}] = {pair.from_older,
                                                           pair.from_newer};
      }
    }
    return pairs;
  };
  EXPECT_GT(forward.pairs.size(), 8u);
  EXPECT_EQ(by_ends(forward, false), by_ends(backward, true));
}

TEST(BuildLinkGraph, TakesColoursInsideAndAround) {
  const Editions editions = {{House(8, 8, 10, 10)}};
  Clip clip;
  clip.frames = {cv::Mat(40, 40, CV_8UC3, cv::Scalar(255, 255, 255))};
  clip.frames[0](cv::Rect(8, 8, 10, 10)) = cv::Scalar(102, 51, 0);
  clip.coverage = {cv::Mat::ones(40, 40, CV_8UC1)};
  const auto features =
      BuildLinkGraph({editions, {}, {}}, &clip).nodes[0].features;
  EXPECT_NEAR(features[8], -0.6, 1e-5);  // brightness 0.2
  EXPECT_NEAR(features[9], 0.0, 1e-5);
  EXPECT_NEAR(features[10], 1.6, 1e-5);  // red - blue 0.4
  EXPECT_NEAR(features[11], 0.8, 1e-5);
  EXPECT_NEAR(features[12], 1.0, 1e-5);
  EXPECT_NEAR(features[13], 3.2, 1e-5);
}

TEST(BuildLinkGraph, TakesEmptyAndCrowdedWindows) {
  EXPECT_TRUE(Graph({}).nodes.empty());
  EXPECT_TRUE(Graph({{}, {}}).pairs.empty());
  EXPECT_EQ(Graph({{House(0, 0, 1, 1)}}).nodes.size(), 1u);

  // 2,000 instances: candidates grow with them, and every number is finite.
  Editions editions(2);
  for (int row = 0; row < 25; ++row) {
    for (int col = 0; col < 40; ++col) {
      editions[0].push_back(House(16 * col, 16 * row, 11, 9 + col % 5));
      editions[1].push_back(House(16 * col + 1, 16 * row, 11, 9 + row % 5));
    }
  }
  const LinkGraph graph = Graph(editions);
  EXPECT_EQ(graph.nodes.size(), 2000u);
  EXPECT_GE(graph.pairs.size(), 1000u);
  EXPECT_LE(graph.pairs.size(), 6000u);
  for (const LinkPair& pair : graph.pairs) {
    for (const float value : pair.from_older) ASSERT_TRUE(std::isfinite(value));
    for (const float value : pair.from_newer) ASSERT_TRUE(std::isfinite(value));
  }
}

TEST(BuildLinkGraph, RefusesWhatDoesNotFitTogether) {
  const Editions editions = {{House(0, 0, 5, 5)}, {}};
  LinkGraphOptions options;
  options.max_partners = 0;
  EXPECT_THROW(BuildLinkGraph({editions, {}, {}}, nullptr, options), Error);
  EXPECT_THROW(Graph(editions, {{}, {}}), Error);
  EXPECT_THROW(
      BuildLinkGraph({editions, {cv::Mat(9, 9, CV_32FC1)}, {}}, nullptr),
      Error);
}

}  // namespace
}  // namespace mapweave::tracking
