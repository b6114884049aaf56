// SPDX-License-Identifier: MIT
#include "geo/neatline.h"

#include "core/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

namespace mapweave::geo {
namespace {

constexpr int kWidth = 640;
constexpr int kHeight = 480;

// Grey paper with a little noise.
ImageU8 Paper(int shade = 225) {
  ImageU8 image(kWidth, kHeight, 3);
  Rng rng(7);
  for (int i = 0; i < kWidth * kHeight; ++i) {
    const auto value = static_cast<uint8_t>(shade + rng.Int(-3, 3));
    std::fill_n(&image.data[static_cast<size_t>(3 * i)], 3, value);
  }
  return image;
}

ImageU8 AllPaper() { return ImageU8(kWidth, kHeight, 1, 1); }

// Sets each pixel that `is_ink` holds at its centre.
void Ink(ImageU8& image, const std::function<bool(double, double)>& is_ink,
         uint8_t shade = 60) {
  for (int row = 0; row < image.height; ++row) {
    for (int col = 0; col < image.width; ++col) {
      if (is_ink(col + 0.5, row + 0.5)) {
        std::fill_n(image.At(col, row), 3, shade);
      }
    }
  }
}

// How far a place lies outside a rectangle with margins of 60, 50, 70 and 40
// pixels (left, top, right, bottom), turned by one degree; negative inside.
double Outside(double x, double y) {
  const double turn = std::acos(-1.0) / 180.0;
  const double u = std::cos(turn) * (x - 315) + std::sin(turn) * (y - 245);
  const double v = std::cos(turn) * (y - 245) - std::sin(turn) * (x - 315);
  return std::max(std::abs(u) - 255.0, std::abs(v) - 195.0);
}

bool OnFrame(double x, double y, double outside, double width) {
  return std::abs(Outside(x, y) - outside) <= width / 2.0;
}

// Blocks of houses, some of them parallel to the frame.
bool IsTown(double x, double y) {
  return Outside(x, y) < -4.0 && std::fmod(x + 0.1 * y, 46.0) < 30.0 &&
         std::fmod(y, 38.0) < 22.0 && std::fmod(x, 7.0) < 2.0;
}

// The largest distance of the outline from the rectangle.
double ErrorOf(const Neatline& neatline, double outside = 0.0) {
  double worst = 0.0;
  for (const Point2d& p : neatline.outline) {
    worst = std::max(worst, std::abs(Outside(p.x, p.y) - outside));
  }
  return worst;
}

TEST(Neatline, FindsASingleFrame) {
  ImageU8 image = Paper();
  Ink(image, IsTown);
  Ink(image, [](double x, double y) { return OnFrame(x, y, 0.0, 1.5); });
  const auto found = FindNeatline(image, AllPaper());
  ASSERT_TRUE(found.has_value());
  EXPECT_LT(ErrorOf(*found), 1.0);
  EXPECT_GT(found->confidence, 0.9);
  EXPECT_NEAR(found->margins[0], 60.0, 2.0);
  EXPECT_NEAR(found->margins[1], 50.0, 2.0);
  EXPECT_NEAR(found->margins[2], 70.0, 2.0);
  EXPECT_NEAR(found->margins[3], 40.0, 2.0);
}

TEST(Neatline, TakesTheInnermostOfSeveralLines) {
  ImageU8 image = Paper();
  Ink(image, IsTown);
  for (const auto& [outside, width] :
       {std::pair{0.0, 1.2}, {7.0, 4.0}, {13.0, 1.2}}) {
    Ink(image,
        [&](double x, double y) { return OnFrame(x, y, outside, width); });
  }
  const auto found = FindNeatline(image, AllPaper());
  ASSERT_TRUE(found.has_value());
  EXPECT_LT(ErrorOf(*found), 1.0);
}

TEST(Neatline, FindsLightLinesOnDarkPaper) {
  ImageU8 image = Paper(60);
  Ink(image, IsTown, 210);
  Ink(
      image, [](double x, double y) { return OnFrame(x, y, 0.0, 2.0); }, 210);
  const auto found = FindNeatline(image, AllPaper());
  ASSERT_TRUE(found.has_value());
  EXPECT_LT(ErrorOf(*found), 1.0);
}

TEST(Neatline, LeavesATownWithoutAFrameWhole) {
  ImageU8 image = Paper();
  Ink(image, IsTown);
  EXPECT_FALSE(FindNeatline(image, AllPaper()).has_value());
}

// A sheet that was cut out of a larger one shows a part of the frame.
TEST(Neatline, NeedsAllFourSides) {
  ImageU8 image = Paper();
  Ink(image, IsTown);
  Ink(image,
      [](double x, double y) { return OnFrame(x, y, 0.0, 2.0) && y < 400.0; });
  EXPECT_FALSE(FindNeatline(image, AllPaper()).has_value());
}

// Creases cross each other and go on to the edge of the paper.
TEST(Neatline, FoldsAreNoFrame) {
  ImageU8 image = Paper();
  Ink(image, IsTown);
  Ink(image, [](double x, double y) {
    return std::abs(x - 90.0) < 1.0 || std::abs(x - 560.0) < 1.0 ||
           std::abs(y - 80.0) < 1.0 || std::abs(y - 420.0) < 1.0;
  });
  EXPECT_FALSE(FindNeatline(image, AllPaper()).has_value());
}

TEST(Neatline, ABlankOrTinySheetHasNone) {
  EXPECT_FALSE(FindNeatline(Paper(), AllPaper()).has_value());
  EXPECT_FALSE(FindNeatline(Paper(), ImageU8(kWidth, kHeight, 1, uint8_t{0}))
                   .has_value());
  EXPECT_FALSE(
      FindNeatline(ImageU8(20, 20, 3), ImageU8(20, 20, 1, 1)).has_value());
}

}  // namespace
}  // namespace mapweave::geo
