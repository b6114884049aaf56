// SPDX-License-Identifier: MIT
#include "tracking/stitch.h"

#include "core/error.h"
#include "core/random.h"

#include <gtest/gtest.h>
#include <opencv2/core.hpp>

#include <algorithm>
#include <ctime>

namespace mapweave::tracking {
namespace {

Mask Rectangle(const cv::Rect& box) {
  std::vector<Run> runs;
  for (int row = box.y; row < box.br().y; ++row) {
    runs.push_back({row, box.x, box.br().x});
  }
  return Mask::FromRuns(runs);
}

// A track with one mask per edition, seen wherever it is not empty.
Track MakeTrack(std::vector<Mask> masks, float score = 0.9f) {
  Track track;
  track.presence.assign(masks.size(), 0.0f);
  track.link.assign(masks.size(), 0.0f);
  bool seen_later = false;
  for (size_t t = masks.size(); t-- > 0;) {
    if (masks[t].IsEmpty()) continue;
    track.presence[t] = 0.8f;
    track.link[t] = seen_later ? 0.7f : 0.0f;
    seen_later = true;
  }
  track.masks = std::move(masks);
  track.score = score;
  return track;
}

// What a faultless network would find in each window.
std::vector<TrackSet> CutByWindow(const TrackSet& truth,
                                  const std::vector<Window>& windows) {
  std::vector<TrackSet> cut(windows.size());
  for (size_t i = 0; i < windows.size(); ++i) {
    for (const Track& track : truth) {
      std::vector<Mask> masks;
      bool is_seen = false;
      for (const Mask& mask : track.masks) {
        masks.push_back(mask.Clipped(windows[i].box));
        is_seen = is_seen || !masks.back().IsEmpty();
      }
      if (is_seen) cut[i].push_back(MakeTrack(masks, track.score));
    }
  }
  return cut;
}

// Buildings of all sizes, some larger than the overlap or even the window,
// disjoint on each edition, that come, go and are rebuilt a little off.
TrackSet MakeTown(cv::Size grid, int editions, int tries, uint64_t seed) {
  Rng rng(seed);
  std::vector<cv::Mat> taken;
  for (int t = 0; t < editions; ++t) {
    taken.push_back(cv::Mat::zeros(grid, CV_8UC1));
  }
  const cv::Rect all({0, 0}, grid);
  TrackSet town;
  for (int i = 0; i < tries; ++i) {
    const int longest = i < 15 ? 120 : 14;
    const cv::Rect box(static_cast<int>(rng.Int(0, grid.width - 1)),
                       static_cast<int>(rng.Int(0, grid.height - 1)),
                       static_cast<int>(rng.Int(4, longest)),
                       static_cast<int>(rng.Int(4, longest)));
    std::vector<Mask> masks(editions);
    bool is_free = true;
    bool is_seen = false;
    for (int t = 0; t < editions; ++t) {
      if (rng.Chance(0.25)) continue;
      cv::Rect drawn = box + cv::Point(static_cast<int>(rng.Int(0, 1)),
                                       static_cast<int>(rng.Int(0, 1)));
      drawn &= all;
      is_free =
          is_free && !drawn.empty() && cv::countNonZero(taken[t](drawn)) == 0;
      if (!is_free) break;
      masks[t] = Rectangle(drawn);
      is_seen = true;
    }
    if (!is_free || !is_seen) continue;
    for (int t = 0; t < editions; ++t) masks[t].Paint(taken[t], 1);
    town.push_back(MakeTrack(masks, static_cast<float>(rng.Uniform(0.5, 1))));
  }
  return town;
}

std::vector<std::vector<Mask>> SortedMasks(const TrackSet& tracks) {
  std::vector<std::vector<Mask>> masks;
  for (const Track& track : tracks) masks.push_back(track.masks);
  std::sort(masks.begin(), masks.end(), [](const auto& a, const auto& b) {
    return std::lexicographical_compare(
        a.begin(), a.end(), b.begin(), b.end(),
        [](const Mask& x, const Mask& y) { return x.Runs() < y.Runs(); });
  });
  return masks;
}

bool Same(const TrackSet& a, const TrackSet& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i].masks != b[i].masks || a[i].presence != b[i].presence ||
        a[i].link != b[i].link || a[i].score != b[i].score) {
      return false;
    }
  }
  return true;
}

