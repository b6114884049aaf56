// SPDX-License-Identifier: MIT
#include "tracking/box_index.h"

#include "core/random.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace mapweave::tracking {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(BoxIndex, FindsWhatSharesAPixel) {
  BoxIndex index(10);
  index.Insert(7, {0, 0, 10, 10});
  index.Insert(3, {10, 0, 25, 10});
  EXPECT_THAT(index.Overlapping({9, 9, 2, 1}), ElementsAre(3, 7));
  EXPECT_THAT(index.Overlapping({0, 10, 40, 5}), IsEmpty());
  EXPECT_THAT(index.Overlapping({5, 5, 0, 9}), IsEmpty());
}

TEST(BoxIndex, AgreesWithTryingAllBoxesAlsoLeftOfAndAboveTheOrigin) {
  Rng rng(1);
  const auto random_box = [&] {
    return cv::Rect(static_cast<int>(rng.Int(-100, 100)),
                    static_cast<int>(rng.Int(-100, 100)),
                    static_cast<int>(rng.Int(0, 60)),
                    static_cast<int>(rng.Int(0, 60)));
  };
  BoxIndex index(16);
  std::vector<cv::Rect> boxes;
  for (int i = 0; i < 100; ++i) {
    boxes.push_back(random_box());
    index.Insert(i, boxes.back());
  }
  for (int i = 0; i < 200; ++i) {
    const cv::Rect box = random_box();
    std::vector<int> expected;
    for (int k = 0; k < 100; ++k) {
      if (!(boxes[k] & box).empty()) expected.push_back(k);
    }
    EXPECT_EQ(index.Overlapping(box), expected);
  }
}

}  // namespace
}  // namespace mapweave::tracking
