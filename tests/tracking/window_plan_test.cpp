// SPDX-License-Identifier: MIT
#include "core/error.h"
#include "tracking/stitch.h"

#include <gtest/gtest.h>
#include <opencv2/core.hpp>

namespace mapweave::tracking {
namespace {

struct Case {
  cv::Size grid;
  int size;
  int overlap;
  cv::Point offset;
};

class PlanWindowsTest : public ::testing::TestWithParam<Case> {};

TEST_P(PlanWindowsTest, CoresPartitionTheGridAndBoxesOverlapEnough) {
  const Case& c = GetParam();
  const std::vector<Window> windows =
      PlanWindows(c.grid, {c.size, c.overlap, c.offset});
  const cv::Rect grid({0, 0}, c.grid);
  cv::Mat owners = cv::Mat::zeros(c.grid, CV_32SC1);
  for (const Window& window : windows) {
    EXPECT_EQ(window.box & grid, window.box);
    EXPECT_EQ(window.core & window.box, window.core);
    EXPECT_EQ(window.box.width, std::min(c.size, c.grid.width));
    EXPECT_EQ(window.box.height, std::min(c.size, c.grid.height));
    cv::Mat part = owners(window.core);
    part += 1;
    // Half the overlap lies around the core wherever the grid goes on.
    const cv::Rect core = window.core;
    if (core.x > 0) {
      EXPECT_GE(core.x - window.box.x, c.overlap / 2);
    }
    if (core.y > 0) {
      EXPECT_GE(core.y - window.box.y, c.overlap / 2);
    }
    if (core.br().x < c.grid.width) {
      EXPECT_GE(window.box.br().x - core.br().x, c.overlap / 2);
    }
    if (core.br().y < c.grid.height) {
      EXPECT_GE(window.box.br().y - core.br().y, c.overlap / 2);
    }
  }
  EXPECT_EQ(cv::countNonZero(owners != 1), 0);
}

INSTANTIATE_TEST_SUITE_P(Grids, PlanWindowsTest,
                         ::testing::Values(Case{{1000, 700}, 256, 64, {0, 0}},
                                           Case{{1000, 700}, 256, 64, {96, 96}},
                                           Case{
                                               {1000, 700}, 256, 64, {-1, 500}},
                                           Case{{256, 256}, 256, 64, {0, 0}},
                                           Case{{257, 100}, 256, 64, {0, 0}},
                                           Case{{100, 90}, 256, 128, {7, 7}},
                                           Case{{501, 333}, 100, 33, {5, 60}},
                                           Case{{64, 64}, 16, 0, {0, 0}},
                                           Case{{1, 1}, 512, 128, {0, 0}}));

TEST(PlanWindows, UsesOneWindowWhereTheGridFits) {
  const std::vector<Window> windows = PlanWindows({300, 200});
  ASSERT_EQ(windows.size(), 1u);
  EXPECT_EQ(windows[0].box, cv::Rect(0, 0, 300, 200));
  EXPECT_EQ(windows[0].core, windows[0].box);
}

TEST(PlanWindows, PlansNothingForAnEmptyGrid) {
  EXPECT_TRUE(PlanWindows({0, 10}).empty());
}

TEST(PlanWindows, RefusesAnOverlapAsLargeAsTheWindow) {
  EXPECT_THROW(PlanWindows({10, 10}, {128, 128, {}}), Error);
  EXPECT_THROW(PlanWindows({10, 10}, {128, -1, {}}), Error);
}

}  // namespace
}  // namespace mapweave::tracking