void ExpectDisjoint(const TrackSet& tracks, cv::Size grid, int editions) {
  for (int t = 0; t < editions; ++t) {
    cv::Mat painted = cv::Mat::zeros(grid, CV_8UC1);
    int64_t sum = 0;
    for (const Track& track : tracks) {
      track.masks[t].Paint(painted, 1);
      sum += track.masks[t].Area();
    }
    EXPECT_EQ(cv::countNonZero(painted), sum);
  }
}

TEST(StitchTracks, RestoresTheTownFromAnyWindowGrid) {
  const cv::Size grid(300, 260);
  for (const uint64_t seed : {1, 2, 3}) {
    const TrackSet town = MakeTown(grid, 3, 700, seed);
    ASSERT_GT(town.size(), 100u);
    // Some are larger than the overlap, so that no window sees them whole.
    ASSERT_TRUE(std::any_of(town.begin(), town.end(), [](const Track& track) {
      return track.masks[0].Bounds().width > 60;
    }));
    for (const cv::Point offset : {cv::Point(0, 0), {32, 32}, {17, 50}}) {
      const auto windows = PlanWindows(grid, {96, 32, offset});
      const TrackSet stitched =
          StitchTracks(windows, CutByWindow(town, windows), 3);
      EXPECT_EQ(SortedMasks(stitched), SortedMasks(town));
    }
  }
}

TEST(StitchTracks, LeavesASingleWindowAsItIs) {
  const cv::Size grid(200, 200);
  const TrackSet town = MakeTown(grid, 2, 200, 4);
  const auto windows = PlanWindows(grid, {256, 64, {}});
  TrackSet stitched = StitchTracks(windows, {town}, 2);
  EXPECT_EQ(stitched.size(), town.size());
  EXPECT_TRUE(Same(stitched, StitchTracks(windows, {stitched}, 2)));
  EXPECT_EQ(SortedMasks(stitched), SortedMasks(town));
}

// As the network sees it: edges fray, tracks break, things are imagined.
std::vector<TrackSet> Disturb(std::vector<TrackSet> cut,
                              const std::vector<Window>& windows, Rng& rng) {
  for (size_t i = 0; i < cut.size(); ++i) {
    TrackSet disturbed;
    for (Track& track : cut[i]) {
      if (rng.Chance(0.05)) continue;
      for (Mask& mask : track.masks) {
        if (!rng.Chance(0.5)) continue;
        mask = mask.Union(mask.Translated(static_cast<int>(rng.Int(-2, 2)),
                                          static_cast<int>(rng.Int(-2, 2))))
                   .Clipped(windows[i].box);
      }
      track.score = static_cast<float>(rng.Uniform(0.3, 1.0));
      disturbed.push_back(track);
      if (rng.Chance(0.1) && !track.masks[0].IsEmpty()) {
        disturbed.push_back(
            MakeTrack({track.masks[0].Translated(3, 2).Clipped(windows[i].box),
                       Mask(), track.masks[2]},
                      static_cast<float>(rng.Uniform(0.3, 1.0))));
      }
    }
    cut[i] = std::move(disturbed);
  }
  return cut;
}

TEST(StitchTracks, DoesNotDependOnTheOrderOfWindowsOrTracks) {
  const cv::Size grid(260, 260);
  const TrackSet town = MakeTown(grid, 3, 500, 5);
  std::vector<Window> windows = PlanWindows(grid, {96, 32, {}});
  Rng rng(6);
  std::vector<TrackSet> cut = Disturb(CutByWindow(town, windows), windows, rng);
  const TrackSet expected = StitchTracks(windows, cut, 3);
  ExpectDisjoint(expected, grid, 3);
  EXPECT_GT(expected.size(), town.size() * 9 / 10);
  for (int i = 0; i < 5; ++i) {
    std::vector<size_t> order(windows.size());
    for (size_t k = 0; k < order.size(); ++k) order[k] = k;
    rng.Shuffle(order);
    std::vector<Window> shuffled_windows;
    std::vector<TrackSet> shuffled;
    for (const size_t k : order) {
      shuffled_windows.push_back(windows[k]);
      shuffled.push_back(cut[k]);
      rng.Shuffle(shuffled.back());
    }
    EXPECT_TRUE(Same(StitchTracks(shuffled_windows, shuffled, 3), expected));
  }
}

