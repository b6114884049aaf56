// SPDX-License-Identifier: MIT
#include "fixtures.h"
#include "geo/georeference.h"
#include "geo/polygon_ops.h"
#include "geo/sheet.h"
#include "geo/vector_io.h"

#include <cmath>

namespace mapweave::geo {
namespace {

using ::testing::HasSubstr;

class CutlineTest : public GeoTest {
 protected:
  // A sheet of 2000 x 1000 pixels of 2 m in EPSG:2056.
  std::filesystem::path Sheet() const {
    RasterSpec spec;
    spec.width = 2000;
    spec.height = 1000;
    spec.bands = 1;
    spec.transform = {2600000, 2, 0, 1200000, 0, -2};
    return MakeRaster(Path("sheet.tif"), spec);
  }
  SheetInfo WithCutline(const std::filesystem::path& cutline) const {
    SheetOptions options;
    options.cutline = cutline;
    return InspectSheet(Sheet(), options);
  }
  std::filesystem::path Write(const std::string& name,
                              const MultiPolygon& polygons,
                              const char* crs) const {
    WriteVectorOptions options;
    options.overwrite = Overwrite::kAllow;
    WritePolygons(Path(name), {{polygons, {}}}, Crs::FromUserInput(crs),
                  options);
    return Path(name);
  }
};

MultiPolygon Rectangle(const Box& b) {
  return {{{{b.min_x, b.min_y},
            {b.max_x, b.min_y},
            {b.max_x, b.max_y},
            {b.min_x, b.max_y}},
           {}}};
}

TEST_F(CutlineTest, BringsPolygonsWithHolesToPixels) {
  MultiPolygon ground = Rectangle({2600200, 1198400, 2603000, 1199800});
  ground[0].holes = {{{2601000, 1199000},
                      {2601000, 1199200},
                      {2601200, 1199200},
                      {2601200, 1199000}}};
  const SheetInfo sheet = WithCutline(Write("c.gpkg", ground, "EPSG:2056"));
  const Box box = Bounds(sheet.cutline);
  EXPECT_NEAR(box.min_x, 100, 1e-6);
  EXPECT_NEAR(box.max_x, 1500, 1e-6);
  EXPECT_NEAR(box.min_y, 100, 1e-6);
  EXPECT_NEAR(box.max_y, 800, 1e-6);
  ASSERT_EQ(sheet.cutline.size(), 1u);
  ASSERT_EQ(sheet.cutline[0].holes.size(), 1u);
  EXPECT_NEAR(PlanarArea(sheet.cutline), 1400.0 * 700.0 - 100.0 * 100.0, 1e-3);
  // A straight edge keeps its two ends.
  EXPECT_EQ(sheet.cutline[0].shell.size(), 4u);
}

TEST_F(CutlineTest, JoinsPolygonsThatOverlapAndCutsAtTheSheetsEdge) {
  const MultiPolygon big = Rectangle({2500000, 1100000, 2602000, 1300000});
  WriteVectorOptions options;
  WritePolygons(
      Path("two.gpkg"),
      {{big, {}}, {Rectangle({2601000, 1199000, 2603000, 1199500}), {}}},
      Crs::FromUserInput("EPSG:2056"), options);
  const SheetInfo sheet = WithCutline(Path("two.gpkg"));
  EXPECT_NEAR(PlanarArea(sheet.cutline), 1000.0 * 1000.0 + 500.0 * 250.0, 1e-3);
}

TEST_F(CutlineTest, FollowsCurvesBetweenReferenceSystems) {
  // Over 40 km a parallel bends by two pixels of 20 m in UTM.
  RasterSpec spec;
  spec.width = 2000;
  spec.height = 120;
  spec.bands = 1;
  spec.crs = "EPSG:32632";
  spec.transform = {600000, 20, 0, 5340000, 0, -20};
  const auto path = MakeRaster(Path("wide.tif"), spec);
  const Transformer wgs84_from_sheet(Crs::FromUserInput("EPSG:32632"),
                                     Crs::Wgs84());
  const double west = wgs84_from_sheet.Forward({600400, 5337900}).x;
  const double east = wgs84_from_sheet.Forward({639600, 5338700}).x;
  const double north = wgs84_from_sheet.Forward({600400, 5337900}).y;
  const auto file = Write(
      "c.geojson", Rectangle({west, north - 0.002, east, north}), "EPSG:4326");
  SheetOptions options;
  options.cutline = file;
  const SheetInfo sheet = InspectSheet(path, options);
  // Its northern edge is a parallel, and the middle between any two of its
  // vertices still lies on it.
  const Ring& shell = sheet.cutline[0].shell;
  ASSERT_GT(shell.size(), 8u);
  const Georeference map(sheet);
  const double pixel_in_degrees = 20.0 / 111300.0;
  int on_edge = 0;
  for (size_t i = 0; i < shell.size(); ++i) {
    const Point2d& p = shell[i];
    const Point2d& q = shell[(i + 1) % shell.size()];
    const Point2d middle = wgs84_from_sheet.Forward(
        map.CrsFromPixel({(p.x + q.x) / 2, (p.y + q.y) / 2}));
    if (std::abs(middle.y - north) > 3 * pixel_in_degrees) continue;
    EXPECT_NEAR(middle.y, north, 0.3 * pixel_in_degrees);
    ++on_edge;
  }
  EXPECT_GE(on_edge, 4);
}

TEST_F(CutlineTest, ReadsGeoJsonAsWgs84AndRefusesFilesWithoutCrs) {
  const Transformer wgs84(Crs::FromUserInput("EPSG:2056"), Crs::Wgs84());
  const Point2d a = wgs84.Forward({2600400, 1199600});
  const Point2d b = wgs84.Forward({2601400, 1199000});
  const std::string ring = fmt::format(
      "[[{0:.9f},{1:.9f}],[{2:.9f},{1:.9f}],[{2:.9f},{3:.9f}],"
      "[{0:.9f},{3:.9f}],[{0:.9f},{1:.9f}]]",
      a.x, a.y, b.x, b.y);
  const SheetInfo sheet = WithCutline(WriteText(
      "c.geojson", R"({"type":"Polygon","coordinates":[)" + ring + "]}"));
  EXPECT_NEAR(Bounds(sheet.cutline).min_x, 200, 1.5);
  EXPECT_NEAR(Bounds(sheet.cutline).max_y, 500, 1.5);

  WriteText("bare.csv", "id,WKT\n1,\"POLYGON((0 0,1 0,1 1,0 0))\"\n");
  const Error error = ErrorOf([&] { WithCutline(Path("bare.csv")); });
  EXPECT_EQ(error.Code(), ErrorCode::kBadInput);
  EXPECT_THAT(error.Message(), HasSubstr("bare.csv"));
  EXPECT_THAT(error.Message(), HasSubstr("no coordinate reference system"));
}

TEST_F(CutlineTest, RefusesACutlineOfAnotherPlace) {
  const auto file = Write(
      "far.gpkg", Rectangle({2700000, 1100000, 2700100, 1100100}), "EPSG:2056");
  const Error error = ErrorOf([&] { WithCutline(file); });
  EXPECT_EQ(error.Code(), ErrorCode::kBadInput);
  EXPECT_THAT(error.Message(), HasSubstr("far.gpkg"));
  EXPECT_THAT(error.Message(), HasSubstr("do not touch the sheet"));
}

}  // namespace
}  // namespace mapweave::geo
