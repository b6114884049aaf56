// SPDX-License-Identifier: MIT
//
// Where a georeference can come from: kinds of raster files, files beside them,
// reference systems with known coordinates, and a published example.
#include "core/json.h"
#include "fixtures.h"
#include "geo/edition_reader.h"
#include "geo/georeference.h"
#include "geo/polygon_ops.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace mapweave::geo {
namespace {

using ::testing::HasSubstr;

class GeorefSourcesTest : public GeoTest {
 protected:
  // A copy of a raster by another driver; empty without that driver.
  std::filesystem::path Converted(const std::filesystem::path& source,
                                  const char* driver_name,
                                  const std::string& name) const {
    GDALDriver* driver = GetGDALDriverManager()->GetDriverByName(driver_name);
    if (driver == nullptr) return {};
    GDALDataset* from = GDALDataset::Open(source.c_str());
    CPLStringList options;
    if (std::string(driver_name) == "JP2OpenJPEG") {
      options.SetNameValue("REVERSIBLE", "YES");
      options.SetNameValue("QUALITY", "100");
    }
    GDALDataset* to = driver->CreateCopy(Path(name).c_str(), from, FALSE,
                                         options.List(), nullptr, nullptr);
    EXPECT_NE(to, nullptr) << driver_name;
    if (to != nullptr) GDALClose(to);
    GDALClose(from);
    return Path(name);
  }
};

TEST_F(GeorefSourcesTest, ReadsTheRasterFormatsOfArchives) {
  // Rotated, and south-up.
  for (const std::vector<double>& transform :
       {std::vector<double>{2600000, 3, 4, 1200000, 4, -3},
        std::vector<double>{2600000, 3, 0, 1200000, 0, 3}}) {
    RasterSpec spec;
    spec.width = 300;
    spec.height = 200;
    spec.transform = transform;
    const auto source = MakeRaster(Path("source.tif"), spec);
    for (const auto& [driver, name] :
         {std::pair{"PNG", "a.png"}, std::pair{"JP2OpenJPEG", "a.jp2"},
          std::pair{"VRT", "a.vrt"}, std::pair{"COG", "a.tif"}}) {
      SCOPED_TRACE(driver);
      // GDAL turns a south-up sheet over when it writes it as JPEG 2000.
      const bool south_up = transform[5] > 0.0;
      if (south_up && std::string(driver) == "JP2OpenJPEG") continue;
      const auto path = Converted(source, driver, name);
      if (path.empty()) continue;
      const SheetInfo sheet = InspectSheet(path);
      EXPECT_EQ(sheet.crs.Label(), "EPSG:2056");
      EXPECT_EQ(sheet.georef, Georef::kAffine);
      EXPECT_EQ(sheet.georef_reason, "stated by the file");
      const Point2d place = sheet.transform.WorldFromPixel({10, 20});
      EXPECT_NEAR(place.x, transform[0] + 10 * transform[1] + 20 * transform[2],
                  1e-6);
      EXPECT_NEAR(place.y, transform[3] + 10 * transform[4] + 20 * transform[5],
                  1e-6);
    }
  }
}

TEST_F(GeorefSourcesTest, PlacesTheCornersOfARotatedSheet) {
  RasterSpec spec;
  spec.transform = {2600000, 3, 4, 1200000, 4, -3};
  const SheetInfo sheet = InspectSheet(MakeRaster(Path("r.tif"), spec));
  EXPECT_EQ(sheet.transform.WorldFromPixel({10, 20}),
            (Point2d{2600110, 1199980}));
  EXPECT_EQ(sheet.transform.PixelFromWorld({2600110, 1199980}),
            (Point2d{10, 20}));
  EXPECT_EQ(sheet.resolution, 5.0);
}

// Places that surveys and textbooks give in both reference systems, put at the
// top-left corner of the first pixel. Axes in the wrong order or a half pixel
// would miss them by far.
TEST_F(GeorefSourcesTest, MeetsKnownCoordinates) {
  struct Case {
    const char* sheet_crs;
    Point2d corner;
    double pixel;
    const char* target;
    Point2d expected;
    double tolerance;
  };
  const Case cases[] = {
      // Caister water tower: Ordnance Survey's worked example, in "A Guide to
      // Coordinate Systems in Great Britain", annex C.
      {"EPSG:4277",
       {1 + 43 / 60. + 4.5177 / 3600, 52 + 39 / 60. + 27.2531 / 3600},
       1e-5,
       "EPSG:27700",
       {651409.903, 313177.270},
       0.002},
      {"EPSG:27700",
       {651409.903, 313177.270},
       1,
       "EPSG:4277",
       {1 + 43 / 60. + 4.5177 / 3600, 52 + 39 / 60. + 27.2531 / 3600},
       1e-8},
      // The old observatory of Berne, where the Swiss grid starts.
      {"EPSG:4150",
       {7 + 26 / 60. + 22.5 / 3600, 46 + 57 / 60. + 8.66 / 3600},
       1e-5,
       "EPSG:2056",
       {2600000, 1200000},
       0.002},
      {"EPSG:2056",
       {2600000, 1200000},
       1,
       "EPSG:4150",
       {7 + 26 / 60. + 22.5 / 3600, 46 + 57 / 60. + 8.66 / 3600},
       1e-8},
      // R * pi / 4 and R * ln(tan(3 pi / 8)).
      {"EPSG:4326",
       {45, 45},
       1e-5,
       "EPSG:3857",
       {5009377.0857, 5621521.4862},
       0.001},
      {"EPSG:3857",
       {5009377.0857, 5621521.4862},
       1,
       "EPSG:4326",
       {45, 45},
       1e-8},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.sheet_crs);
    RasterSpec spec;
    spec.crs = c.sheet_crs;
    spec.transform = {c.corner.x, c.pixel, 0, c.corner.y, 0, -c.pixel};
    const SheetInfo sheet = InspectSheet(MakeRaster(Path("k.tif"), spec));
    const MultiPolygon outline =
        sheet.FootprintIn(Crs::FromUserInput(c.target));
    double nearest = HUGE_VAL;
    for (const Point2d& p : outline[0].shell) {
      nearest =
          std::min(nearest, std::hypot(p.x - c.expected.x, p.y - c.expected.y));
    }
    EXPECT_LT(nearest, c.tolerance);
  }
}

