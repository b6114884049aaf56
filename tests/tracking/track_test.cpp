// SPDX-License-Identifier: MIT
#include "tracking/track.h"

#include "core/error.h"
#include "tracking/clip.h"

#include <gtest/gtest.h>
#include <opencv2/core.hpp>

namespace mapweave::tracking {
namespace {

// testing::Test has a member named Run.
using Runs = std::vector<Run>;

Track TrackOf(std::vector<Mask> masks) {
  Track track;
  track.presence.assign(masks.size(), 0.0f);
  track.link.assign(masks.size(), 0.0f);
  track.masks = std::move(masks);
  return track;
}

TEST(SpatioTemporalIoU, SumsAreasOverAllEditions) {
  const Mask ten = Mask::FromRuns({{0, 0, 10}});
  const Mask five = Mask::FromRuns({{0, 0, 5}});
  // Edition 0: 10 of 10. Edition 1: only one side, 5. Edition 2: neither.
  const Track a = TrackOf({ten, five, Mask()});
  const Track b = TrackOf({ten, Mask(), Mask()});
  EXPECT_DOUBLE_EQ(SpatioTemporalIoU(a, b), 10.0 / 15.0);
  EXPECT_DOUBLE_EQ(SpatioTemporalIoU(b, a), 10.0 / 15.0);
  EXPECT_DOUBLE_EQ(SpatioTemporalIoU(a, a), 1.0);
}

TEST(SpatioTemporalIoU, IsZeroForTwoEmptyTracks) {
  const Track nothing = TrackOf({Mask(), Mask()});
  EXPECT_EQ(SpatioTemporalIoU(nothing, nothing), 0.0);
}

TEST(SpatioTemporalIoU, RefusesTracksOfDifferentLength) {
  EXPECT_THROW(SpatioTemporalIoU(TrackOf({Mask()}), TrackOf({})), Error);
}

TEST(TracksFromLabels, FollowsEachLabelThroughTheEditions) {
  const std::vector<cv::Mat> labels = {
      (cv::Mat_<int32_t>(2, 3) << 9, 9, 2, 0, 0, 2),
      (cv::Mat_<int32_t>(2, 3) << 0, 0, 0, 0, 0, 0),
      (cv::Mat_<int32_t>(2, 3) << 0, 9, 9, 0, 0, 0)};
  const TrackSet tracks = TracksFromLabels(labels);
  ASSERT_EQ(tracks.size(), 2u);
  EXPECT_EQ(tracks[0].masks[0].Runs(), (Runs{{0, 2, 3}, {1, 2, 3}}));
  EXPECT_TRUE(tracks[0].masks[2].IsEmpty());
  EXPECT_EQ(tracks[0].link, (std::vector<float>{0, 0, 0}));
  EXPECT_EQ(tracks[1].masks[0].Runs(), (Runs{{0, 0, 2}}));
  EXPECT_EQ(tracks[1].masks[2].Runs(), (Runs{{0, 1, 3}}));
  EXPECT_EQ(tracks[1].presence, (std::vector<float>{1, 0, 1}));
  EXPECT_EQ(tracks[1].link, (std::vector<float>{1, 0, 0}));
  EXPECT_EQ(tracks[1].score, 1.0f);
}

TEST(TracksFromLabels, RefusesEditionsOfDifferentSize) {
  EXPECT_THROW(TracksFromLabels({cv::Mat::zeros(2, 2, CV_32SC1),
                                 cv::Mat::zeros(2, 3, CV_32SC1)}),
               Error);
}

}  // namespace
}  // namespace mapweave::tracking
