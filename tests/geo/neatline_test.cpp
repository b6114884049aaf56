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

// A town in a frame of two lines, cut off below 380 pixels.
ImageU8 CutOff(double outer_line) {
  ImageU8 image = Paper();
  Ink(image, IsTown);
  Ink(image, [](double x, double y) { return OnFrame(x, y, 0.0, 2.0); });
  Ink(image, [outer_line](double x, double y) {
    return OnFrame(x, y, outer_line, 3.0);
  });
  image.height = 380;
  image.data.resize(size_t{3} * kWidth * 380);
  return image;
}

TEST(Neatline, EndsWhereTheRasterCutsTheFrameOff) {
  const auto found = FindNeatline(CutOff(8.0), ImageU8(kWidth, 380, 1, 1));
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->sides, 3);
  EXPECT_NEAR(found->margins[0], 60.0, 2.0);
  EXPECT_NEAR(found->margins[1], 50.0, 2.0);
  EXPECT_NEAR(found->margins[2], 70.0, 2.0);
  EXPECT_NEAR(found->margins[3], 0.0, 1e-9);
  double lowest = 0.0;
  for (const Point2d& p : found->outline) {
    lowest = std::max(lowest, p.y);
    if (p.y < 380.0 - 1e-9) {
      EXPECT_LT(std::abs(Outside(p.x, p.y)), 1.0);
    }
  }
  EXPECT_NEAR(lowest, 380.0, 1e-9);
}

// The same sheet in a larger raster, without data beyond the cut.
TEST(Neatline, EndsWhereThereIsNoData) {
  const ImageU8 cut = CutOff(8.0);
  ImageU8 image = Paper(255);
  std::copy(cut.data.begin(), cut.data.end(), image.data.begin());
  ImageU8 paper = AllPaper();
  std::fill(paper.At(0, 380), paper.data.data() + paper.data.size(), 0);
  const auto found = FindNeatline(image, paper);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->sides, 3);
  EXPECT_NEAR(found->margins[3], kHeight - 380.0, 1e-9);
}

// Three single lines are no frame: streets may lie so.
TEST(Neatline, AnOpenFrameHasSeveralLines) {
  EXPECT_FALSE(
      FindNeatline(CutOff(0.0), ImageU8(kWidth, 380, 1, 1)).has_value());
}

// Lines that end on the paper enclose nothing.
TEST(Neatline, AnOpenFrameReachesTheEndOfThePaper) {
  ImageU8 image = Paper();
  Ink(image, IsTown);
  for (const double outside : {0.0, 8.0}) {
    Ink(image, [outside](double x, double y) {
      return OnFrame(x, y, outside, 2.0) && y < 400.0;
    });
  }
  EXPECT_FALSE(FindNeatline(image, AllPaper()).has_value());
}

TEST(Neatline, NeedsThreeSides) {
  ImageU8 image = Paper();
  Ink(image, IsTown);
  for (const double outside : {0.0, 8.0}) {
    Ink(image, [outside](double x, double y) {
      return OnFrame(x, y, outside, 2.0) && y < 400.0 && x < 500.0;
    });
  }
  ImageU8 paper = AllPaper();
  for (int row = 0; row < kHeight; ++row) {
    for (int col = 0; col < kWidth; ++col) {
      *paper.At(col, row) = row < 400 && col < 500;
    }
  }
  EXPECT_FALSE(FindNeatline(image, paper).has_value());
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