TEST_F(GeorefSourcesTest, NamesTheFilesThatItLookedFor) {
  RasterSpec spec;
  spec.crs = "";
  spec.transform = {};
  const auto path = MakeRaster(Path("scan.tif"), spec);
  const Error error = ErrorOf([&] { InspectSheet(path); });
  EXPECT_EQ(error.Code(), ErrorCode::kBadInput);
  EXPECT_THAT(error.Message(),
              HasSubstr("world file (scan.tfw, scan.tifw, scan.wld)"));
  EXPECT_THAT(error.Message(), HasSubstr("scan.tif.points, scan.points"));
}

TEST_F(GeorefSourcesTest, SaysThatAWorldFilePlacedTheSheet) {
  RasterSpec spec;
  spec.crs = "";
  spec.transform = {};
  const auto path = MakeRaster(Path("scan.tif"), spec);
  WriteText("scan.tfw", "2\n0\n0\n-2\n600001\n199999\n");
  SheetOptions options;
  options.crs_override = Crs::FromUserInput("EPSG:21781");
  EXPECT_EQ(InspectSheet(path, options).georef_reason, "stated by scan.tfw");
}

TEST_F(GeorefSourcesTest, ReadsATableOfControlPointsInDegrees) {
  RasterSpec spec;
  spec.width = 400;
  spec.height = 300;
  spec.transform = {};
  SheetOptions options;
  options.control_points =
      WriteText("gcps.csv",
                "col,row,lon,lat\n0,0,7.0,47.1\n400,0,7.04,47.1\n"
                "0,300,7.0,47.08\n400,300,7.04,47.08\n");
  const auto path = MakeRaster(Path("s.tif"), spec);
  // Not the CRS of degrees.
  options.crs_override = Crs::FromUserInput("EPSG:2056");
  const Error error = ErrorOf([&] { InspectSheet(path, options); });
  EXPECT_EQ(error.Code(), ErrorCode::kBadInput);
  EXPECT_THAT(error.Message(), HasSubstr("EPSG:2056 is projected"));
  options.crs_override = Crs::FromUserInput("EPSG:4275");
  EXPECT_EQ(InspectSheet(path, options).crs.Label(), "EPSG:4275");
  options.crs_override.reset();
  const SheetInfo sheet = InspectSheet(path, options);
  EXPECT_EQ(sheet.crs.Label(), "EPSG:4326");
  EXPECT_EQ(sheet.georef, Georef::kGcpPoly1);
  const Point2d middle = sheet.transform.WorldFromPixel({200, 150});
  EXPECT_NEAR(middle.x, 7.02, 1e-12);
  EXPECT_NEAR(middle.y, 47.09, 1e-12);
}

TEST_F(GeorefSourcesTest, RefusesATableWithoutPoints) {
  RasterSpec spec;
  spec.transform = {};
  SheetOptions options;
  options.control_points = WriteText("empty.csv", "col,row,x,y\n");
  options.crs_override = Crs::FromUserInput("EPSG:2056");
  const auto path = MakeRaster(Path("s.tif"), spec);
  const Error error = ErrorOf([&] { InspectSheet(path, options); });
  EXPECT_EQ(error.Code(), ErrorCode::kBadInput);
  EXPECT_THAT(error.Message(), HasSubstr("no control point"));
}

// --- a published georeference and its warp ---------------------------------

struct Published {
  Grid grid;
  ImageU8 grey;  // 1 channel
  ImageU8 mask;  // not 0 where there is map
};

