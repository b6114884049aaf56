// SPDX-License-Identifier: MIT
#include "geo/sheet.h"

#include "core/json.h"
#include "core/random.h"
#include "fixtures.h"
#include "geo/georeference.h"
#include "geo/polygon_ops.h"

#include <cmath>

namespace mapweave::geo {
namespace {

using ::testing::HasSubstr;

class SheetTest : public GeoTest {
 protected:
  // The error must be kBadInput, name the file and say what to do.
  Error RefusalOf(const std::filesystem::path& path,
                  const SheetOptions& options = {}) const {
    const Error error = ErrorOf([&] { InspectSheet(path, options); });
    EXPECT_EQ(error.Code(), ErrorCode::kBadInput);
    EXPECT_THAT(error.Message(), HasSubstr(path.filename().string()));
    EXPECT_FALSE(error.Hint().empty());
    return error;
  }
};

TEST_F(SheetTest, PlacesPixelEdgesInGisAxisOrder) {
  struct Case {
    const char* crs;
    std::vector<double> transform;
  };
  const Case cases[] = {
      {"EPSG:4326", {106.7, 1e-5, 0, 10.8, 0, -1e-5}},
      {"EPSG:2056", {2600000, 0.5, 0, 1200000, 0, -0.5}},
      {"EPSG:3857", {11876173.96, 1.19, 0, 1209233.79, 0, -1.19}},
      {"EPSG:27700", {530000, 2, 0, 180000, 0, -2}},
      // Turned by 30 degrees.
      {"EPSG:2056", {2600000, 0.866, 0.5, 1200000, 0.5, -0.866}},
  };
  for (const Case& c : cases) {
    RasterSpec spec;
    spec.crs = c.crs;
    spec.transform = c.transform;
    const SheetInfo sheet = InspectSheet(MakeRaster(Path("a.tif"), spec));
    EXPECT_EQ(sheet.crs.Label(), c.crs);
    EXPECT_EQ(sheet.georef, Georef::kAffine);
    EXPECT_FALSE(sheet.rmse_m.has_value());
    EXPECT_EQ(sheet.width, 32);
    EXPECT_EQ(sheet.height, 24);
    EXPECT_EQ(sheet.bands, 3);
    const auto& t = c.transform;
    const Point2d first = sheet.transform.WorldFromPixel({0.5, 0.5});
    EXPECT_DOUBLE_EQ(first.x, t[0] + 0.5 * (t[1] + t[2]));
    EXPECT_DOUBLE_EQ(first.y, t[3] + 0.5 * (t[4] + t[5]));
    const double pixel_area = std::abs(t[1] * t[5] - t[2] * t[4]);
    EXPECT_NEAR(PlanarArea(sheet.footprint) / pixel_area, 32 * 24, 1e-3);
    EXPECT_NEAR(sheet.resolution, std::sqrt(pixel_area), 1e-9);
    EXPECT_GT(SignedArea(sheet.footprint[0].shell), 0.0);
  }
}

TEST_F(SheetTest, ReprojectsItsFootprint) {
  RasterSpec spec;
  spec.crs = "EPSG:4326";
  spec.transform = {106.7, 1e-4, 0, 10.8, 0, -1e-4};
  const SheetInfo sheet = InspectSheet(MakeRaster(Path("a.tif"), spec));
  const Box box = Bounds(sheet.FootprintIn(Crs::FromUserInput("EPSG:3857")));
  EXPECT_NEAR(box.min_x, 106.7 * 6378137.0 * M_PI / 180.0, 0.01);
  EXPECT_NEAR(box.max_x, 106.7032 * 6378137.0 * M_PI / 180.0, 0.01);
  EXPECT_LT(box.max_y, 1.22e6);
}

TEST_F(SheetTest, ReadsAWorldFileByTheCentreOfItsFirstPixel) {
  RasterSpec spec;
  spec.crs = "";
  spec.transform = {};
  const auto path = MakeRaster(Path("scan.tif"), spec);
  WriteText("scan.tfw", "2\n0\n0\n-2\n600001\n199999\n");
  const Error error = RefusalOf(path);
  EXPECT_THAT(error.Message(), HasSubstr("no coordinate reference system"));
  EXPECT_THAT(error.Hint(), HasSubstr("--crs"));

  SheetOptions options;
  options.crs_override = Crs::FromUserInput("EPSG:21781");
  const SheetInfo sheet = InspectSheet(path, options);
  EXPECT_EQ(sheet.transform.WorldFromPixel({0, 0}), (Point2d{600000, 200000}));
  EXPECT_EQ(sheet.crs.Label(), "EPSG:21781");
}

TEST_F(SheetTest, LetsTheUserCorrectTheCrs) {
  const auto path = MakeRaster(Path("a.tif"), {});
  SheetOptions options;
  options.crs_override = Crs::FromUserInput("EPSG:32632");
  EXPECT_EQ(InspectSheet(path, options).crs.Label(), "EPSG:32632");
}

TEST_F(SheetTest, RefusesWhatIsNoSheet) {
  EXPECT_THAT(RefusalOf(Path("absent.tif")).Message(), HasSubstr("no such"));
  std::filesystem::create_directory(Path("folder"));
  EXPECT_THAT(RefusalOf(Path("folder")).Message(), HasSubstr("folder"));
  RefusalOf(WriteText("empty.tif", ""));
  RefusalOf(WriteText("notes.txt", "sheet 7, folded"));
  RefusalOf(WriteText("table.geojson",
                      R"({"type":"FeatureCollection","features":[]})"));
}

TEST_F(SheetTest, RefusesComplexPixels) {
  RasterSpec spec;
  spec.type = GDT_CFloat32;
  EXPECT_THAT(RefusalOf(MakeRaster(Path("radar.tif"), spec)).Message(),
              HasSubstr("CFloat32"));
}

TEST_F(SheetTest, RefusesASheetWithoutGeoreference) {
  RasterSpec spec;
  spec.transform = {};
  EXPECT_THAT(RefusalOf(MakeRaster(Path("scan.tif"), spec)).Message(),
              HasSubstr("no georeference"));
}

TEST_F(SheetTest, RefusesDegreesThatAreNone) {
  RasterSpec spec;
  spec.crs = "EPSG:4326";
  spec.transform = {2600000, 1, 0, 1200000, 0, -1};
  EXPECT_THAT(RefusalOf(MakeRaster(Path("swapped.tif"), spec)).Message(),
              HasSubstr("longitude and latitude"));
}

TEST_F(SheetTest, ReadsTheSurveyDateButNotTheScanDate) {
  const auto tagged = [this](const char* key, const char* value) {
    RasterSpec spec;
    spec.adjust = [key, value](GDALDataset& dataset) {
      dataset.SetMetadataItem(key, value);
    };
    return InspectSheet(MakeRaster(Path("a.tif"), spec)).survey_date;
  };
  EXPECT_EQ(tagged("SURVEY_DATE", "1878/1882"), "1878/1882");
  EXPECT_EQ(tagged("TIFFTAG_DATETIME", "1882:05:01 00:00:00"), "1882-05-01");
  EXPECT_EQ(tagged("TIFFTAG_DATETIME", "2011:05:01 12:00:00"), std::nullopt);
  EXPECT_EQ(tagged("TIFFTAG_DATETIME", "1882"), std::nullopt);
  // As much as is a date.
  EXPECT_EQ(tagged("TIFFTAG_DATETIME", "1882:00:00 00:00:00"), "1882");
  EXPECT_EQ(tagged("TIFFTAG_DATETIME", "1882:05:00 00:00:00"), "1882-05");
  EXPECT_EQ(tagged("TIFFTAG_DATETIME", "1882:02:30 00:00:00"), "1882-02");
  EXPECT_EQ(tagged("TIFFTAG_DATETIME", "1882:26:01 00:00:00"), "1882");
  // Where clocks begin.
  EXPECT_EQ(tagged("TIFFTAG_DATETIME", "1970:01:01 00:00:00"), std::nullopt);
  EXPECT_EQ(tagged("TIFFTAG_DATETIME", "1980:01:01 00:03:12"), std::nullopt);
  EXPECT_EQ(tagged("TIFFTAG_DATETIME", "1970:01:02 00:00:00"), "1970-01-02");
}

// --- ground control points -------------------------------------------------

// A lattice of `side` x `side` points on a sheet of 320 x 240 pixels.
std::vector<ControlPoint> PointsOf(
    int side, const std::function<Point2d(Point2d)>& ground) {
  std::vector<ControlPoint> points;
  for (int j = 0; j < side; ++j) {
    for (int i = 0; i < side; ++i) {
      const Point2d pixel{10.0 + 300.0 * i / (side - 1),
                          10.0 + 220.0 * j / (side - 1)};
      points.push_back({pixel, ground(pixel)});
    }
  }
  return points;
}

Point2d Turned(Point2d p) {
  return {2600000 + 1.5 * p.x + 0.4 * p.y, 1200000 + 0.4 * p.x - 1.5 * p.y};
}

RasterSpec ScanWith(std::vector<ControlPoint> points) {
  RasterSpec spec;
  spec.width = 320;
  spec.height = 240;
  spec.points = std::move(points);
  return spec;
}

TEST_F(SheetTest, FitsControlPointsExactlyWhereTheyAgree) {
  const SheetInfo sheet =
      InspectSheet(MakeRaster(Path("g.tif"), ScanWith(PointsOf(2, Turned))));
  EXPECT_EQ(sheet.georef, Georef::kGcpPoly1);
  EXPECT_EQ(sheet.control_points.size(), 4u);
  ASSERT_TRUE(sheet.rmse_m.has_value());
  EXPECT_NEAR(*sheet.rmse_m, 0.0, 1e-5);
  const Point2d corner = sheet.transform.WorldFromPixel({0, 0});
  EXPECT_NEAR(corner.x, 2600000, 1e-5);
  EXPECT_NEAR(corner.y, 1200000, 1e-5);
  EXPECT_NEAR(sheet.resolution, std::sqrt(1.5 * 1.5 + 0.4 * 0.4), 1e-9);
}

TEST_F(SheetTest, ReportsTheResidualOfAFitInMetres) {
  // A saddle that no affine map follows: each corner is off by 3 m.
  std::vector<ControlPoint> points = PointsOf(2, Turned);
  const double signs[] = {1, -1, -1, 1};
  for (size_t i = 0; i < 4; ++i) points[i].ground.x += 3.0 * signs[i];
  const SheetInfo sheet =
      InspectSheet(MakeRaster(Path("g.tif"), ScanWith(points)));
  ASSERT_TRUE(sheet.rmse_m.has_value());
  EXPECT_NEAR(*sheet.rmse_m, 3.0, 1e-3);
}

TEST_F(SheetTest, HasNoResidualToReportForThreePoints) {
  std::vector<ControlPoint> points = PointsOf(2, Turned);
  points.pop_back();
  EXPECT_FALSE(InspectSheet(MakeRaster(Path("g.tif"), ScanWith(points)))
                   .rmse_m.has_value());
}

TEST_F(SheetTest, BendsOnlyWhereTheBendPredictsLeftOutPoints) {
  const auto bent = [](Point2d p) {
    const Point2d q = Turned(p);
    return Point2d{q.x + 2e-4 * p.x * p.x, q.y - 3e-4 * p.x * p.y};
  };
  const SheetInfo curved =
      InspectSheet(MakeRaster(Path("c.tif"), ScanWith(PointsOf(4, bent))));
  EXPECT_EQ(curved.georef, Georef::kGcpPoly2);
  EXPECT_NEAR(*curved.rmse_m, 0.0, 1e-4);

  Rng rng(4);
  const auto noisy = [&rng](Point2d p) {
    const Point2d q = Turned(p);
    return Point2d{q.x + rng.Normal(), q.y + rng.Normal()};
  };
  EXPECT_EQ(
      InspectSheet(MakeRaster(Path("n.tif"), ScanWith(PointsOf(4, noisy))))
          .georef,
      Georef::kGcpPoly1);
}

TEST_F(SheetTest, JudgesASplineByLeftOutPoints) {
  Rng rng(4);
  const auto noisy = [&rng](Point2d p) {
    const Point2d q = Turned(p);
    return Point2d{q.x + rng.Normal(), q.y + rng.Normal()};
  };
  SheetOptions options;
  options.gcp_fit = Georef::kTps;
  const SheetInfo sheet = InspectSheet(
      MakeRaster(Path("t.tif"), ScanWith(PointsOf(4, noisy))), options);
  EXPECT_EQ(sheet.georef, Georef::kTps);
  ASSERT_TRUE(sheet.rmse_m.has_value());
  EXPECT_GT(*sheet.rmse_m, 0.5);
}

TEST_F(SheetTest, RefusesPointsThatFoldTheSheet) {
  std::vector<ControlPoint> points = PointsOf(4, Turned);
  std::swap(points[5].ground, points[10].ground);
  SheetOptions options;
  options.gcp_fit = Georef::kTps;
  const Error error =
      RefusalOf(MakeRaster(Path("fold.tif"), ScanWith(points)), options);
  EXPECT_THAT(error.Message(), HasSubstr("folds"));
}

TEST_F(SheetTest, RefusesPointsThatDetermineNothing) {
  std::vector<ControlPoint> line;
  for (int i = 0; i < 5; ++i) {
    const Point2d pixel{10.0 * i, 20.0 * i};
    line.push_back({pixel, Turned(pixel)});
  }
  RefusalOf(MakeRaster(Path("line.tif"), ScanWith(line)));
  line.resize(2);
  RefusalOf(MakeRaster(Path("two.tif"), ScanWith(line)));
  SheetOptions second_order;
  second_order.gcp_fit = Georef::kGcpPoly2;
  const Error error =
      RefusalOf(MakeRaster(Path("four.tif"), ScanWith(PointsOf(2, Turned))),
                second_order);
  EXPECT_THAT(error.Message(), HasSubstr("at least 6"));
}

TEST_F(SheetTest, FindsTheQgisPointsFileBesideAScan) {
  RasterSpec spec = ScanWith({});
  spec.crs = "";
  spec.transform = {};
  const auto path = MakeRaster(Path("scan.tif"), spec);
  std::string text = "#CRS: " + Crs::FromUserInput("EPSG:2056").Wkt() +
                     "\nmapX,mapY,pixelX,pixelY,enable,dX,dY,residual\n";
  for (const ControlPoint& p : PointsOf(3, Turned)) {
    text += fmt::format("{},{},{},{},1,0,0,0\n", p.ground.x, p.ground.y,
                        p.pixel.x, -p.pixel.y);
  }
  text += "0,0,50,-50,0,0,0,0\n";  // switched off, and far away
  WriteText("scan.tif.points", text);
  const SheetInfo sheet = InspectSheet(path);
  EXPECT_EQ(sheet.crs.Label(), "EPSG:2056");
  EXPECT_EQ(sheet.control_points.size(), 9u);
  EXPECT_NEAR(*sheet.rmse_m, 0.0, 1e-5);
  EXPECT_NEAR(sheet.transform.WorldFromPixel({0, 0}).y, 1200000, 1e-5);
}

TEST_F(SheetTest, ReadsAIiifAnnotationMadeOnAnotherSize) {
  RasterSpec spec = ScanWith({});
  spec.crs = "";
  spec.transform = {};
  const auto path = MakeRaster(Path("scan.tif"), spec);
  // The annotation speaks of an image twice as large.
  Json features = Json::array();
  for (const auto& [px, py, lon, lat] :
       {std::tuple{0, 0, 2.29, 48.87}, std::tuple{640, 0, 2.31, 48.87},
        std::tuple{640, 480, 2.31, 48.86}, std::tuple{0, 480, 2.29, 48.86}}) {
    features.push_back(
        {{"type", "Feature"},
         {"properties", {{"resourceCoords", {px, py}}}},
         {"geometry", {{"type", "Point"}, {"coordinates", {lon, lat}}}}});
  }
  const Json annotation = {
      {"type", "Annotation"},
      {"target",
       {{"type", "SpecificResource"},
        {"source",
         {{"id", "https://maps.example/scan"},
          {"type", "ImageService3"},
          {"width", 640},
          {"height", 480}}},
        {"selector",
         {{"type", "SvgSelector"},
          {"value",
           "<svg><polygon points=\"20,20 620,20 620,460\"/></svg>"}}}}},
      {"body",
       {{"type", "FeatureCollection"},
        {"transformation",
         {{"type", "polynomial"}, {"options", {{"order", 1}}}}},
        {"features", features}}}};
  SheetOptions options;
  options.control_points = WriteText("map.json", annotation.dump());
  // A CRS for the other sheets of the series does not move this one, but is
  // not passed over in silence.
  options.crs_override = Crs::FromUserInput("EPSG:2056");
  const SheetInfo sheet = InspectSheet(path, options);
  EXPECT_EQ(sheet.crs.Label(), "EPSG:3857");
  EXPECT_THAT(sheet.warnings,
              ::testing::Contains(HasSubstr("EPSG:2056 is not used")));
  options.crs_override = Crs::Wgs84();
  options.keep_all = true;
  const SheetInfo whole = InspectSheet(path, options);
  EXPECT_THAT(whole.warnings,
              ::testing::Not(::testing::Contains(HasSubstr("not used"))));
  EXPECT_TRUE(whole.cutline.empty());
  EXPECT_EQ(sheet.georef, Georef::kGcpPoly1);
  const Point2d middle = sheet.transform.WorldFromPixel({160, 120});
  EXPECT_NEAR(middle.x, 2.30 * 6378137.0 * M_PI / 180.0, 0.1);
  EXPECT_DOUBLE_EQ(PlanarArea(sheet.cutline), 300.0 * 220.0 / 2.0);
  EXPECT_EQ(Bounds(sheet.cutline).max_x, 310);
  EXPECT_EQ(Bounds(sheet.cutline).max_y, 230);
}

TEST_F(SheetTest, ReportsResidualsAndWhatToDoubt) {
  Rng rng(21);
  std::vector<ControlPoint> points = PointsOf(5, [&rng](Point2d p) {
    const Point2d q = Turned(p);
    return Point2d{q.x + 0.3 * rng.Normal(), q.y + 0.3 * rng.Normal()};
  });
  points[7].ground.x += 60.0;
  const SheetInfo sheet =
      InspectSheet(MakeRaster(Path("g.tif"), ScanWith(points)));
  EXPECT_EQ(sheet.georef, Georef::kGcpPoly1);
  ASSERT_EQ(sheet.residuals.size(), points.size());
  ASSERT_FALSE(sheet.warnings.empty());
  EXPECT_THAT(sheet.warnings[0], HasSubstr("control point 8"));
  double sum = 0.0;
  double left_out = 0.0;
  for (const ControlPointResidual& r : sheet.residuals) {
    sum += r.Distance() * r.Distance();
    left_out += std::pow(*r.leave_one_out_m, 2);
    EXPECT_GT(*r.leave_one_out_m, r.Distance());
  }
  EXPECT_NEAR(*sheet.rmse_m, std::sqrt(sum / 25.0), 1e-9);
  EXPECT_NEAR(*sheet.loo_rmse_m, std::sqrt(left_out / 25.0), 1e-9);
  EXPECT_NEAR(*sheet.residuals[7].leave_one_out_m, 60.0, 1.5);
  EXPECT_THAT(sheet.georef_reason, HasSubstr("not tried"));
}

TEST_F(SheetTest, KeepsToTheFitThatIsAskedFor) {
  const auto path = MakeRaster(Path("g.tif"), ScanWith(PointsOf(5, Turned)));
  for (const Georef fit : {Georef::kGcpPoly1, Georef::kGcpPoly2,
                           Georef::kGcpPoly3, Georef::kTps}) {
    SheetOptions options;
    options.gcp_fit = fit;
    const SheetInfo sheet = InspectSheet(path, options);
    EXPECT_EQ(sheet.georef, fit);
    EXPECT_NEAR(*sheet.loo_rmse_m, 0.0, 1e-4);
    EXPECT_EQ(GeorefFromName(GeorefName(fit)), fit);
  }
  EXPECT_EQ(GeorefFromName("rubber"), std::nullopt);
  SheetOptions affine;
  affine.gcp_fit = Georef::kAffine;
  EXPECT_EQ(ErrorOf([&] { InspectSheet(path, affine); }).Code(),
            ErrorCode::kUsage);
}

TEST_F(SheetTest, RefusesToGuessFarFromItsPoints) {
  std::vector<ControlPoint> points;
  Rng rng(2);
  for (int i = 0; i < 8; ++i) {
    const Point2d p{rng.Uniform(0, 25), rng.Uniform(0, 25)};
    const Point2d q = Turned(p);
    points.push_back({p, {q.x + rng.Normal(), q.y + rng.Normal()}});
  }
  const Error error = RefusalOf(MakeRaster(Path("g.tif"), ScanWith(points)));
  EXPECT_THAT(error.Message(), HasSubstr("cover only a part of the map"));
  EXPECT_THAT(error.Message(), HasSubstr("pixel (320, 240)"));
}

TEST_F(SheetTest, InvertsCurvedFitsExactly) {
  const auto bent = [](Point2d p) {
    const Point2d q = Turned(p);
    return Point2d{q.x + 3e-4 * p.x * p.x, q.y - 3e-4 * p.x * p.y};
  };
  const std::vector<ControlPoint> points = PointsOf(4, bent);
  for (const Georef fit : {Georef::kGcpPoly2, Georef::kTps}) {
    const Georeference map(points, fit);
    Rng rng(9);
    for (int i = 0; i < 100; ++i) {
      const Point2d pixel{rng.Uniform(0, 320), rng.Uniform(0, 240)};
      const Point2d back = map.PixelFromCrs(map.CrsFromPixel(pixel));
      EXPECT_NEAR(back.x, pixel.x, 1e-3) << GeorefName(fit);
      EXPECT_NEAR(back.y, pixel.y, 1e-3) << GeorefName(fit);
    }
  }
}

}  // namespace
}  // namespace mapweave::geo
