// SPDX-License-Identifier: MIT
#include "models/vis/dense_targets.h"

#include <gtest/gtest.h>

namespace mapweave::vis {
namespace {

// One clip of 16 x 16 pixels.
class DenseTargetsTest : public ::testing::Test {
 protected:
  DenseTargets Make(const std::vector<cv::Mat>& labels,
                    const std::vector<cv::Mat>& coverage = {}) {
    DenseTargets targets(1, static_cast<int64_t>(labels.size()), 16, 16);
    targets.Fill(0, labels,
                 coverage.empty()
                     ? std::vector<cv::Mat>(labels.size(),
                                            cv::Mat::ones(16, 16, CV_8UC1))
                     : coverage);
    return targets;
  }
  static cv::Mat Labels() { return cv::Mat::zeros(16, 16, CV_32SC1); }
  static bool Has(const DenseTargets& targets, int row, int col, uint8_t flag) {
    return (targets.flags[static_cast<size_t>(row * 16 + col)] & flag) != 0;
  }
};

TEST_F(DenseTargetsTest, LeavesTheRimOutOfTheInterior) {
  cv::Mat labels = Labels();
  labels(cv::Rect(4, 4, 5, 4)) = 1;

  const DenseTargets targets = Make({labels});

  for (int row = 0; row < 16; ++row) {
    for (int col = 0; col < 16; ++col) {
      const bool inside = row >= 5 && row < 7 && col >= 5 && col < 8;
      EXPECT_EQ(Has(targets, row, col, kInteriorFlag), inside);
      EXPECT_EQ(Has(targets, row, col, kForegroundFlag),
                labels.at<int32_t>(row, col) != 0);
    }
  }
}

TEST_F(DenseTargetsTest, PartsNeighboursWithASharedWall) {
  cv::Mat labels = Labels();
  labels(cv::Rect(2, 4, 4, 6)) = 1;
  labels(cv::Rect(6, 4, 4, 6)) = 2;

  const DenseTargets targets = Make({labels});

  EXPECT_TRUE(Has(targets, 6, 4, kInteriorFlag));
  EXPECT_FALSE(Has(targets, 6, 5, kInteriorFlag));
  EXPECT_FALSE(Has(targets, 6, 6, kInteriorFlag));
  EXPECT_TRUE(Has(targets, 6, 7, kInteriorFlag));
  EXPECT_TRUE(Has(targets, 6, 5, kContactFlag));
  EXPECT_FALSE(Has(targets, 6, 2, kContactFlag));
}

TEST_F(DenseTargetsTest, KeepsThinBuildingsWhole) {
  cv::Mat labels = Labels();
  labels(cv::Rect(3, 3, 8, 2)) = 1;

  const DenseTargets targets = Make({labels});

  EXPECT_TRUE(Has(targets, 3, 3, kInteriorFlag));
  EXPECT_TRUE(Has(targets, 4, 10, kInteriorFlag));
}

TEST_F(DenseTargetsTest, CutBuildingsHaveNoRimAtTheCut) {
  cv::Mat labels = Labels();
  labels(cv::Rect(0, 4, 6, 6)) = 1;
  cv::Mat coverage = cv::Mat::ones(16, 16, CV_8UC1);
  coverage(cv::Rect(4, 0, 12, 16)) = 0;

  const DenseTargets targets = Make({labels}, {coverage});

  EXPECT_TRUE(Has(targets, 6, 0, kInteriorFlag));
  EXPECT_TRUE(Has(targets, 6, 3, kInteriorFlag));
  EXPECT_FALSE(Has(targets, 6, 4, kValidFlag));
  EXPECT_FALSE(Has(targets, 6, 4, kForegroundFlag));
}

TEST_F(DenseTargetsTest, OffsetsLeadToTheMeanOfTheEditionsCentres) {
  cv::Mat first = Labels();
  first(cv::Rect(2, 2, 4, 4)) = 9;  // centre (4, 4)
  cv::Mat second = Labels();
  second(cv::Rect(4, 2, 4, 4)) = 9;  // centre (6, 4)

  const DenseTargets targets = Make({first, second, Labels()});

  // Shared centre (5, 4), seen from pixel (2, 2) of the first edition and
  // pixel (7, 5) of the second.
  EXPECT_FLOAT_EQ(targets.offsets[2 * 16 + 2], 2.5f);
  EXPECT_FLOAT_EQ(targets.offsets[256 + 2 * 16 + 2], 1.5f);
  EXPECT_FLOAT_EQ(targets.offsets[512 + 5 * 16 + 7], -2.5f);
  EXPECT_FLOAT_EQ(targets.offsets[512 + 256 + 5 * 16 + 7], -1.5f);
  // Its cell of the heat map is (2, 2), the only one at the full value.
  EXPECT_EQ(targets.heat[2 * 8 + 2], 1.0f);
  EXPECT_EQ(std::count(targets.heat.begin(), targets.heat.end(), 1.0f), 1);
}

TEST_F(DenseTargetsTest, SmallerClipsLeaveTheRestInvalid) {
  DenseTargets targets(1, 1, 16, 16);
  cv::Mat labels = cv::Mat::zeros(10, 6, CV_32SC1);
  labels(cv::Rect(1, 1, 5, 5)) = 1;

  targets.Fill(0, {labels}, {cv::Mat::ones(10, 6, CV_8UC1)});

  EXPECT_TRUE(Has(targets, 9, 5, kValidFlag));
  EXPECT_FALSE(Has(targets, 9, 6, kValidFlag));
  EXPECT_FALSE(Has(targets, 10, 0, kValidFlag));
}

}  // namespace
}  // namespace mapweave::vis
