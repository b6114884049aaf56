// SPDX-License-Identifier: MIT
#include "geo/grid.h"

#include "fixtures.h"
#include "geo/polygon_ops.h"

#include <algorithm>
#include <cmath>

namespace mapweave::geo {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;

class GridTest : public GeoTest {
 protected:
  SheetInfo Sheet(const std::string& crs, std::vector<double> transform,
                  int width = 32, int height = 24) {
    RasterSpec spec;
    spec.crs = crs;
    spec.transform = std::move(transform);
    spec.width = width;
    spec.height = height;
    return InspectSheet(
        MakeRaster(Path(fmt::format("{}.tif", count_++)), spec));
  }

 private:
  int count_ = 0;
};

TEST_F(GridTest, MapsPixelsToTheGroundAndBack) {
  const Grid grid{
      Crs::FromUserInput("EPSG:2056"), 2600000, 1200000, 0.25, 100, 80};
  EXPECT_EQ(grid.WorldFromPixel({0.5, 0.5}),
            (Point2d{2600000.125, 1199999.875}));
  EXPECT_EQ(grid.PixelFromWorld({2600025, 1199980}), (Point2d{100, 80}));
  EXPECT_EQ(grid.Extent().min_y, 1199980);
  EXPECT_NEAR(grid.PixelMetres(), 0.25, 1e-6);
}

TEST_F(GridTest, IsTheSheetsOwnGridWhereTheyShareOne) {
  // Not a multiple of anything, as tiles of a web map are.
  const std::vector<double> t{
      11876173.958724406, 1.194328566955879, 0, 1209233.787471488, 0,
      -1.194328566955879};
  const Grid grid = ChooseGrid(
      {Sheet("EPSG:3857", t, 40, 30), Sheet("EPSG:3857", t, 40, 30)});
  EXPECT_EQ(grid.crs.Label(), "EPSG:3857");
  EXPECT_EQ(grid.origin_x, t[0]);
  EXPECT_EQ(grid.origin_y, t[3]);
  EXPECT_EQ(grid.resolution, t[1]);
  EXPECT_EQ(grid.width, 40);
  EXPECT_EQ(grid.height, 30);
}

TEST_F(GridTest, SpansSheetsThatAbutOnOneLattice) {
  const Grid grid =
      ChooseGrid({Sheet("EPSG:2056", {2600000.3, 0.7, 0, 1200000.1, 0, -0.7}),
                  Sheet("EPSG:2056", {2600000.3 + 32 * 0.7, 0.7, 0,
                                      1200000.1 - 5 * 0.7, 0, -0.7})});
  EXPECT_EQ(grid.resolution, 0.7);
  EXPECT_DOUBLE_EQ(grid.origin_x, 2600000.3);
  EXPECT_EQ(grid.width, 64);
  EXPECT_EQ(grid.height, 29);
}

TEST_F(GridTest, SnapsToMultiplesOfARoundedMedianResolution) {
  std::vector<SheetInfo> sheets{
      Sheet("EPSG:2056", {2600000.3, 0.423, 0, 1200000.1, 0, -0.423}),
      Sheet("EPSG:2056", {2600000.9, 0.5, 0, 1200000.1, 0, -0.5}),
      Sheet("EPSG:2056", {2600003.1, 1.7, 0.2, 1200004.7, 0.2, -1.7})};
  const Grid grid = ChooseGrid(sheets);
  EXPECT_EQ(grid.resolution, 0.5);
  EXPECT_EQ(std::fmod(grid.origin_x, 0.5), 0.0);
  EXPECT_EQ(std::fmod(grid.origin_y, 0.5), 0.0);
  const Box extent = grid.Extent();
  for (const SheetInfo& sheet : sheets) {
    const Box box = Bounds(sheet.footprint);
    EXPECT_LE(extent.min_x, box.min_x);
    EXPECT_LE(extent.min_y, box.min_y);
    EXPECT_GE(extent.max_x, box.max_x);
    EXPECT_GE(extent.max_y, box.max_y);
  }
  std::reverse(sheets.begin(), sheets.end());
  const Grid reversed = ChooseGrid(sheets);
  EXPECT_EQ(reversed.origin_x, grid.origin_x);
  EXPECT_EQ(reversed.origin_y, grid.origin_y);
  EXPECT_EQ(reversed.resolution, grid.resolution);
  EXPECT_EQ(reversed.width, grid.width);
  EXPECT_EQ(reversed.height, grid.height);
}

TEST_F(GridTest, TurnsToUtmForDegreesAndForMixedCrs) {
  const SheetInfo degrees =
      Sheet("EPSG:4326", {106.7, 1e-5, 0, 10.8, 0, -1e-5});
  const SheetInfo mercator =
      Sheet("EPSG:3857", {11877789, 1.1, 0, 1210000, 0, -1.1});
  const Grid alone = ChooseGrid({degrees});
  EXPECT_EQ(alone.crs.Label(), "EPSG:32648");
  EXPECT_NEAR(alone.resolution, 1.1, 1e-9);  // 1e-5 degrees, two digits
  const Grid mixed = ChooseGrid({mercator, degrees});
  EXPECT_EQ(mixed.crs.Label(), "EPSG:32648");
}

TEST_F(GridTest, SaysWhyItHasItsCrs) {
  const SheetInfo swiss = Sheet("EPSG:2056", {2600000, 1, 0, 1200000, 0, -1});
  const SheetInfo degrees = Sheet("EPSG:4326", {7.4, 1e-5, 0, 46.9, 0, -1e-5});
  EXPECT_EQ(ChooseGridCrs({swiss, swiss}).reason, "all sheets are in it");
  EXPECT_THAT(ChooseGridCrs({degrees}).reason,
              HasSubstr("EPSG:4326 is in degrees"));
  EXPECT_THAT(ChooseGridCrs({swiss, degrees}).reason,
              HasSubstr("different CRS"));
  GridOptions options;
  options.crs = swiss.crs;
  const GridCrs asked = ChooseGridCrs({degrees}, options);
  EXPECT_EQ(asked.crs.Label(), "EPSG:2056");
  EXPECT_EQ(asked.reason, "it was asked for");
}

// A north-up picture in Krovak's southing and westing would be mirrored.
TEST_F(GridTest, AvoidsAxesThatDoNotPointEastAndNorth) {
  const SheetInfo krovak = Sheet("EPSG:5513", {1043000, 1, 0, 743000, 0, -1});
  const GridCrs choice = ChooseGridCrs({krovak});
  EXPECT_EQ(choice.crs.Label(), "EPSG:32633");
  EXPECT_THAT(choice.reason, HasSubstr("does not point east and north"));
  // The same place by Krovak's map with axes to the east and north.
  const Point2d prague =
      Transformer(Crs::FromUserInput("EPSG:5514"), choice.crs)
          .Forward({-743000 + 12, -1043000 - 16});
  const Grid grid = ChooseGrid({krovak});
  const Box box = grid.Extent();
  EXPECT_NEAR((box.min_x + box.max_x) / 2, prague.x, 30.0);
  EXPECT_NEAR((box.min_y + box.max_y) / 2, prague.y, 30.0);
}

TEST_F(GridTest, ChoosesOneZoneForSheetsInSeveral) {
  // Two sheets at the edge of zones 31 and 32, each in its own.
  const SheetInfo west = Sheet("EPSG:25831", {708000, 1, 0, 5652000, 0, -1});
  const SheetInfo east = Sheet("EPSG:25832", {294000, 1, 0, 5652000, 0, -1});
  const Grid grid = ChooseGrid({west, east});
  EXPECT_THAT(grid.crs.Label(), AnyOf("EPSG:32631", "EPSG:32632"));
  EXPECT_EQ(ChooseGridCrs({east, west}).crs.Label(), grid.crs.Label());
  EXPECT_LT(grid.width, 10000);
}

TEST_F(GridTest, CrossesTheAntimeridian) {
  // Taveuni in Fiji lies on it: 179.99 degrees east, and the same west.
  const SheetInfo both =
      Sheet("EPSG:4326", {179.9999, 1e-5, 0, -16.8, 0, -1e-5});
  const Grid one = ChooseGrid({both});
  EXPECT_THAT(one.crs.Label(), AnyOf("EPSG:32760", "EPSG:32701"));
  EXPECT_LT(one.width, 60);
  const SheetInfo west =
      Sheet("EPSG:4326", {-179.9995, 1e-5, 0, -16.8, 0, -1e-5});
  const SheetInfo east =
      Sheet("EPSG:4326", {179.9991, 1e-5, 0, -16.8, 0, -1e-5});
  const Grid two = ChooseGrid({west, east});
  EXPECT_THAT(two.crs.Label(), AnyOf("EPSG:32760", "EPSG:32701"));
  // 0.0014 degrees and a sheet, at some 106 km to the degree.
  EXPECT_NEAR(static_cast<double>(two.width) * two.PixelMetres(), 183.0, 5.0);
}

TEST_F(GridTest, GoesPolarBeyondUtm) {
  const SheetInfo arctic = Sheet("EPSG:4326", {20.0, 1e-3, 0, 86.0, 0, -1e-4});
  EXPECT_EQ(ChooseGrid({arctic}).crs.Label(), "EPSG:5041");
  const SheetInfo south = Sheet("EPSG:4326", {20.0, 1e-3, 0, -86.0, 0, -1e-4});
  EXPECT_EQ(ChooseGrid({south}).crs.Label(), "EPSG:5042");
  // A polar CRS of the user's own stays.
  const SheetInfo polar = Sheet("EPSG:3413", {0, 10, 0, 1000, 0, -10});
  EXPECT_EQ(ChooseGrid({polar}).crs.Label(), "EPSG:3413");
}

TEST_F(GridTest, WorksInFeetAndToises) {
  const SheetInfo feet = Sheet("EPSG:2277", {3100000, 2, 0, 10070000, 0, -2});
  const Grid grid = ChooseGrid({feet});
  EXPECT_EQ(grid.crs.Label(), "EPSG:2277");
  EXPECT_EQ(grid.resolution, 2.0);
  EXPECT_NEAR(grid.PixelMetres(), 2 * 1200.0 / 3937.0, 1e-3);
}

TEST_F(GridTest, RefusesSheetsOutsideTheWorld) {
  EXPECT_EQ(ErrorOf([&] {
              Sheet("EPSG:32632", {1e30, 1, 0, 1e30, 0, -1});
            }).Code(),
            ErrorCode::kBadInput);
  // In one CRS, at places a thousand kilometres apart: too many pixels.
  const SheetInfo here = Sheet("EPSG:32632", {500000, 1e-4, 0, 5e6, 0, -1e-4});
  const SheetInfo there = Sheet("EPSG:32632", {800000, 1e-4, 0, 5e6, 0, -1e-4});
  const Error error = ErrorOf([&] { ChooseGrid({here, there}); });
  EXPECT_EQ(error.Code(), ErrorCode::kBadInput);
  EXPECT_THAT(error.Message(), HasSubstr("pixels"));
}

TEST_F(GridTest, ObeysTheUser) {
  GridOptions options;
  options.crs = Crs::FromUserInput("EPSG:32632");
  options.resolution = 0.3;
  const Grid grid = ChooseGrid(
      {Sheet("EPSG:2056", {2700000, 1, 0, 1200000, 0, -1})}, options);
  EXPECT_EQ(grid.crs.Label(), "EPSG:32632");
  EXPECT_EQ(grid.resolution, 0.3);
  EXPECT_NEAR(static_cast<double>(grid.width) * 0.3, 32.0, 1.5);
}

TEST_F(GridTest, RefusesNonsense) {
  EXPECT_EQ(ErrorOf([] { ChooseGrid({}); }).Code(), ErrorCode::kUsage);
  GridOptions options;
  options.resolution = 0.0;
  EXPECT_EQ(ErrorOf([&] { ChooseGrid({}, options); }).Code(),
            ErrorCode::kUsage);
  options = {};
  options.crs = Crs::Wgs84();
  EXPECT_EQ(ErrorOf([&] { ChooseGrid({}, options); }).Code(),
            ErrorCode::kUsage);
  // Two places whose common grid would have 1e11 columns.
  options = {};
  options.resolution = 1e-5;
  const auto far_apart = {
      Sheet("EPSG:2056", {2500000, 1e-5, 0, 1200000, 0, -1e-5}),
      Sheet("EPSG:2056", {2800000, 1e-5, 0, 1200000, 0, -1e-5})};
  EXPECT_EQ(ErrorOf([&] { ChooseGrid(far_apart, options); }).Code(),
            ErrorCode::kBadInput);
}

TEST_F(GridTest, TellsWhetherEditionsShowOnePlace) {
  const auto square = [](double x, double y, double side) {
    return MultiPolygon{
        {{{x, y}, {x + side, y}, {x + side, y + side}, {x, y + side}}, {}}};
  };
  EXPECT_DOUBLE_EQ(OverlapFraction({square(0, 0, 10)}, {square(0, 0, 10)}), 1);
  // A small sheet inside a large one shows the same place.
  EXPECT_DOUBLE_EQ(OverlapFraction({square(0, 0, 10)}, {square(2, 2, 1)}), 1);
  EXPECT_DOUBLE_EQ(
      OverlapFraction({square(0, 0, 4)}, {square(2, 0, 4), square(3, 0, 4)}),
      0.5);
  EXPECT_EQ(OverlapFraction({square(0, 0, 4)}, {square(4, 0, 4)}), 0.0);
  EXPECT_EQ(OverlapFraction({}, {square(0, 0, 1)}), 0.0);
}

}  // namespace
}  // namespace mapweave::geo
