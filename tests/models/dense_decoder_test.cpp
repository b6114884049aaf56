// SPDX-License-Identifier: MIT
#include "models/vis/dense_decoder.h"

#include "core/error.h"

#include <gtest/gtest.h>

namespace mapweave::vis {
namespace {

using tracking::TrackSet;

constexpr int kSide = 64;

struct Drawn {
  cv::Rect box;
  cv::Point2d centre;  // that its pixels vote for
};

// Maps as a perfect network would make them.
DenseMaps PerfectMaps(const std::vector<std::vector<Drawn>>& editions) {
  DenseMaps maps;
  for (const auto& buildings : editions) {
    const auto zeros = [] { return cv::Mat::zeros(kSide, kSide, CV_32FC1); };
    cv::Mat foreground = zeros();
    cv::Mat interior = zeros();
    cv::Mat x = zeros();
    cv::Mat y = zeros();
    for (const Drawn& drawn : buildings) {
      foreground(drawn.box) = 0.9f;
      interior(drawn.box - cv::Size(2, 2) + cv::Point(1, 1)) = 0.9f;
      for (int row = drawn.box.y; row < drawn.box.br().y; ++row) {
        for (int col = drawn.box.x; col < drawn.box.br().x; ++col) {
          x.at<float>(row, col) = static_cast<float>(drawn.centre.x - col - .5);
          y.at<float>(row, col) = static_cast<float>(drawn.centre.y - row - .5);
        }
      }
    }
    maps.foreground.push_back(foreground);
    maps.interior.push_back(interior);
    maps.offset_x.push_back(x);
    maps.offset_y.push_back(y);
  }
  return maps;
}

std::vector<cv::Mat> Covered(size_t editions) {
  return std::vector<cv::Mat>(editions, cv::Mat::ones(kSide, kSide, CV_8UC1));
}

TEST(DenseDecoder, RecoversMasksAndLinks) {
  const Drawn house{{10, 10, 8, 9}, {14, 14.5}};
  const Drawn moved{{12, 11, 8, 9}, {14, 14.5}};
  const Drawn neighbour{{18, 10, 8, 9}, {22, 14.5}};  // shares a wall
  const Drawn far_off{{40, 40, 12, 12}, {46, 46}};
  const Drawn far_moved{{42, 41, 12, 12}, {46, 46}};

  const TrackSet tracks = DecodeTracks(
      PerfectMaps({{house, neighbour, far_off}, {moved, far_moved}}),
      Covered(2), DecodeOptions{});

  ASSERT_EQ(tracks.size(), 3u);
  EXPECT_EQ(tracks[0].masks[0].Bounds(), house.box);
  EXPECT_EQ(tracks[0].masks[0].Area(), house.box.area());
  EXPECT_EQ(tracks[0].masks[1].Bounds(), moved.box);
  EXPECT_EQ(tracks[1].masks[0].Bounds(), neighbour.box);
  EXPECT_TRUE(tracks[1].masks[1].IsEmpty());
  EXPECT_EQ(tracks[2].masks[1].Bounds(), far_moved.box);
  EXPECT_NEAR(tracks[0].score, 0.9, 1e-5);
}

TEST(DenseDecoder, VotesKeepARebuiltHouseApart) {
  // The same outline, but the pixels of the two editions vote for centres far
  // apart: the network has seen another building.
  const Drawn old_house{{20, 20, 10, 10}, {25, 25}};
  const Drawn new_house{{20, 20, 10, 10}, {40, 25}};
  const DenseMaps maps = PerfectMaps({{old_house}, {new_house}});
  DecodeOptions options;

  EXPECT_EQ(DecodeTracks(maps, Covered(2), options).size(), 1u);
  options.centre_distance_px = 5.0;
  options.min_link_probability = 0.2;
  EXPECT_EQ(DecodeTracks(maps, Covered(2), options).size(), 2u);
}

TEST(DenseDecoder, DropsWhatScoresLow) {
  const Drawn house{{20, 20, 10, 10}, {25, 25}};
  const DenseMaps maps = PerfectMaps({{house}});
  DecodeOptions options;
  options.min_score = 0.95;

  EXPECT_TRUE(DecodeTracks(maps, Covered(1), options).empty());
  EXPECT_EQ(DecodeAllTracks(maps, Covered(1), options).size(), 1u);
}

TEST(DenseDecoder, FindsNothingWithoutCoverage) {
  const Drawn house{{20, 20, 10, 10}, {25, 25}};

  EXPECT_TRUE(DecodeTracks(PerfectMaps({{house}}),
                           {cv::Mat::zeros(kSide, kSide, CV_8UC1)},
                           DecodeOptions{})
                  .empty());
}

TEST(DecodeOptions, SurviveJson) {
  DecodeOptions options;
  options.interior_threshold = 0.375;
  options.centre_distance_px = 4.0;

  EXPECT_EQ(DecodeOptions::FromJson(options.ToJson()).ToJson(),
            options.ToJson());
  EXPECT_THROW(DecodeOptions::FromJson({{"min_score", "high"}}), Error);
  EXPECT_THROW(DecodeOptions::FromJson({{"min_iou", 2.0}}), Error);
}

}  // namespace
}  // namespace mapweave::vis
