// SPDX-License-Identifier: MIT
#include "tracking/components.h"

#include "core/error.h"
#include "core/random.h"

#include <gtest/gtest.h>
#include <opencv2/core.hpp>

#include <string>

namespace mapweave::tracking {
namespace {

// '#' is interior (and foreground), '+' foreground only, '.' neither.
struct Maps {
  cv::Mat foreground;
  cv::Mat interior;
};

Maps Draw(const std::vector<std::string>& lines) {
  const cv::Size size(static_cast<int>(lines[0].size()),
                      static_cast<int>(lines.size()));
  Maps maps{cv::Mat(size, CV_32F, 0.1f), cv::Mat(size, CV_32F, 0.1f)};
  for (int row = 0; row < size.height; ++row) {
    for (int col = 0; col < size.width; ++col) {
      const char c = lines[row][col];
      if (c != '.') maps.foreground.at<float>(row, col) = 0.8f;
      if (c == '#') maps.interior.at<float>(row, col) = 0.9f;
    }
  }
  return maps;
}

// Instance i is drawn as the letter 'a' + i.
std::vector<std::string> Show(const std::vector<Instance>& instances,
                              cv::Size size) {
  std::vector<std::string> lines(size.height, std::string(size.width, '.'));
  for (size_t i = 0; i < instances.size(); ++i) {
    for (const Run& run : instances[i].mask.Runs()) {
      for (int col = run.begin; col < run.end; ++col) {
        EXPECT_EQ(lines[run.row][col], '.') << "masks overlap";
        lines[run.row][col] = static_cast<char>('a' + i);
      }
    }
  }
  return lines;
}

ComponentOptions Small() {
  ComponentOptions options;
  options.min_area_px = 1;
  return options;
}

TEST(InstancesFromMaps, DividesASharedWallBetweenTheNeighbours) {
  const Maps maps = Draw({"++++++++", "+##++##+", "+##++##+", "++++++++"});
  EXPECT_EQ(Show(InstancesFromMaps(maps.foreground, maps.interior, {}, Small()),
                 {8, 4}),
            (std::vector<std::string>{"aaaabbbb", "aaaabbbb", "aaaabbbb",
                                      "aaaabbbb"}));
}

TEST(InstancesFromMaps, GrowsSimultaneouslyNotOneAfterTheOther) {
  // The middle of the 5-pixel bridge is reached by both at once and goes to
  // the first; neither takes the other's half.
  const Maps maps = Draw({"#+++++#"});
  EXPECT_EQ(Show(InstancesFromMaps(maps.foreground, maps.interior, {}, Small()),
                 {7, 1}),
            (std::vector<std::string>{"aaaabbb"}));
}

TEST(InstancesFromMaps, GrowsOnlyAsFarAsAsked) {
  const Maps maps = Draw({"#++++++"});
  ComponentOptions options = Small();
  options.grow_px = 2;
  EXPECT_EQ(Show(InstancesFromMaps(maps.foreground, maps.interior, {}, options),
                 {7, 1}),
            (std::vector<std::string>{"aaa...."}));
}

TEST(InstancesFromMaps, SeparatesDiagonalNeighbours) {
  const Maps maps = Draw({"##..", "##..", "..##", "..##"});
  EXPECT_EQ(
      InstancesFromMaps(maps.foreground, maps.interior, {}, Small()).size(),
      2u);
}

TEST(InstancesFromMaps, KeepsHoles) {
  const Maps maps = Draw({"#####", "#...#", "#...#", "#...#", "#####"});
  const auto instances =
      InstancesFromMaps(maps.foreground, maps.interior, {}, {});
  ASSERT_EQ(instances.size(), 1u);
  EXPECT_EQ(instances[0].mask.Area(), 16);
}

TEST(InstancesFromMaps, DropsSmallOnesAfterGrowth) {
  const Maps maps = Draw({"####+.##", "####+.##", "......##"});
  const auto instances =
      InstancesFromMaps(maps.foreground, maps.interior, {}, {});
  ASSERT_EQ(instances.size(), 1u);
  EXPECT_EQ(instances[0].mask.Area(), 10);
}

TEST(InstancesFromMaps, StaysOnThePaper) {
  const Maps maps = Draw({"######", "######"});
  cv::Mat coverage = cv::Mat::ones(2, 6, CV_8UC1);
  coverage.col(2).setTo(0);
  EXPECT_EQ(
      Show(InstancesFromMaps(maps.foreground, maps.interior, coverage, Small()),
           {6, 2}),
      (std::vector<std::string>{"aa.bbb", "aa.bbb"}));
}

TEST(InstancesFromMaps, NeedsAPeakWhereHysteresisIsOn) {
  Maps maps = Draw({"##..##", "##..##"});
  maps.interior.at<float>(1, 5) = 0.99f;
  ComponentOptions options = Small();
  options.peak_threshold = 0.95;
  EXPECT_EQ(Show(InstancesFromMaps(maps.foreground, maps.interior, {}, options),
                 {6, 2}),
            (std::vector<std::string>{"....aa", "....aa"}));
}

TEST(InstancesFromMaps, ScoresByMeanForeground) {
  Maps maps = Draw({"##", "##"});
  maps.foreground.at<float>(0, 0) = 0.4f;
  const auto instances =
      InstancesFromMaps(maps.foreground, maps.interior, {}, Small());
  ASSERT_EQ(instances.size(), 1u);
  EXPECT_NEAR(instances[0].score, (0.4 + 3 * 0.8) / 4, 1e-6);
}

TEST(InstancesFromMaps, OrdersByFirstPixelAlsoAfterGrowth) {
  // The right-hand seed starts lower but grows to the top row.
  const Maps maps = Draw({"...++", "##.++", "##.##", "...##"});
  EXPECT_EQ(Show(InstancesFromMaps(maps.foreground, maps.interior, {}, Small()),
                 {5, 4}),
            (std::vector<std::string>{"...aa", "bb.aa", "bb.aa", "...aa"}));
}

TEST(InstancesFromMaps, MovesWithTheMaps) {
  Rng rng(1);
  Maps maps{cv::Mat(40, 40, CV_32F, 0.0f), cv::Mat(40, 40, CV_32F, 0.0f)};
  const cv::Mat inner_fg = maps.foreground({5, 5, 25, 25});
  const cv::Mat inner_in = maps.interior({5, 5, 25, 25});
  for (int i = 0; i < 12; ++i) {
    const cv::Rect house(static_cast<int>(rng.Int(0, 17)),
                         static_cast<int>(rng.Int(0, 17)), 7, 6);
    inner_fg(house).setTo(0.9f);
    inner_in({house.x + 1, house.y + 1, 5, 4}).setTo(0.9f);
  }
  Maps moved{cv::Mat(40, 40, CV_32F, 0.0f), cv::Mat(40, 40, CV_32F, 0.0f)};
  inner_fg.copyTo(moved.foreground({9, 12, 25, 25}));
  inner_in.copyTo(moved.interior({9, 12, 25, 25}));
  const auto before = InstancesFromMaps(maps.foreground, maps.interior, {}, {});
  const auto after =
      InstancesFromMaps(moved.foreground, moved.interior, {}, {});
  ASSERT_GT(before.size(), 0u);
  ASSERT_EQ(after.size(), before.size());
  for (size_t i = 0; i < before.size(); ++i) {
    EXPECT_EQ(after[i].mask, before[i].mask.Translated(4, 7));
    EXPECT_EQ(after[i].score, before[i].score);
  }
}

TEST(InstancesFromMaps, FindsNothingOnEmptyMaps) {
  EXPECT_TRUE(InstancesFromMaps({}, {}, {}, {}).empty());
  const cv::Mat blank(5, 5, CV_32F, 0.0f);
  EXPECT_TRUE(InstancesFromMaps(blank, blank, {}, {}).empty());
}

TEST(InstancesFromMaps, RefusesBadOptionsAndSizes) {
  const cv::Mat map(5, 5, CV_32F, 0.0f);
  ComponentOptions options;
  options.interior_threshold = 1.5;
  EXPECT_THROW(InstancesFromMaps(map, map, {}, options), Error);
  EXPECT_THROW(InstancesFromMaps(map, cv::Mat(4, 5, CV_32F, 0.0f), {}, {}),
               Error);
}

}  // namespace
}  // namespace mapweave::tracking
