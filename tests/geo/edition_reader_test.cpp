// SPDX-License-Identifier: MIT
#include "geo/edition_reader.h"

#include "fixtures.h"
#include "geo/polygon_ops.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <thread>

namespace mapweave::geo {
namespace {

using ::testing::HasSubstr;

class EditionReaderTest : public GeoTest {
 protected:
  SheetInfo Sheet(const RasterSpec& spec, const std::string& name = "a.tif") {
    return InspectSheet(MakeRaster(Path(name), spec));
  }
};

EditionReaderOptions NoCollars() {
  EditionReaderOptions options;
  options.find_collars = false;
  return options;
}

EditionReaderOptions Shifted(double x, double y) {
  EditionReaderOptions options = NoCollars();
  options.displacement = DisplacementField::Constant({x, y});
  return options;
}

Window WholeOf(const Grid& grid) {
  return {0, 0, static_cast<int>(grid.width), static_cast<int>(grid.height)};
}

std::array<int, 3> RgbAt(const Pixels& pixels, int col, int row) {
  const uint8_t* p = pixels.rgb.At(col, row);
  return {p[0], p[1], p[2]};
}

TEST_F(EditionReaderTest, CopiesPixelsThatNeedNoWarp) {
  const RasterSpec spec;
  const SheetInfo sheet = Sheet(spec);
  const Grid grid = ChooseGrid({sheet});
  EditionReader reader({sheet}, grid, NoCollars());
  const Pixels pixels = reader.Read(WholeOf(grid));
  ASSERT_EQ(pixels.rgb.width, spec.width);
  ASSERT_EQ(pixels.rgb.height, spec.height);
  for (int row = 0; row < spec.height; ++row) {
    for (int col = 0; col < spec.width; ++col) {
      for (int band = 0; band < 3; ++band) {
        ASSERT_EQ(pixels.rgb.At(col, row)[band],
                  spec.paint(band + 1, col, row));
      }
      ASSERT_EQ(*pixels.coverage.At(col, row), 1);
    }
  }
}

TEST_F(EditionReaderTest, CoversNothingBeyondTheSheets) {
  const RasterSpec spec;
  const SheetInfo sheet = Sheet(spec);
  EditionReader reader({sheet}, ChooseGrid({sheet}), NoCollars());
  const Pixels pixels = reader.Read({-5, -3, 50, 40});
  for (int row = 0; row < 40; ++row) {
    for (int col = 0; col < 50; ++col) {
      const bool inside =
          col >= 5 && col < 5 + spec.width && row >= 3 && row < 3 + spec.height;
      ASSERT_EQ(*pixels.coverage.At(col, row), inside) << col << " " << row;
      if (!inside) {
        ASSERT_EQ(RgbAt(pixels, col, row), (std::array{255, 255, 255}));
      }
    }
  }
  const Pixels away = reader.Read({1000000000000, 0, 4, 4});
  EXPECT_EQ(std::count(away.coverage.data.begin(), away.coverage.data.end(), 1),
            0);
}

TEST_F(EditionReaderTest, ShiftMovesContentByExactlyThatMuch) {
  RasterSpec spec;
  spec.transform = {2600000, 0.5, 0, 1200000, 0, -0.5};
  const SheetInfo sheet = Sheet(spec);
  const Grid grid = ChooseGrid({sheet});
  EditionReader still({sheet}, grid, NoCollars());
  // East by 3 pixels, south by 2.
  EditionReader moved({sheet}, grid, Shifted(1.5, -1.0));
  EXPECT_EQ(moved.Read({3, 2, 20, 20}).rgb.data,
            still.Read({0, 0, 20, 20}).rgb.data);
  EXPECT_EQ(*moved.Read(WholeOf(grid)).coverage.At(2, 10), 0);
  EXPECT_EQ(*moved.Read(WholeOf(grid)).coverage.At(3, 10), 1);
  EXPECT_EQ(still.Fork(DisplacementField::Constant({1.5, -1.0}))
                .Read({3, 2, 20, 20})
                .rgb.data,
            still.Read({0, 0, 20, 20}).rgb.data);
}

// A field that is different everywhere, up to 4 units, on nodes 20 apart.
DisplacementField Waves(const Grid& grid) {
  DisplacementField field;
  field.origin = {grid.origin_x - 40.0, grid.origin_y + 40.0};
  field.step = {20.0, -20.0};
  field.cols = static_cast<int>(grid.width) / 20 + 5;
  field.rows = static_cast<int>(grid.height) / 20 + 5;
  for (int row = 0; row < field.rows; ++row) {
    for (int col = 0; col < field.cols; ++col) {
      field.dx.push_back(4.0 * std::sin(0.7 * col + 0.3 * row));
      field.dy.push_back(3.0 * std::cos(0.4 * col - 0.6 * row));
      field.sigma.push_back(0.0);
    }
  }
  return field;
}

TEST_F(EditionReaderTest, ADisplacementMovesEachPlaceByItsOwn) {
  RasterSpec spec;
  spec.width = 160;
  spec.height = 120;
  // A ramp, so that a value says where it was read.
  spec.paint = [](int band, int col, int row) {
    return band == 1 ? col : 2 * row;
  };
  const SheetInfo sheet = Sheet(spec);
  const Grid grid = ChooseGrid({sheet});
  EditionReaderOptions options = NoCollars();
  options.displacement = Waves(grid);
  EditionReader reader({sheet}, grid, options);
  const Pixels pixels = reader.Read(WholeOf(grid));
  for (int row = 10; row < 110; row += 7) {
    for (int col = 10; col < 150; col += 7) {
      const Point2d stated =
          grid.PixelFromWorld(options.displacement.ApplyInverse(
              grid.WorldFromPixel({col + 0.5, row + 0.5})));
      // To the rounding of the grey levels and a tenth of a pixel.
      EXPECT_NEAR(RgbAt(pixels, col, row)[0], stated.x - 0.5, 0.6);
      EXPECT_NEAR(RgbAt(pixels, col, row)[1], 2.0 * (stated.y - 0.5), 0.7);
    }
  }
}

TEST_F(EditionReaderTest, ADisplacedPixelIsTheSameInEveryWindow) {
  RasterSpec spec;
  spec.width = 160;
  spec.height = 120;
  const SheetInfo sheet = Sheet(spec);
  const Grid grid = ChooseGrid({sheet});
  EditionReaderOptions options = NoCollars();
  options.displacement = Waves(grid);
  EditionReader reader({sheet}, grid, options);
  for (const int downsample : {1, 3}) {
    const Pixels whole = reader.Read(WholeOf(grid), downsample);
    EditionReader fork = reader.Fork();
    for (const auto& [col, row, width, height] :
         {std::array{33, 21, 60, 45}, std::array{0, 90, 160, 30},
          std::array{99, 3, 12, 6}}) {
      const Pixels part = fork.Read({col, row, width, height}, downsample);
      for (int y = 0; y < part.rgb.height; ++y) {
        for (int x = 0; x < part.rgb.width; ++x) {
          ASSERT_EQ(RgbAt(part, x, y),
                    RgbAt(whole, col / downsample + x, row / downsample + y));
        }
      }
    }
  }
}

TEST_F(EditionReaderTest, HalfAPixelOfShiftIsTheMeanOfTwo) {
  RasterSpec spec;
  spec.paint = [](int, int col, int) { return 10 * (col % 20); };
  const SheetInfo sheet = Sheet(spec);
  EditionReader reader({sheet}, ChooseGrid({sheet}), Shifted(0.5, 0.0));
  const Pixels pixels = reader.Read({0, 0, 20, 4});
  EXPECT_EQ(RgbAt(pixels, 4, 1)[0], 35);
  EXPECT_EQ(RgbAt(pixels, 9, 3)[2], 85);
}

TEST_F(EditionReaderTest, SheetsThatAbutEqualOneSheet) {
  RasterSpec whole;
  whole.width = 60;
  RasterSpec left = whole;
  left.width = 25;
  RasterSpec right = whole;
  right.width = 35;
  right.transform[0] += 25;
  right.paint = [&whole](int band, int col, int row) {
    return whole.paint(band, col + 25, row);
  };
  const SheetInfo one = Sheet(whole, "whole.tif");
  const std::vector<SheetInfo> two{Sheet(left, "left.tif"),
                                   Sheet(right, "right.tif")};
  const Grid grid = ChooseGrid({one});
  EXPECT_EQ(ChooseGrid(two).width, 60);
  for (const double shift : {0.0, 0.37}) {
    const Pixels expected =
        EditionReader({one}, grid, Shifted(shift, shift)).Read(WholeOf(grid));
    const Pixels mosaic =
        EditionReader(two, grid, Shifted(shift, shift)).Read(WholeOf(grid));
    EXPECT_EQ(mosaic.rgb.data, expected.rgb.data) << shift;
    EXPECT_EQ(mosaic.coverage.data, expected.coverage.data) << shift;
  }
}

// Two sheets of one shade each, 32 x 24 pixels, of which 16 columns overlap.
std::vector<RasterSpec> DarkAndLight() {
  RasterSpec dark;
  dark.paint = [](int, int, int) { return 10; };
  RasterSpec light = dark;
  light.transform[0] += 16;
  light.paint = [](int, int, int) { return 200; };
  return {dark, light};
}

TEST_F(EditionReaderTest, SheetsMeetInTheMiddleOfTheirOverlap) {
  const auto specs = DarkAndLight();
  const std::vector<SheetInfo> sheets{Sheet(specs[0], "dark.tif"),
                                      Sheet(specs[1], "light.tif")};
  const Grid grid = ChooseGrid(sheets);
  const Pixels pixels =
      EditionReader(sheets, grid, NoCollars()).Read(WholeOf(grid));
  // The overlap is columns 16 to 31; edges above and below are as near.
  for (const int col : {0, 17, 20, 21}) {
    EXPECT_EQ(RgbAt(pixels, col, 12)[0], 10) << col;
  }
  for (const int col : {26, 27, 31, 47}) {
    EXPECT_EQ(RgbAt(pixels, col, 12)[0], 200) << col;
  }
  // In between the shades pass over into each other.
  for (int col = 21; col < 26; ++col) {
    EXPECT_LE(RgbAt(pixels, col, 12)[0], RgbAt(pixels, col + 1, 12)[0]);
  }
  EXPECT_EQ(RgbAt(pixels, 23, 12)[0] + RgbAt(pixels, 24, 12)[0], 210);
}

TEST_F(EditionReaderTest, TheOrderOfTheSheetsDoesNotMatter) {
  const auto specs = DarkAndLight();
  RasterSpec third = specs[0];
  third.transform = {2600010, 0.9, 0.1, 1199990, 0.1, -0.9};
  third.paint = [](int, int col, int row) { return (col * 7 + row * 3) % 200; };
  std::vector<SheetInfo> sheets{Sheet(specs[0], "a.tif"),
                                Sheet(specs[1], "b.tif"),
                                Sheet(third, "c.tif")};
  const Grid grid = ChooseGrid(sheets);
  const Pixels expected =
      EditionReader(sheets, grid, Shifted(0.3, 0.2)).Read(WholeOf(grid));
  std::sort(
      sheets.begin(), sheets.end(),
      [](const SheetInfo& a, const SheetInfo& b) { return a.path < b.path; });
  do {
    const Pixels pixels =
        EditionReader(sheets, grid, Shifted(0.3, 0.2)).Read(WholeOf(grid));
    EXPECT_EQ(pixels.rgb.data, expected.rgb.data);
    EXPECT_EQ(pixels.coverage.data, expected.coverage.data);
  } while (std::next_permutation(
      sheets.begin(), sheets.end(),
      [](const SheetInfo& a, const SheetInfo& b) { return a.path < b.path; }));
}

TEST_F(EditionReaderTest, ASeamIsTheSameInEveryWindow) {
  const auto specs = DarkAndLight();
  const std::vector<SheetInfo> sheets{Sheet(specs[0], "dark.tif"),
                                      Sheet(specs[1], "light.tif")};
  const Grid grid = ChooseGrid(sheets);
  EditionReader reader(sheets, grid, Shifted(0.4, 0.7));
  const Pixels whole = reader.Read(WholeOf(grid));
  for (int left = 0; left + 10 <= whole.rgb.width; left += 7) {
    const Pixels part = reader.Read({left, 5, 10, 9});
    for (int y = 0; y < 9; ++y) {
      for (int x = 0; x < 10; ++x) {
        ASSERT_EQ(RgbAt(part, x, y), RgbAt(whole, left + x, 5 + y));
        ASSERT_EQ(*part.coverage.At(x, y), *whole.coverage.At(left + x, 5 + y));
      }
    }
  }
}

TEST_F(EditionReaderTest, AMarginOnOneSheetDoesNotHideTheOther) {
  auto specs = DarkAndLight();
  SheetInfo dark = Sheet(specs[0], "dark.tif");
  // Only its left half is map.
  dark.cutline = {{{{0, 0}, {20, 0}, {20, 24}, {0, 24}}, {}}};
  const SheetInfo light = Sheet(specs[1], "light.tif");
  const Grid grid = ChooseGrid({dark, light});
  const Pixels pixels =
      EditionReader({dark, light}, grid, NoCollars()).Read(WholeOf(grid));
  for (int col = 0; col < 48; ++col) {
    ASSERT_EQ(*pixels.coverage.At(col, 12), 1) << col;
    if (col >= 21) {
      EXPECT_EQ(RgbAt(pixels, col, 12)[0], 200) << col;
    }
  }
}

TEST_F(EditionReaderTest, GapsBelowAPixelBetweenSheetsAreClosed) {
  for (const double gap : {0.3, 0.6, 0.9, 1.4}) {
    for (const double phase : {0.0, 0.3, 0.6, 0.9}) {
      RasterSpec left;
      left.transform[0] += phase;
      RasterSpec right = left;
      right.transform[0] += 32 + gap;
      const std::vector<SheetInfo> sheets{Sheet(left, "left.tif"),
                                          Sheet(right, "right.tif")};
      GridOptions options;
      options.resolution = 1.0;
      const Grid grid = ChooseGrid(sheets, options);
      const Pixels pixels =
          EditionReader(sheets, grid, NoCollars()).Read(WholeOf(grid));
      int uncovered = 0;
      for (int col = 2; col < 62; ++col) {
        uncovered += *pixels.coverage.At(col, 10) == 0;
      }
      if (gap < 1.0) {
        EXPECT_EQ(uncovered, 0) << gap << " " << phase;
      }
      // Above the sheets there is nothing to close.
      const Pixels above =
          EditionReader(sheets, grid, NoCollars()).Read({0, -3, 70, 3});
      EXPECT_EQ(
          std::count(above.coverage.data.begin(), above.coverage.data.end(), 1),
          0);
    }
  }
}

TEST_F(EditionReaderTest, LeavesOutWhatLiesOutsideTheFrame) {
  RasterSpec spec;
  spec.width = 640;
  spec.height = 480;
  spec.paint = [](int, int col, int row) {
    const bool across = (row == 50 || row == 430) && col >= 60 && col <= 570;
    const bool down = (col == 60 || col == 570) && row >= 50 && row <= 430;
    return across || down ? 40 : 215 + (col * 3 + row * 7) % 5;
  };
  const SheetInfo sheet = Sheet(spec);
  const Grid grid = ChooseGrid({sheet});
  EditionReader reader({sheet}, grid);
  const Pixels pixels = reader.Read(WholeOf(grid));
  for (int row = 0; row < 480; row += 3) {
    for (int col = 0; col < 640; col += 3) {
      const int outside = std::max({60 - col, col - 570, 50 - row, row - 430});
      if (std::abs(outside) <= 1) continue;  // the line itself
      ASSERT_EQ(*pixels.coverage.At(col, row), outside < 0)
          << col << " " << row;
    }
  }
  // A cutline that is given wins.
  SheetInfo cut = sheet;
  cut.cutline = {{{{0, 0}, {640, 0}, {640, 100}, {0, 100}}, {}}};
  const Pixels strip = EditionReader({cut}, grid).Read(WholeOf(grid));
  EXPECT_EQ(*strip.coverage.At(10, 10), 1);
  EXPECT_EQ(*strip.coverage.At(300, 99), 1);
  EXPECT_EQ(*strip.coverage.At(300, 100), 0);
}

TEST_F(EditionReaderTest, AWindowEqualsThatPartOfTheWhole) {
  RasterSpec spec;
  spec.crs = "EPSG:4326";
  spec.width = 300;
  spec.height = 200;
  spec.transform = {106.7, 1e-5, 2e-6, 10.8, 1e-6, -1e-5};
  const SheetInfo sheet = Sheet(spec);
  const Grid grid = ChooseGrid({sheet});
  ASSERT_FALSE(grid.crs.IsGeographic());
  EditionReader reader({sheet}, grid, Shifted(0.21, 0.48));
  for (const int downsample : {1, 3}) {
    const Pixels whole = reader.Read(WholeOf(grid), downsample);
    for (const auto& [col, row] :
         {std::pair{0, 0}, {63, 66}, {129, 30}, {255, 141}}) {
      const Pixels part = reader.Read({col, row, 45, 33}, downsample);
      for (int y = 0; y < part.rgb.height; ++y) {
        for (int x = 0; x < part.rgb.width; ++x) {
          const int wx = col / downsample + x;
          const int wy = row / downsample + y;
          if (wx >= whole.rgb.width || wy >= whole.rgb.height) continue;
          ASSERT_EQ(RgbAt(part, x, y), RgbAt(whole, wx, wy));
          ASSERT_EQ(*part.coverage.At(x, y), *whole.coverage.At(wx, wy));
        }
      }
    }
  }
}

TEST_F(EditionReaderTest, ReducedPixelsAreMeansOfSquares) {
  RasterSpec spec;
  spec.width = 30;
  spec.height = 20;
  const SheetInfo sheet = Sheet(spec);
  EditionReader reader({sheet}, ChooseGrid({sheet}), NoCollars());
  const Pixels half = reader.Read({4, 8, 8, 6}, 4);
  ASSERT_EQ(half.rgb.width, 2);
  ASSERT_EQ(half.rgb.height, 2);
  double sum = 0.0;
  for (int row = 8; row < 12; ++row) {
    for (int col = 8; col < 12; ++col) sum += spec.paint(2, col, row);
  }
  EXPECT_NEAR(RgbAt(half, 1, 0)[1], sum / 16.0, 0.51);
}

TEST_F(EditionReaderTest, UsesOverviewsForReducedPixels) {
  RasterSpec spec;
  spec.width = 256;
  spec.height = 256;
  const auto path = MakeRaster(Path("o.tif"), spec);
  const SheetInfo sheet = InspectSheet(path);
  const Grid grid = ChooseGrid({sheet});
  const Pixels without =
      EditionReader({sheet}, grid, NoCollars()).Read(WholeOf(grid), 8);
  GDALDataset* dataset = GDALDataset::Open(path.c_str(), GDAL_OF_UPDATE);
  const int levels[] = {2, 4};
  ASSERT_EQ(dataset->BuildOverviews("AVERAGE", 2, levels, 0, nullptr, nullptr,
                                    nullptr),
            CE_None);
  GDALClose(dataset);
  const Pixels with =
      EditionReader({sheet}, grid, NoCollars()).Read(WholeOf(grid), 8);
  for (size_t i = 0; i < with.rgb.data.size(); ++i) {
    ASSERT_NEAR(with.rgb.data[i], without.rgb.data[i], 2);
  }
}

// The centroid of dark pixels, in grid pixels.
Point2d DarkCentroid(const Pixels& pixels) {
  Point2d sum;
  double weight = 0.0;
  for (int row = 0; row < pixels.rgb.height; ++row) {
    for (int col = 0; col < pixels.rgb.width; ++col) {
      if (!*pixels.coverage.At(col, row)) continue;
      const double dark = 255.0 - *pixels.rgb.At(col, row);
      sum.x += dark * (col + 0.5);
      sum.y += dark * (row + 0.5);
      weight += dark;
    }
  }
  return {sum.x / weight, sum.y / weight};
}

// A mark drawn at a known place must be read at that place, through any CRS,
// rotation and change of resolution.
TEST_F(EditionReaderTest, PutsAMarkWhereItLies) {
  struct Case {
    const char* crs;
    std::vector<double> transform;
    const char* grid_crs;
    double resolution;
  };
  const Case cases[] = {
      {"EPSG:4326", {106.7, 1e-5, 0, 10.8, 0, -1e-5}, "EPSG:32648", 1.1},
      {"EPSG:4326", {106.7, 1e-5, 0, 10.8, 0, -1e-5}, "EPSG:3857", 2.9},
      {"EPSG:3857",
       {11876173.9, 1.2, 0, 1209233.8, 0, -1.2},
       "EPSG:32648",
       0.7},
      {"EPSG:2056", {2700000, 1, 0.3, 1200000, 0.3, -1}, "EPSG:32632", 1.0},
      {"EPSG:27700",
       {530000, 0.8, -0.2, 180000, -0.2, -0.8},
       "EPSG:27700",
       1.0},
      // South-up.
      {"EPSG:2056", {2700000, 1, 0, 1200000, 0, 1}, "EPSG:2056", 0.5},
  };
  for (const Case& c : cases) {
    RasterSpec spec;
    spec.crs = c.crs;
    spec.width = 200;
    spec.height = 160;
    spec.transform = c.transform;
    // Pixels 120..129 x 50..59: the centre of the mark is (125, 55).
    spec.paint = [](int, int col, int row) {
      return col >= 120 && col < 130 && row >= 50 && row < 60 ? 0 : 255;
    };
    const SheetInfo sheet = Sheet(spec);
    GridOptions options;
    options.crs = Crs::FromUserInput(c.grid_crs);
    options.resolution = c.resolution;
    const Grid grid = ChooseGrid({sheet}, options);
    const Transformer grid_from_sheet(sheet.crs, grid.crs);
    const Point2d expected = grid.PixelFromWorld(
        grid_from_sheet.Forward(sheet.transform.WorldFromPixel({125, 55})));
    EditionReader reader({sheet}, grid, NoCollars());
    const Point2d seen = DarkCentroid(reader.Read(WholeOf(grid)));
    EXPECT_NEAR(seen.x, expected.x, 0.06) << c.crs << " to " << c.grid_crs;
    EXPECT_NEAR(seen.y, expected.y, 0.06) << c.crs << " to " << c.grid_crs;
  }
}

TEST_F(EditionReaderTest, PutsAMarkWhereControlPointsSay) {
  const auto ground = [](Point2d p) {
    return Point2d{2700000 + p.x + 0.2 * p.y + 4e-4 * p.x * p.x,
                   1200000 + 0.2 * p.x - p.y - 3e-4 * p.x * p.y};
  };
  RasterSpec spec;
  spec.width = 200;
  spec.height = 160;
  spec.paint = [](int, int col, int row) {
    return col >= 120 && col < 130 && row >= 50 && row < 60 ? 0 : 255;
  };
  for (int j = 0; j < 4; ++j) {
    for (int i = 0; i < 4; ++i) {
      const Point2d pixel{i * 200.0 / 3.0, j * 160.0 / 3.0};
      spec.points.push_back({pixel, ground(pixel)});
    }
  }
  const auto path = MakeRaster(Path("gcp.tif"), spec);
  for (const Georef fit : {Georef::kGcpPoly2, Georef::kTps}) {
    SheetOptions options;
    options.gcp_fit = fit;
    const SheetInfo sheet = InspectSheet(path, options);
    const Grid grid = ChooseGrid({sheet});
    const Point2d expected = grid.PixelFromWorld(ground({125, 55}));
    EditionReader reader({sheet}, grid, NoCollars());
    const Point2d seen = DarkCentroid(reader.Read(WholeOf(grid)));
    // A spline meets the bend at its points only.
    const double tolerance = fit == Georef::kTps ? 0.7 : 0.1;
    EXPECT_NEAR(seen.x, expected.x, tolerance) << GeorefName(fit);
    EXPECT_NEAR(seen.y, expected.y, tolerance) << GeorefName(fit);
  }
}

TEST_F(EditionReaderTest, LeavesOutWhatLiesOutsideTheCutline) {
  SheetInfo sheet = Sheet({});
  sheet.cutline = {{{{4, 4}, {20, 4}, {20, 20}, {4, 20}}, {}}};
  const Grid grid = ChooseGrid({sheet});
  const Pixels pixels =
      EditionReader({sheet}, grid, NoCollars()).Read(WholeOf(grid));
  for (int row = 0; row < 24; ++row) {
    for (int col = 0; col < 32; ++col) {
      const bool inside = col >= 4 && col < 20 && row >= 4 && row < 20;
      ASSERT_EQ(*pixels.coverage.At(col, row), inside) << col << " " << row;
    }
  }
}

// --- what a file may hold --------------------------------------------------

TEST_F(EditionReaderTest, ExpandsPalettes) {
  RasterSpec spec;
  spec.bands = 1;
  spec.paint = [](int, int col, int) { return col % 3; };
  spec.adjust = [](GDALDataset& dataset) {
    GDALColorTable table;
    const GDALColorEntry entries[] = {
        {200, 40, 30, 255}, {10, 20, 250, 255}, {90, 90, 90, 255}};
    for (int i = 0; i < 3; ++i) table.SetColorEntry(i, &entries[i]);
    dataset.GetRasterBand(1)->SetColorTable(&table);
  };
  const SheetInfo sheet = Sheet(spec);
  const Pixels pixels = EditionReader({sheet}, ChooseGrid({sheet}), NoCollars())
                            .Read({0, 0, 3, 1});
  EXPECT_EQ(RgbAt(pixels, 0, 0), (std::array{200, 40, 30}));
  EXPECT_EQ(RgbAt(pixels, 1, 0), (std::array{10, 20, 250}));
}

TEST_F(EditionReaderTest, ShowsOneBitAsBlackAndWhite) {
  for (const char* photometric : {"MINISBLACK", "MINISWHITE"}) {
    RasterSpec spec;
    spec.bands = 1;
    spec.creation_options = {"NBITS=1",
                             std::string("PHOTOMETRIC=") + photometric};
    spec.paint = [](int, int col, int) { return col % 2; };
    const SheetInfo sheet = Sheet(spec);
    const Pixels pixels =
        EditionReader({sheet}, ChooseGrid({sheet}), NoCollars())
            .Read({0, 0, 2, 1});
    const int zero = std::string(photometric) == "MINISBLACK" ? 0 : 255;
    EXPECT_EQ(RgbAt(pixels, 0, 0)[0], zero) << photometric;
    EXPECT_EQ(RgbAt(pixels, 1, 0)[1], 255 - zero) << photometric;
  }
}

// Index 1 between two of index 0 is no shade between their colours' indices,
// and overviews of picked pixels would drop lines.
TEST_F(EditionReaderTest, AveragesColoursAndNotIndices) {
  for (const bool overviews : {false, true}) {
    RasterSpec spec;
    spec.width = 64;
    spec.height = 64;
    spec.bands = 1;
    spec.paint = [](int, int col, int) { return col % 2 == 0 ? 0 : 2; };
    spec.adjust = [](GDALDataset& dataset) {
      GDALColorTable table;
      const GDALColorEntry entries[] = {
          {200, 0, 0, 255}, {0, 255, 0, 255}, {100, 0, 60, 255}};
      for (int i = 0; i < 3; ++i) table.SetColorEntry(i, &entries[i]);
      dataset.GetRasterBand(1)->SetColorTable(&table);
    };
    const auto path = MakeRaster(Path("palette.tif"), spec);
    if (overviews) {
      GDALDataset* dataset = GDALDataset::Open(path.c_str(), GDAL_OF_UPDATE);
      const int level = 2;
      ASSERT_EQ(dataset->BuildOverviews("NEAREST", 1, &level, 0, nullptr,
                                        nullptr, nullptr),
                CE_None);
      GDALClose(dataset);
    }
    const SheetInfo sheet = InspectSheet(path);
    const Grid grid = ChooseGrid({sheet});
    const Pixels half =
        EditionReader({sheet}, grid, NoCollars()).Read(WholeOf(grid), 2);
    EXPECT_EQ(RgbAt(half, 10, 10), (std::array{150, 0, 30})) << overviews;
    const Pixels between =
        EditionReader({sheet}, grid, Shifted(0.5, 0.0)).Read({4, 4, 8, 8});
    EXPECT_EQ(RgbAt(between, 3, 3), (std::array{150, 0, 30})) << overviews;
  }
}

// A black line one pixel wide stays visible at an eighth.
TEST_F(EditionReaderTest, KeepsThinLinesOfOneBitWithOverviews) {
  RasterSpec spec;
  spec.width = 256;
  spec.height = 256;
  spec.bands = 1;
  spec.creation_options = {"NBITS=1"};
  spec.paint = [](int, int col, int) { return col == 101 ? 0 : 1; };
  const auto path = MakeRaster(Path("bits.tif"), spec);
  const SheetInfo sheet = InspectSheet(path);
  const Grid grid = ChooseGrid({sheet});
  for (const char* method : {"", "NEAREST", "AVERAGE"}) {
    if (*method != 0) {
      GDALDataset* dataset = GDALDataset::Open(path.c_str(), GDAL_OF_UPDATE);
      const int levels[] = {2, 4, 8};
      ASSERT_EQ(dataset->BuildOverviews(method, 3, levels, 0, nullptr, nullptr,
                                        nullptr),
                CE_None);
      GDALClose(dataset);
    }
    const Pixels pixels =
        EditionReader({sheet}, grid, NoCollars()).Read(WholeOf(grid), 8);
    // Column 101 is one of 96 to 103: 7/8 of white.
    EXPECT_NEAR(RgbAt(pixels, 12, 10)[0], 223, 2) << method;
    EXPECT_EQ(RgbAt(pixels, 20, 10)[0], 255) << method;
  }
}

TEST_F(EditionReaderTest, RepeatsGrey) {
  RasterSpec spec;
  spec.bands = 1;
  const SheetInfo sheet = Sheet(spec);
  const Pixels pixels = EditionReader({sheet}, ChooseGrid({sheet}), NoCollars())
                            .Read({0, 0, 4, 4});
  const int value = static_cast<int>(spec.paint(1, 2, 3));
  EXPECT_EQ(RgbAt(pixels, 2, 3), (std::array{value, value, value}));
}

TEST_F(EditionReaderTest, StretchesWideValuesOverTheirRange) {
  for (const GDALDataType type : {GDT_UInt16, GDT_Int16, GDT_Float32}) {
    RasterSpec spec;
    spec.type = type;
    spec.paint = [](int, int col, int row) {
      return 500.0 + 20.0 * ((col + row) % 21);
    };
    const SheetInfo sheet = Sheet(spec);
    const Pixels pixels =
        EditionReader({sheet}, ChooseGrid({sheet}), NoCollars())
            .Read({0, 0, 21, 1});
    EXPECT_EQ(RgbAt(pixels, 0, 0)[0], 0);
    EXPECT_EQ(RgbAt(pixels, 20, 0)[0], 255);
    EXPECT_NEAR(RgbAt(pixels, 10, 0)[0], 128, 1);
  }
}

TEST_F(EditionReaderTest, HalfOfWhatAnAlphaBandHoldsIsOpaque) {
  struct Case {
    GDALDataType type;
    double opaque;
  };
  for (const Case& c : {Case{GDT_Byte, 255}, Case{GDT_UInt16, 65535},
                        Case{GDT_Int16, 32767}, Case{GDT_UInt32, 4294967295.0},
                        Case{GDT_Int32, 2147483647.0}, Case{GDT_Float32, 1},
                        Case{GDT_Float32, 255}, Case{GDT_Float64, 65535}}) {
    SCOPED_TRACE(fmt::format("{} {}", GDALGetDataTypeName(c.type), c.opaque));
    RasterSpec spec;
    spec.type = c.type;
    spec.bands = 4;
    spec.creation_options = {"PHOTOMETRIC=RGB", "ALPHA=YES"};
    spec.paint = [&c](int band, int col, int row) {
      if (band < 4) return static_cast<double>((37 * col + 59 * row) % 251);
      return (col < 8 ? 0.0 : col < 16 ? 0.4 : col < 24 ? 0.6 : 1.0) * c.opaque;
    };
    const SheetInfo sheet = Sheet(spec);
    const Grid grid = ChooseGrid({sheet});
    const Pixels pixels =
        EditionReader({sheet}, grid, NoCollars()).Read(WholeOf(grid));
    for (int col = 0; col < 32; ++col) {
      ASSERT_EQ(*pixels.coverage.At(col, 5), col >= 16) << col;
    }
  }
}

TEST_F(EditionReaderTest, KeepsAllOfASheetOnRequest) {
  RasterSpec spec;
  // White filling around the map.
  spec.paint = [](int band, int col, int row) {
    return col < 8 ? 255 : (37 * col + 59 * row + 83 * band) % 251;
  };
  SheetInfo sheet = Sheet(spec);
  const Grid grid = ChooseGrid({sheet});
  EXPECT_EQ(
      *EditionReader({sheet}, grid).Read(WholeOf(grid)).coverage.At(3, 12), 0);
  sheet.options.keep_all = true;
  const Pixels pixels = EditionReader({sheet}, grid).Read(WholeOf(grid));
  EXPECT_THAT(pixels.coverage.data, ::testing::Each(1));
}

TEST_F(EditionReaderTest, HonoursAlphaMaskAndNoData) {
  const auto left_half = [](int col) { return col < 16; };
  struct Case {
    const char* name;
    RasterSpec spec;
  };
  std::vector<Case> cases(4);
  cases[0].name = "alpha";
  cases[0].spec.bands = 4;
  cases[0].spec.creation_options = {"PHOTOMETRIC=RGB", "ALPHA=YES"};
  cases[0].spec.paint = [left_half](int band, int col, int) {
    return band < 4 ? 77 : left_half(col) ? 0 : 255;
  };
  cases[1].name = "mask";
  cases[1].spec.paint = [](int, int, int) { return 77; };
  cases[1].spec.adjust = [left_half](GDALDataset& dataset) {
    dataset.CreateMaskBand(GMF_PER_DATASET);
    std::vector<uint8_t> mask(32 * 24);
    for (size_t i = 0; i < mask.size(); ++i) {
      mask[i] = left_half(static_cast<int>(i % 32)) ? 0 : 255;
    }
    ASSERT_EQ(dataset.GetRasterBand(1)->GetMaskBand()->RasterIO(
                  GF_Write, 0, 0, 32, 24, mask.data(), 32, 24, GDT_Byte, 0, 0,
                  nullptr),
              CE_None);
  };
  cases[2].name = "no data";
  // Green is 0 everywhere, which alone does not mean no data.
  cases[2].spec.paint = [left_half](int band, int col, int) {
    return left_half(col) || band == 2 ? 0 : 77;
  };
  cases[2].spec.adjust = [](GDALDataset& dataset) {
    for (int b = 1; b <= 3; ++b) dataset.GetRasterBand(b)->SetNoDataValue(0);
  };
  cases[3].name = "not a number";
  cases[3].spec.bands = 1;
  cases[3].spec.type = GDT_Float32;
  cases[3].spec.paint = [left_half](int, int col, int row) {
    return left_half(col) ? std::numeric_limits<double>::quiet_NaN()
                          : (37 * col + 59 * row) % 251;
  };
  for (const Case& c : cases) {
    CPLSetConfigOption("GDAL_TIFF_INTERNAL_MASK", "YES");
    const SheetInfo sheet = Sheet(c.spec);
    CPLSetConfigOption("GDAL_TIFF_INTERNAL_MASK", nullptr);
    const Grid grid = ChooseGrid({sheet});
    for (const bool collars : {false, true}) {
      EditionReaderOptions options;
      options.find_collars = collars;
      const Pixels pixels =
          EditionReader({sheet}, grid, options).Read(WholeOf(grid));
      for (int row = 0; row < 24; ++row) {
        for (int col = 0; col < 32; ++col) {
          ASSERT_EQ(*pixels.coverage.At(col, row), !left_half(col))
              << c.name << " " << col << " " << row;
        }
      }
    }
  }
}

TEST_F(EditionReaderTest, ASheetWithoutDataCoversNothing) {
  RasterSpec spec;
  spec.paint = [](int, int, int) { return 0; };
  spec.adjust = [](GDALDataset& dataset) {
    for (int b = 1; b <= 3; ++b) dataset.GetRasterBand(b)->SetNoDataValue(0);
  };
  const SheetInfo sheet = Sheet(spec);
  const Grid grid = ChooseGrid({sheet});
  const Pixels pixels = EditionReader({sheet}, grid).Read(WholeOf(grid));
  EXPECT_EQ(
      std::count(pixels.coverage.data.begin(), pixels.coverage.data.end(), 1),
      0);
}

TEST_F(EditionReaderTest, NamesTheSheetThatIsCutShort) {
  RasterSpec spec;
  spec.width = 600;
  spec.height = 600;
  spec.creation_options = {"TILED=YES", "COMPRESS=DEFLATE"};
  const auto path = MakeRaster(Path("short.tif"), spec);
  std::filesystem::resize_file(path, std::filesystem::file_size(path) * 2 / 3);
  const Error error = ErrorOf([&] {
    const SheetInfo sheet = InspectSheet(path);
    const Grid grid = ChooseGrid({sheet});
    EditionReader({sheet}, grid, NoCollars()).Read(WholeOf(grid));
  });
  EXPECT_EQ(error.Code(), ErrorCode::kBadInput);
  EXPECT_THAT(error.Message(), HasSubstr("short.tif"));
  EXPECT_FALSE(error.Hint().empty());
}

TEST_F(EditionReaderTest, RefusesABallparkWayToTheGrid) {
  RasterSpec spec;
  spec.crs = "EPSG:21781";
  spec.transform = {600000, 1, 0, 200000, 0, -1};
  const SheetInfo sheet = Sheet(spec);
  GridOptions options;
  options.crs = Crs::FromUserInput("EPSG:2056");
  TransformOptions allowing;
  allowing.allow_ballpark = true;
  if (!Transformer(sheet.crs, *options.crs, allowing).IsBallpark()) {
    GTEST_SKIP() << "the Swiss grid is installed here";
  }
  const Error error = ErrorOf([&] { ChooseGrid({sheet}, options); });
  EXPECT_EQ(error.Code(), ErrorCode::kBadInput);
  EXPECT_THAT(error.Message(), HasSubstr("a.tif"));
  options.allow_ballpark = true;
  const Grid grid = ChooseGrid({sheet}, options);
  EXPECT_THROW(EditionReader({sheet}, grid), Error);
  SheetInfo allowed = sheet;
  allowed.options.allow_ballpark = true;
  EXPECT_NO_THROW(EditionReader({allowed}, grid));
}

TEST_F(EditionReaderTest, ForksReadTheSameInTheirOwnThreads) {
  RasterSpec spec;
  spec.crs = "EPSG:4326";
  spec.width = 300;
  spec.height = 300;
  spec.transform = {106.7, 1e-5, 0, 10.8, 0, -1e-5};
  const SheetInfo sheet = Sheet(spec);
  const Grid grid = ChooseGrid({sheet});
  EditionReader reader({sheet}, grid);
  const Pixels expected = reader.Read(WholeOf(grid));
  std::vector<Pixels> seen(4);
  std::vector<std::thread> threads;
  for (Pixels& pixels : seen) {
    threads.emplace_back([&reader, &grid, &pixels] {
      EditionReader own = reader.Fork();
      pixels = own.Read(WholeOf(grid));
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const Pixels& pixels : seen) {
    EXPECT_EQ(pixels.rgb.data, expected.rgb.data);
    EXPECT_EQ(pixels.coverage.data, expected.coverage.data);
  }
}

// --- real files ------------------------------------------------------------

TEST_F(EditionReaderTest, LeavesOutTheCollarOfARealSheet) {
  const auto path = DataFolder() / "saigon" / "saigon_1882_north.tif";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "no data: " << path;
  const SheetInfo sheet = InspectSheet(path);
  const Grid grid = ChooseGrid({sheet});
  EXPECT_EQ(grid.width, sheet.width);
  EXPECT_EQ(grid.height, sheet.height);
  EXPECT_EQ(grid.origin_x, sheet.transform.Coefficients()[0]);
  EXPECT_EQ(grid.resolution, sheet.transform.Coefficients()[1]);
  EditionReader reader({sheet}, grid);
  const Pixels pixels = reader.Read(WholeOf(grid));
  // White filling around the turned sheet; corners and mid-edges. Then the
  // paper's margin and the lines of its frame but the innermost.
  for (const auto& [col, row] : {std::pair{20, 20},
                                 {1400, 60},
                                 {2790, 60},
                                 {100, 800},
                                 {20, 1500},
                                 {2800, 1200},
                                 {320, 400},
                                 {2720, 300},
                                 {400, 800},
                                 {1400, 250},
                                 {2640, 800}}) {
    EXPECT_EQ(*pixels.coverage.At(col, row), 0) << col << " " << row;
  }
  // Empty land, streets and buildings, down to where the raster cuts the frame.
  int64_t uncovered = 0;
  for (int row = 330; row < grid.height; ++row) {
    for (int col = 420; col < 2590; ++col) {
      uncovered += *pixels.coverage.At(col, row) == 0;
    }
  }
  EXPECT_EQ(uncovered, 0);
  // A reduced look agrees.
  const Pixels reduced = reader.Read(WholeOf(grid), 8);
  EXPECT_EQ(*reduced.coverage.At(20 / 8, 20 / 8), 0);
  EXPECT_EQ(*reduced.coverage.At(1400 / 8, 700 / 8), 1);
}

TEST_F(EditionReaderTest, CoversAllOfARealSheetWithoutACollar) {
  const auto path = DataFolder() / "saigon" / "saigon_1898_north.tif";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "no data: " << path;
  const SheetInfo sheet = InspectSheet(path);
  const Grid grid = ChooseGrid({sheet});
  const Pixels pixels = EditionReader({sheet}, grid).Read(WholeOf(grid), 4);
  EXPECT_EQ(
      std::count(pixels.coverage.data.begin(), pixels.coverage.data.end(), 0),
      0);
}

// Odd files of other projects' test suites: each is read or refused with an
// Error that says what is wrong.
TEST_F(EditionReaderTest, ReadsOrRefusesAnyRaster) {
  const auto folder = DataFolder() / "georef_torture";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no data: " << folder;
  SheetOptions forgiving;
  forgiving.allow_ballpark = true;
  GridOptions grid_options;
  grid_options.allow_ballpark = true;
  int read = 0;
  int refused = 0;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    for (const bool override_crs : {false, true}) {
      SheetOptions options = forgiving;
      if (override_crs) options.crs_override = Crs::FromUserInput("EPSG:3857");
      try {
        const SheetInfo sheet = InspectSheet(entry.path(), options);
        const Grid grid = ChooseGrid({sheet}, grid_options);
        EditionReader reader({sheet}, grid);
        const Pixels pixels = reader.Read({0, 0, 64, 64});
        EXPECT_EQ(pixels.rgb.data.size(), 64u * 64u * 3u);
        EXPECT_LE(*std::max_element(pixels.coverage.data.begin(),
                                    pixels.coverage.data.end()),
                  1);
        ++read;
        break;
      } catch (const Error& e) {
        EXPECT_NE(e.Code(), ErrorCode::kBug) << entry.path() << e.Message();
        EXPECT_FALSE(e.Hint().empty()) << entry.path() << e.Message();
        ++refused;
      }
    }
  }
  EXPECT_GT(read, 60);
  EXPECT_GT(refused, 20);
}

}  // namespace
}  // namespace mapweave::geo