// Two windows side by side: boxes 0..60 and 40..100, cores meet at 50.
const std::vector<Window> kPair = {{{0, 0, 60, 50}, {0, 0, 50, 50}},
                                   {{40, 0, 60, 50}, {50, 0, 50, 50}}};

TEST(StitchTracks, PutsTogetherABuildingThatNoWindowSeesWhole) {
  const Track left = MakeTrack({Rectangle({10, 5, 50, 20}), Mask()}, 0.9f);
  Track right =
      MakeTrack({Rectangle({40, 5, 45, 20}), Rectangle({70, 5, 15, 20})}, 0.5f);
  right.presence = {0.6f, 0.95f};
  const TrackSet tracks = StitchTracks(kPair, {{left}, {right}}, 2);
  ASSERT_EQ(tracks.size(), 1u);
  EXPECT_EQ(tracks[0].masks[0], Rectangle({10, 5, 75, 20}));
  EXPECT_EQ(tracks[0].masks[1], Rectangle({70, 5, 15, 20}));
  EXPECT_EQ(tracks[0].presence, (std::vector<float>{0.8f, 0.95f}));
  EXPECT_EQ(tracks[0].link, (std::vector<float>{0.7f, 0.0f}));
  EXPECT_GT(tracks[0].score, 0.5f);
  EXPECT_LT(tracks[0].score, 0.9f);
}

TEST(StitchTracks, TakesABuildingFromTheWindowInWhoseCoreItLies) {
  // Both see all of it, the right window's core holds its centre.
  const Track left = MakeTrack({Rectangle({44, 10, 12, 10})}, 0.99f);
  const Track right = MakeTrack({Rectangle({45, 10, 12, 10})}, 0.5f);
  const TrackSet tracks = StitchTracks(kPair, {{left}, {right}}, 1);
  ASSERT_EQ(tracks.size(), 1u);
  EXPECT_EQ(tracks[0].masks, right.masks);
  EXPECT_EQ(tracks[0].score, right.score);
}

TEST(StitchTracks, KeepsWhatOnlyOneWindowSawInItsHalo) {
  const Track left = MakeTrack({Rectangle({51, 10, 6, 10})});
  EXPECT_EQ(StitchTracks(kPair, {{left}, {}}, 1).size(), 1u);
}

TEST(StitchTracks, DropsAFragmentThatAWholeBuildingCovers) {
  // The left window cuts the building off and misjudges what it sees of it.
  const Track whole = MakeTrack({Rectangle({42, 10, 30, 10})}, 0.4f);
  const Track fragment = MakeTrack({Rectangle({52, 10, 8, 5})}, 0.99f);
  const TrackSet tracks = StitchTracks(kPair, {{fragment}, {whole}}, 1);
  ASSERT_EQ(tracks.size(), 1u);
  EXPECT_EQ(tracks[0].masks, whole.masks);
}

TEST(StitchTracks, NeverJoinsTwoBuildingsOfOneWindow) {
  // The left window sees one block where the right one sees two houses.
  const Track block = MakeTrack({Rectangle({41, 10, 18, 10})}, 0.9f);
  const Track house_a = MakeTrack({Rectangle({41, 10, 10, 10})}, 0.8f);
  const Track house_b = MakeTrack({Rectangle({51, 10, 20, 10})}, 0.8f);
  const TrackSet tracks = StitchTracks(kPair, {{block}, {house_a, house_b}}, 1);
  ExpectDisjoint(tracks, {100, 50}, 1);
  EXPECT_EQ(tracks.size(), 2u);
}

