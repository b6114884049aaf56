// SPDX-License-Identifier: MIT
#include "tracking/link.h"

#include "core/error.h"
#include "core/random.h"
#include "tests/tracking/houses.h"

#include <gtest/gtest.h>
#include <opencv2/core.hpp>

namespace mapweave::tracking {
namespace {

using Editions = std::vector<std::vector<Instance>>;

// The track that has `instance` on `edition`.
const Track& TrackOf(const TrackSet& tracks, int edition,
                     const Instance& instance) {
  for (const Track& track : tracks) {
    if (track.masks[edition] == instance.mask) return track;
  }
  throw std::runtime_error("no track has this instance");
}

TEST(LinkInstances, FollowsHousesThroughTheEditions) {
  const Instance a = House(2, 2, 10, 8);
  const Instance b = House(30, 4, 6, 12, 0.7f);
  const TrackSet tracks = LinkInstances({{a, b}, {b, a}, {a}}, {});
  ASSERT_EQ(tracks.size(), 2u);
  EXPECT_EQ(tracks[0].masks, (std::vector<Mask>{a.mask, a.mask, a.mask}));
  EXPECT_EQ(tracks[1].masks, (std::vector<Mask>{b.mask, b.mask, Mask()}));
  EXPECT_EQ(tracks[1].presence, (std::vector<float>{0.7f, 0.7f, 0.0f}));
  EXPECT_FLOAT_EQ(tracks[1].score, 0.7f);
  EXPECT_GT(tracks[0].link[0], 0.9f);
  EXPECT_GT(tracks[0].link[1], 0.9f);
  EXPECT_EQ(tracks[0].link[2], 0.0f);
}

TEST(LinkInstances, TakesEmptyEditionsAndNone) {
  EXPECT_TRUE(LinkInstances({}, {}).empty());
  EXPECT_TRUE(LinkInstances({{}, {}}, {}).empty());
  EXPECT_EQ(LinkInstances({{}, {House(0, 0, 5, 5)}}, {}).size(), 1u);
}

TEST(LinkInstances, BridgesAnEditionThatMissesTheHouse) {
  const Instance a = House(2, 2, 10, 8);
  const TrackSet tracks = LinkInstances({{a}, {}, {}, {a}}, {});
  ASSERT_EQ(tracks.size(), 1u);
  EXPECT_GT(tracks[0].link[0], 0.5f);
  EXPECT_EQ(tracks[0].presence, (std::vector<float>{0.9f, 0, 0, 0.9f}));

  LinkOptions options;
  options.max_span = 2;
  EXPECT_EQ(LinkInstances({{a}, {}, {}, {a}}, {}, options).size(), 2u);
}

// A row of equal houses, 14 px apart, on sheets that lie `shift` apart.
struct Row {
  Editions editions;
  static constexpr int kHouses = 8;
  static constexpr int kMissing = 3;
};

Row MakeRow(cv::Point shift) {
  Row row;
  row.editions.resize(2);
  for (int i = 0; i < Row::kHouses; ++i) {
    // Yards of different depth, so that the street has a shape.
    const int depth = 10 + (i * 5) % 7;
    row.editions[0].push_back(House(20 + 14 * i, 20, 12, depth));
    if (i == Row::kMissing) continue;
    row.editions[1].push_back(
        House(20 + 14 * i + shift.x, 20 + shift.y, 12, depth));
  }
  return row;
}

TEST(LinkInstances, UndoesTheShiftBetweenSheets) {
  // Seven pixels to the side each house covers its neighbour as much as
  // itself: without registration the row cannot be told apart.
  const Row row = MakeRow({7, -3});
  const TrackSet tracks = LinkInstances(row.editions, {});
  EXPECT_EQ(tracks.size(), static_cast<size_t>(Row::kHouses));
  for (int i = 0; i < Row::kHouses; ++i) {
    const Track& track = TrackOf(tracks, 0, row.editions[0][i]);
    if (i == Row::kMissing) {
      EXPECT_TRUE(track.masks[1].IsEmpty());
    } else {
      const size_t j = i < Row::kMissing ? i : i - 1;
      EXPECT_EQ(track.masks[1], row.editions[1][j].mask);
    }
  }
}

TEST(LinkByIoU, IsMisledByTheShiftBetweenSheets) {
  const Row row = MakeRow({7, -3});
  const TrackSet tracks = LinkByIoU(row.editions);
  int right = 0;
  for (int i = 0; i < Row::kHouses; ++i) {
    const Track& track = TrackOf(tracks, 0, row.editions[0][i]);
    const size_t j = i < Row::kMissing ? i : i - 1;
    right += i != Row::kMissing && track.masks[1] == row.editions[1][j].mask;
  }
  EXPECT_LT(right, Row::kHouses - 1);
}

// A town of scattered houses; edition 1 is bent: the left half lies 2 px left
// of where it should, the right half 3 px right.
Editions MakeBentTown(uint64_t seed) {
  Rng rng(seed);
  Editions editions(2);
  for (int y = 0; y < 380; y += 16) {
    for (int x = 0; x < 380; x += 12) {
      if (!rng.Chance(0.8)) continue;
      const int width = static_cast<int>(rng.Int(7, 11));
      const int height = static_cast<int>(rng.Int(7, 14));
      const int bend = x < 190 ? -2 : 3;
      if (rng.Chance(0.9)) {
        editions[0].push_back(House(x, y, width, height));
      } else {
        editions[0].push_back({});
      }
      if (rng.Chance(0.9)) {
        editions[1].push_back(House(x + bend + 4, y + 2, width, height));
      } else {
        editions[1].push_back({});
      }
    }
  }
  return editions;
}

// Links between instances of one position (right) and of different ones.
struct LinkCount {
  int right = 0;
  int wrong = 0;
  int possible = 0;
};

LinkCount CountLinks(const Editions& editions, const TrackSet& tracks) {
  LinkCount count;
  for (size_t i = 0; i < editions[0].size(); ++i) {
    const Mask& from = editions[0][i].mask;
    const Mask& to = editions[1][i].mask;
    if (from.IsEmpty()) continue;
    count.possible += !to.IsEmpty();
    const Mask& linked = TrackOf(tracks, 0, editions[0][i]).masks[1];
    if (linked.IsEmpty()) continue;
    ++(linked == to ? count.right : count.wrong);
  }
  return count;
}

TEST(LinkInstances, FollowsLocalBends) {
  const Editions editions = MakeBentTown(5);
  const LinkCount local = CountLinks(editions, LinkInstances(editions, {}));
  LinkOptions rigid;
  rigid.neighbourhood_px = 0;
  const LinkCount whole =
      CountLinks(editions, LinkInstances(editions, {}, rigid));
  const LinkCount baseline = CountLinks(editions, LinkByIoU(editions));
  EXPECT_GT(local.right, local.possible * 98 / 100);
  EXPECT_LT(local.wrong, local.possible / 50);
  EXPECT_GT(local.right, whole.right);
  EXPECT_GT(whole.right, baseline.right);
}

TEST(LinkInstances, RegistersByTheForegroundMapsWhereGiven) {
  // The masks alone, one house each, could not know about the shift; the maps
  // show the whole street.
  std::vector<cv::Mat> maps;
  for (const int shift : {0, 6}) {
    cv::Mat map = cv::Mat::zeros(96, 96, CV_32FC1);
    for (int i = 0; i < 5; ++i) {
      map({10 + 15 * i + shift, 10 + 7 * i, 9, 11 + 2 * i}).setTo(0.9f);
    }
    maps.push_back(map);
  }
  const Instance before = House(10, 10, 9, 11);
  const Instance after = House(16, 10, 9, 11);
  LinkOptions options;
  options.max_local_shift_px = 0;
  options.min_iou = 0.5;
  EXPECT_EQ(LinkInstances({{before}, {after}}, maps, options).size(), 1u);
}

TEST(LinkInstances, GivesIdentityToTheLargerPartOfASplit) {
  const Instance whole = House(10, 10, 20, 10);
  const Instance large = House(10, 10, 13, 10);
  const Instance small = House(23, 10, 7, 10);
  const TrackSet tracks = LinkInstances({{whole}, {small, large}}, {});
  ASSERT_EQ(tracks.size(), 2u);
  EXPECT_EQ(TrackOf(tracks, 0, whole).masks[1], large.mask);
  EXPECT_TRUE(TrackOf(tracks, 1, small).masks[0].IsEmpty());
}

TEST(LinkInstances, DoesNotLinkStrangersThatTouch) {
  const Instance stands = House(60, 60, 20, 20);
  const Instance before = House(10, 10, 20, 20);
  const Instance after = House(24, 24, 20, 20);
  const TrackSet tracks =
      LinkInstances({{before, stands}, {after, stands}}, {});
  EXPECT_EQ(tracks.size(), 3u);
  EXPECT_TRUE(TrackOf(tracks, 0, before).masks[1].IsEmpty());
}

TEST(LinkInstances, IsLessSureOfPairsWithARival) {
  const Instance whole = House(10, 10, 20, 10);
  const float sure =
      LinkInstances({{whole}, {House(10, 10, 11, 10)}}, {})[0].link[0];
  const float unsure =
      LinkInstances({{whole}, {House(10, 10, 11, 10), House(21, 10, 9, 10)}},
                    {})[0]
          .link[0];
  EXPECT_GT(unsure, 0.0f);
  EXPECT_LT(unsure, sure);
  EXPECT_LE(sure, 1.0f);
}

TEST(LinkInstances, HeedsALearnedAffinity) {
  const Instance whole = House(10, 10, 20, 10);
  const Instance large = House(10, 10, 12, 10);
  const Instance small = House(22, 10, 8, 10);
  LinkOptions options;
  options.affinity = [](const InstanceRef&, const InstanceRef& to) {
    return to.index == 1 ? 0.95 : 0.05;
  };
  const TrackSet tracks = LinkInstances({{whole}, {large, small}}, {}, options);
  const Track& track = TrackOf(tracks, 0, whole);
  EXPECT_EQ(track.masks[1], small.mask);
  EXPECT_FLOAT_EQ(track.link[0], 0.95f);

  options.min_probability = 0.99;
  EXPECT_EQ(LinkInstances({{whole}, {large, small}}, {}, options).size(), 3u);
}

TEST(LinkInstances, DoesNotDependOnTheOrderOfInstances) {
  Editions editions = MakeBentTown(9);
  for (auto& instances : editions) {
    std::erase_if(instances,
                  [](const Instance& i) { return i.mask.IsEmpty(); });
  }
  const TrackSet before = LinkInstances(editions, {});
  Rng rng(1);
  for (auto& instances : editions) rng.Shuffle(instances);
  const TrackSet after = LinkInstances(editions, {});
  ASSERT_EQ(before.size(), after.size());
  for (size_t i = 0; i < before.size(); ++i) {
    EXPECT_EQ(before[i].masks, after[i].masks);
    EXPECT_EQ(before[i].link, after[i].link);
  }
}

TEST(LinkInstances, RefusesBadOptionsAndMaps) {
  LinkOptions options;
  options.min_iou = -0.1;
  EXPECT_THROW(LinkInstances({}, {}, options), Error);
  EXPECT_THROW(LinkInstances({{}, {}}, {cv::Mat(4, 4, CV_32F, 0.0f)}), Error);
}

TEST(LinkByIoU, LinksNeighbouringEditionsOnly) {
  const Instance a = House(2, 2, 10, 8);
  const Instance wider = House(2, 2, 20, 8);
  const TrackSet tracks = LinkByIoU({{a}, {wider}, {}, {a}});
  ASSERT_EQ(tracks.size(), 2u);
  EXPECT_FLOAT_EQ(tracks[0].link[0], 0.5f);
  EXPECT_TRUE(tracks[0].masks[3].IsEmpty());
  EXPECT_EQ(LinkByIoU({{a}, {wider}}, 0.6).size(), 2u);
}

}  // namespace
}  // namespace mapweave::tracking
