// SPDX-License-Identifier: MIT
//
// Run lengths and packed texts are worked out by hand.
#include "tracking/coco_rle.h"

#include "core/error.h"
#include "core/random.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

namespace mapweave::tracking {
namespace {

using ::testing::ElementsAre;
using Counts = std::vector<uint32_t>;

ErrorCode CodeOf(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.Code();
  }
  return ErrorCode::kBug;
}

TEST(CocoRle, CountsRunDownTheColumns) {
  // . # .
  // # . .
  const Mask mask = Mask::FromRuns({{0, 1, 2}, {1, 0, 1}});
  EXPECT_THAT(RleCounts(mask, {3, 2}), ElementsAre(1, 2, 3));
}

TEST(CocoRle, MaskAtTheFirstPixelBeginsWithNoBackground) {
  EXPECT_THAT(RleCounts(Mask::FromRuns({{0, 0, 1}}), {2, 2}),
              ElementsAre(0, 1, 3));
  // A run goes on from the foot of one column at the head of the next.
  EXPECT_THAT(RleCounts(Mask::FromRuns({{0, 0, 2}, {1, 0, 2}}), {2, 2}),
              ElementsAre(0, 4));
  EXPECT_THAT(RleCounts({}, {2, 2}), ElementsAre(4));
}

TEST(CocoRle, PixelsBeyondTheFrameAreLeftOut) {
  EXPECT_THAT(RleCounts(Mask::FromRuns({{-1, 0, 2}, {1, -5, 9}}), {2, 2}),
              ElementsAre(1, 1, 1, 1));
}

TEST(CocoRle, PacksAsTheOfficialCode) {
  EXPECT_EQ(PackRleCounts(Counts{1, 2, 3}), "123");
  // The sign bit of the lowest group calls for a second one.
  EXPECT_EQ(PackRleCounts(Counts{20}), "d0");
  EXPECT_EQ(PackRleCounts(Counts{100}), "T3");
  // The fourth is 30 - 100.
  EXPECT_EQ(PackRleCounts(Counts{0, 100, 5, 30}), "0T35jM");
  EXPECT_THAT(UnpackRleCounts("0T35jM"), ElementsAre(0, 100, 5, 30));
  EXPECT_THAT(UnpackRleCounts("d0"), ElementsAre(20));
  EXPECT_THAT(UnpackRleCounts(""), ElementsAre());
}

TEST(CocoRle, RandomMasksComeBack) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    Rng rng(seed);
    const cv::Size size(static_cast<int>(rng.Int(1, 70)),
                        static_cast<int>(rng.Int(1, 70)));
    std::vector<tracking::Run> runs;
    for (int64_t i = rng.Int(0, 80); i > 0; --i) {
      const auto begin = static_cast<int32_t>(rng.Int(0, size.width - 1));
      runs.push_back({static_cast<int32_t>(rng.Int(0, size.height - 1)), begin,
                      static_cast<int32_t>(rng.Int(begin, size.width))});
    }
    const Mask mask = Mask::FromRuns(std::move(runs));
    const Counts counts = RleCounts(mask, size);
    EXPECT_EQ(MaskFromRleCounts(counts, size), mask) << seed;
    EXPECT_EQ(UnpackRleCounts(PackRleCounts(counts)), counts) << seed;
    for (size_t i = 1; i < counts.size(); ++i) EXPECT_GT(counts[i], 0u);
  }
}

TEST(CocoRle, BadCodesAreRefused) {
  const auto refuses = [](const std::function<void()>& action) {
    EXPECT_EQ(CodeOf(action), ErrorCode::kBadInput);
  };
  refuses([] { MaskFromRleCounts(Counts{1, 2}, {2, 2}); });
  refuses([] { MaskFromRleCounts(Counts{1, 2, 3}, {2, 2}); });
  refuses([] { MaskFromRleCounts(Counts{}, {2, 2}); });
  refuses([] { MaskFromRleCounts(Counts{4}, {0, 2}); });
  refuses([] { MaskFromRleCounts(Counts{4}, {kMaxFrameSide + 1, 2}); });
  refuses([] { UnpackRleCounts("1 2"); });
  refuses([] { UnpackRleCounts("T"); });               // says more, and ends
  refuses([] { UnpackRleCounts("M"); });               // a run of -3
  refuses([] { UnpackRleCounts("oooooooooooooo"); });  // endless
  refuses([] { UnpackRleCounts("\x80\xff"); });
}

TEST(CocoRle, PolygonOnPixelEdgesCoversThePixelsBetween) {
  const std::vector<double> square = {2, 1, 5, 1, 5, 4, 2, 4};
  const Mask mask = MaskFromCocoPolygon(square, {8, 8});
  EXPECT_EQ(mask, Mask::FromRuns({{1, 2, 5}, {2, 2, 5}, {3, 2, 5}}));
}

TEST(CocoRle, PolygonIsCutAtTheFrame) {
  const std::vector<double> wide = {-3, -3, 20, -3, 20, 20, -3, 20};
  EXPECT_EQ(MaskFromCocoPolygon(wide, {6, 4}).Area(), 24);
}

TEST(CocoRle, BadPolygonsAreRefused) {
  const std::vector<double> line = {0, 0, 1, 1};
  const std::vector<double> odd = {0, 0, 1, 1, 2, 0, 3};
  const std::vector<double> far = {0, 0, 1e12, 0, 0, 5};
  const std::vector<double> none = {0, 0, std::nan(""), 0, 0, 5};
  for (const auto& polygon : {line, odd, far, none}) {
    EXPECT_EQ(CodeOf([&] {
                MaskFromCocoPolygon(polygon, {8, 8});
              }),
              ErrorCode::kBadInput);
  }
}

}  // namespace
}  // namespace mapweave::tracking
