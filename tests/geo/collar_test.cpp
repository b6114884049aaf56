// SPDX-License-Identifier: MIT
#include "geo/collar.h"

#include "core/random.h"
#include "fixtures.h"

#include <array>
#include <cmath>

namespace mapweave::geo {
namespace {

constexpr int kWidth = 400;
constexpr int kHeight = 300;
using Rgb = std::array<uint8_t, 3>;
constexpr Rgb kWhite{255, 255, 255};
constexpr Rgb kBlack{0, 0, 0};
constexpr Rgb kPaper{236, 220, 190};
constexpr Rgb kInk{60, 50, 45};

void Set(ImageU8& image, int col, int row, const Rgb& colour) {
  std::copy(colour.begin(), colour.end(), image.At(col, row));
}

// A sheet turned by four degrees: |u| <= 150 and |v| <= 110 around the middle.
bool OnSheet(int col, int row, double margin = 0.0) {
  const double x = col + 0.5 - kWidth / 2.0;
  const double y = row + 0.5 - kHeight / 2.0;
  const double c = std::cos(0.07);
  const double s = std::sin(0.07);
  return std::abs(c * x + s * y) <= 150.0 - margin &&
         std::abs(c * y - s * x) <= 110.0 - margin;
}

// Blocks of houses with white streets that lead to the sheet's edge.
Rgb TownAt(int col, int row, const Rgb& paper) {
  const bool street = col % 40 < 8 || row % 40 < 8;
  if (street) return paper;
  return col % 13 < 5 && row % 11 < 6 ? Rgb{200, 90, 80} : paper;
}

ImageU8 Sheet(const Rgb& background, const Rgb& paper, int noise) {
  ImageU8 image(kWidth, kHeight, 3);
  Rng rng(5);
  for (int row = 0; row < kHeight; ++row) {
    for (int col = 0; col < kWidth; ++col) {
      Set(image, col, row,
          OnSheet(col, row) ? TownAt(col, row, paper) : background);
      for (int c = 0; c < 3; ++c) {
        uint8_t& value = image.At(col, row)[c];
        value = static_cast<uint8_t>(
            std::clamp<int64_t>(value + rng.Int(-noise, noise), 0, 255));
      }
    }
  }
  return image;
}

ImageU8 AllValid() { return ImageU8(kWidth, kHeight, 1, 1); }

// Shares of the sheet's inside that are kept and of its outside that is
// dropped, a seam of three pixels left out.
struct Shares {
  double kept;
  double dropped;
};

Shares Judge(const ImageU8& paper) {
  int inside = 0;
  int kept = 0;
  int outside = 0;
  int dropped = 0;
  for (int row = 0; row < kHeight; ++row) {
    for (int col = 0; col < kWidth; ++col) {
      if (OnSheet(col, row, 3.0)) {
        ++inside;
        kept += *paper.At(col, row);
      } else if (!OnSheet(col, row, -3.0)) {
        ++outside;
        dropped += *paper.At(col, row) == 0;
      }
    }
  }
  return {kept / static_cast<double>(inside),
          dropped / static_cast<double>(outside)};
}

TEST(Collar, DropsWhiteAndBlackFillingAndScannerBeds) {
  for (const Rgb& background : {kWhite, kBlack, Rgb{90, 96, 100}}) {
    const Shares shares =
        Judge(FindPaper(Sheet(background, kPaper, 3), AllValid()));
    EXPECT_EQ(shares.kept, 1.0) << int{background[0]};
    EXPECT_GT(shares.dropped, 0.99) << int{background[0]};
  }
}

// The border has the paper's commonest shade; scanned paper has many.
TEST(Collar, DropsABorderThatWasPaintedAroundTheSheet) {
  ImageU8 image = Sheet(kPaper, kPaper, 12);
  for (int row = 0; row < kHeight; ++row) {
    for (int col = 0; col < kWidth; ++col) {
      if (!OnSheet(col, row)) Set(image, col, row, {244, 228, 198});
    }
  }
  const Shares shares = Judge(FindPaper(image, AllValid()));
  EXPECT_GT(shares.kept, 0.999);
  EXPECT_GT(shares.dropped, 0.97);
}

// Drawn by a program: the paper of streets and margin has one shade.
TEST(Collar, KeepsAMapOnPlainPaperWhole) {
  const Shares shares = Judge(FindPaper(Sheet(kPaper, kPaper, 0), AllValid()));
  EXPECT_EQ(shares.kept, 1.0);
  EXPECT_EQ(shares.dropped, 0.0);
}

TEST(Collar, KeepsAMapOnWhitePaperWhole) {
  const ImageU8 paper = FindPaper(Sheet(kWhite, kWhite, 2), AllValid());
  EXPECT_EQ(paper.data, AllValid().data);
}

TEST(Collar, KeepsASheetThatFillsItsRaster) {
  ImageU8 image(kWidth, kHeight, 3);
  for (int row = 0; row < kHeight; ++row) {
    for (int col = 0; col < kWidth; ++col) {
      Set(image, col, row, TownAt(col, row, kPaper));
    }
  }
  EXPECT_EQ(FindPaper(image, AllValid()).data, AllValid().data);
}

// White streets between tinted blocks are joined to a white margin.
TEST(Collar, DoesNotCreepAlongStreetsBetweenTintedBlocks) {
  ImageU8 image(kWidth, kHeight, 3, 255);
  for (int row = 20; row < kHeight - 20; ++row) {
    for (int col = 20; col < kWidth - 20; ++col) {
      if (col % 40 >= 12 && row % 40 >= 12)
        Set(image, col, row, {240, 190, 180});
    }
  }
  EXPECT_EQ(FindPaper(image, AllValid()).data, AllValid().data);
}

TEST(Collar, KeepsDarkInkAtTheEdge) {
  ImageU8 image(kWidth, kHeight, 3);
  for (int row = 0; row < kHeight; ++row) {
    for (int col = 0; col < kWidth; ++col) {
      const bool ink = row > 100 && row < 108;  // a road that leaves the sheet
      Set(image, col, row, ink ? kInk : TownAt(col, row, kPaper));
    }
  }
  EXPECT_EQ(FindPaper(image, AllValid()).data, AllValid().data);
}

TEST(Collar, JoinsBackgroundToTheAreaWithoutData) {
  ImageU8 image = Sheet(kWhite, kPaper, 2);
  ImageU8 valid = AllValid();
  // No data in the outermost rows and columns, white filling within.
  for (int row = 0; row < kHeight; ++row) {
    for (int col = 0; col < kWidth; ++col) {
      if (col < 20 || row < 10 || col >= kWidth - 20 || row >= kHeight - 10) {
        *valid.At(col, row) = 0;
        Set(image, col, row, kBlack);
      }
    }
  }
  const Shares shares = Judge(FindPaper(image, valid));
  EXPECT_EQ(shares.kept, 1.0);
  EXPECT_GT(shares.dropped, 0.99);
}

TEST(Collar, LeavesNothingOfASheetWithoutData) {
  const ImageU8 nothing(kWidth, kHeight, 1, 0);
  EXPECT_EQ(FindPaper(Sheet(kWhite, kPaper, 0), nothing).data, nothing.data);
}

}  // namespace
}  // namespace mapweave::geo