Published ReadPublished(const std::filesystem::path& path) {
  GDALDataset* dataset = GDALDataset::Open(path.c_str());
  MAPWEAVE_CHECK(dataset != nullptr);
  std::array<double, 6> t{};
  dataset->GetGeoTransform(t.data());
  const int width = dataset->GetRasterXSize();
  const int height = dataset->GetRasterYSize();
  Published published{
      {Crs::FromUserInput("EPSG:3857"), t[0], t[3], t[1], width, height},
      ImageU8(width, height, 1),
      ImageU8(width, height, 1)};
  const auto read = [&](GDALRasterBand* band, ImageU8& image) {
    EXPECT_EQ(band->RasterIO(GF_Read, 0, 0, width, height, image.data.data(),
                             width, height, GDT_Byte, 0, 0, nullptr),
              CE_None);
  };
  read(dataset->GetRasterBand(1)->GetMaskBand(), published.mask);
  std::vector<int> sum(published.grey.data.size());
  for (int band = 1; band <= 3; ++band) {
    read(dataset->GetRasterBand(band), published.grey);
    for (size_t i = 0; i < sum.size(); ++i) sum[i] += published.grey.data[i];
  }
  for (size_t i = 0; i < sum.size(); ++i) {
    published.grey.data[i] = static_cast<uint8_t>(sum[i] / 3);
  }
  GDALClose(dataset);
  return published;
}

TEST_F(GeorefSourcesTest, WarpsAPublishedScanAsPublished) {
  const auto folder = DataFolder() / "insurance_map";
  const auto scan = folder / "new_iberia_la_1885_p1__1.jpg";
  if (!std::filesystem::exists(scan)) GTEST_SKIP() << "no data: " << scan;
  const Transformer mercator(Crs::Wgs84(), Crs::FromUserInput("EPSG:3857"));
  std::string text = "mapX,mapY,pixelX,pixelY,enable\n";
  for (const Json& item :
       ReadJson(folder / "new-iberia-1885-p1__1-gcps.json")) {
    const Json& fields = item.at("fields");
    double latitude = 0.0;
    double longitude = 0.0;
    // The fixture writes latitude first.
    ASSERT_EQ(std::sscanf(fields.at("geom").get<std::string>().c_str(),
                          "SRID=4326;POINT (%lf %lf)", &latitude, &longitude),
              2);
    const Point2d p = mercator.Forward({longitude, latitude});
    text += fmt::format("{},{},{},{},1\n", p.x, p.y,
                        fields.at("pixel_x").get<double>(),
                        -fields.at("pixel_y").get<double>());
  }
  SheetOptions options;
  options.control_points = WriteText("scan.points", text);
  options.crs_override = Crs::FromUserInput("EPSG:3857");
  const SheetInfo sheet = InspectSheet(scan, options);
  EXPECT_EQ(sheet.georef, Georef::kGcpPoly1);

  const Published published =
      ReadPublished(folder / "new_iberia_la_1885_p1_1__seTn7p_00.tif");
  const Grid& grid = published.grid;
  EditionReaderOptions reader_options;
  reader_options.find_collars = false;
  EditionReader reader({sheet}, grid, reader_options);
  const int width = static_cast<int>(grid.width);
  const int height = static_cast<int>(grid.height);
  const Pixels ours = reader.Read({0, 0, width, height});

  double difference = 0.0;
  double signed_difference = 0.0;
  int64_t both = 0;
  Box seen{1e9, 1e9, -1e9, -1e9};
  Box expected = seen;
  const auto grow = [](Box& box, int col, int row) {
    box = {std::min<double>(box.min_x, col), std::min<double>(box.min_y, row),
           std::max<double>(box.max_x, col), std::max<double>(box.max_y, row)};
  };
  for (int row = 0; row < height; ++row) {
    for (int col = 0; col < width; ++col) {
      const bool here = *ours.coverage.At(col, row) != 0;
      const bool there = *published.mask.At(col, row) != 0;
      if (here) grow(seen, col, row);
      if (there) grow(expected, col, row);
      if (!here || !there) continue;
      const uint8_t* rgb = ours.rgb.At(col, row);
      const double grey = (rgb[0] + rgb[1] + rgb[2]) / 3;
      difference += std::abs(grey - *published.grey.At(col, row));
      signed_difference += grey - *published.grey.At(col, row);
      ++both;
    }
  }
  EXPECT_NEAR(seen.min_x, expected.min_x, 1.0);
  EXPECT_NEAR(seen.min_y, expected.min_y, 1.0);
  EXPECT_NEAR(seen.max_x, expected.max_x, 1.0);
  EXPECT_NEAR(seen.max_y, expected.max_y, 1.0);
  ASSERT_GT(both, 1000000);
  EXPECT_LE(difference / static_cast<double>(both), 4.0);
  EXPECT_LE(std::abs(signed_difference) / static_cast<double>(both), 1.0);
}

}  // namespace
}  // namespace mapweave::geo