TEST(StitchTracks, SettlesConflictsForTheBetterScoredTrack) {
  const std::vector<Window> one = {{{0, 0, 60, 60}, {0, 0, 60, 60}}};
  const Track high = MakeTrack({Rectangle({10, 10, 20, 10})}, 0.9f);
  const Track low = MakeTrack({Rectangle({26, 10, 20, 10})}, 0.6f);
  const TrackSet tracks = StitchTracks(one, {{low, high}}, 1);
  ASSERT_EQ(tracks.size(), 2u);
  EXPECT_EQ(tracks[0].masks, high.masks);
  EXPECT_EQ(tracks[1].masks[0], Rectangle({30, 10, 16, 10}));
}

TEST(StitchTracks, DropsEditionsAndTracksThatLoseTooMuch) {
  const std::vector<Window> one = {{{0, 0, 60, 60}, {0, 0, 60, 60}}};
  const Mask a = Rectangle({10, 10, 20, 10});
  const Mask b = Rectangle({40, 30, 10, 10});
  const Track high = MakeTrack({Mask(), a, Mask()}, 0.9f);
  // Loses the middle of three editions: the link spans it from then on.
  const Track middle = MakeTrack({b, Rectangle({12, 10, 20, 10}), b}, 0.8f);
  // Loses all but a rim.
  const Track rim =
      MakeTrack({Mask(), Rectangle({8, 10, 20, 10}), Mask()}, 0.7f);
  const TrackSet tracks = StitchTracks(one, {{high, middle, rim}}, 3);
  ASSERT_EQ(tracks.size(), 2u);
  EXPECT_EQ(tracks[0].masks, high.masks);
  EXPECT_EQ(tracks[1].masks, (std::vector<Mask>{b, Mask(), b}));
  EXPECT_EQ(tracks[1].presence, (std::vector<float>{0.8f, 0.0f, 0.8f}));
  EXPECT_FLOAT_EQ(tracks[1].link[0], 0.49f);
  EXPECT_EQ(tracks[1].link[1], 0.0f);
  EXPECT_EQ(tracks[1].link[2], 0.0f);
}

TEST(StitchTracks, TakesNothingToNothing) {
  EXPECT_TRUE(StitchTracks({}, {}, 3).empty());
  EXPECT_TRUE(StitchTracks(kPair, {{}, {}}, 3).empty());
  EXPECT_TRUE(StitchTracks(kPair, {{MakeTrack({Mask()})}, {}}, 1).empty());
}

TEST(StitchTracks, RefusesWhatDoesNotFit) {
  EXPECT_THROW(StitchTracks(kPair, {{}}, 1), Error);
  EXPECT_THROW(StitchTracks(kPair, {{MakeTrack({Mask()})}, {}}, 2), Error);
  StitchOptions options;
  options.min_iou = 2.0;
  EXPECT_THROW(StitchTracks({}, {}, 1, options), Error);
}

TEST(StitchTracks, StitchesAWholeSheetInSeconds) {
  // 130 windows and about 8 000 houses on three editions.
  const cv::Size grid(5000, 4000);
  TrackSet town;
  Rng rng(8);
  for (int y = 0; y + 40 < grid.height; y += 45) {
    for (int x = 0; x + 40 < grid.width; x += 54) {
      const Mask mask = Rectangle({x, y, static_cast<int>(rng.Int(8, 40)),
                                   static_cast<int>(rng.Int(8, 40))});
      town.push_back(MakeTrack({mask, mask.Translated(1, 0), mask}));
    }
  }
  const auto windows = PlanWindows(grid, {});
  std::vector<TrackSet> cut(windows.size());
  for (size_t i = 0; i < windows.size(); ++i) {
    TrackSet near;
    for (const Track& track : town) {
      const cv::Rect bounds = track.masks[0].Bounds() | track.masks[1].Bounds();
      if (!(bounds & windows[i].box).empty()) near.push_back(track);
    }
    cut[i] = CutByWindow(near, {windows[i]})[0];
  }
  const std::clock_t start = std::clock();
  const TrackSet stitched = StitchTracks(windows, cut, 3);
  const double seconds =
      static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  EXPECT_EQ(stitched.size(), town.size());
  // Under half a second without sanitizers.
  EXPECT_LT(seconds, 10.0);
  RecordProperty("milliseconds", static_cast<int>(seconds * 1000));
}

}  // namespace
}  // namespace mapweave::tracking
