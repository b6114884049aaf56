// SPDX-License-Identifier: MIT
#include "geo/crs.h"

#include "core/random.h"
#include "fixtures.h"

#include <ogr_srs_api.h>

#include <cmath>
#include <cstdlib>
#include <numbers>

namespace mapweave::geo {
namespace {

using ::testing::HasSubstr;

class CrsTest : public GeoTest {};

TEST_F(CrsTest, UnderstandsCodesWktProjStringsAndFiles) {
  const Crs swiss = Crs::FromUserInput("EPSG:2056");
  EXPECT_EQ(swiss.Label(), "EPSG:2056");
  EXPECT_FALSE(swiss.IsGeographic());
  EXPECT_TRUE(Crs::FromUserInput(swiss.Wkt()).IsSame(swiss));
  EXPECT_TRUE(Crs::FromUserInput(swiss.Wkt1()).IsSame(swiss));
  const auto file = WriteText("swiss.prj", "\n" + swiss.Wkt1() + "\n");
  EXPECT_EQ(Crs::FromUserInput(file.string()).Label(), "EPSG:2056");
  EXPECT_TRUE(Crs::FromUserInput("+proj=longlat +datum=WGS84 +type=crs")
                  .IsGeographic());
}

TEST_F(CrsTest, FindsTheCodeOfAnEsriDefinition) {
  const std::string esri =
      R"(PROJCS["CH1903+_LV95",GEOGCS["GCS_CH1903+",DATUM["D_CH1903+",)"
      R"(SPHEROID["Bessel_1841",6377397.155,299.1528128]],)"
      R"(PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],)"
      R"(PROJECTION["Hotine_Oblique_Mercator_Azimuth_Center"],)"
      R"(PARAMETER["False_Easting",2600000.0],)"
      R"(PARAMETER["False_Northing",1200000.0],)"
      R"(PARAMETER["Scale_Factor",1.0],PARAMETER["Azimuth",90.0],)"
      R"(PARAMETER["Longitude_Of_Center",7.43958333333333],)"
      R"(PARAMETER["Latitude_Of_Center",46.9524055555556],)"
      R"(UNIT["Meter",1.0]])";
  EXPECT_EQ(Crs::FromUserInput(esri).Label(), "EPSG:2056");
}

TEST_F(CrsTest, DropsTheVerticalPart) {
  const Crs dutch = Crs::FromUserInput("EPSG:7415");  // RD New + NAP height
  EXPECT_EQ(dutch.Label(), "EPSG:28992");
}

TEST_F(CrsTest, RefusesWhatIsNoCrsOfTheGround) {
  for (const char* text :
       {"", "EPSG:999999", "Bern", "LOCAL_CS[\"site\",UNIT[\"metre\",1]]",
        "EPSG:4978"}) {
    const Error error = ErrorOf([&] { Crs::FromUserInput(text); });
    EXPECT_EQ(error.Code(), ErrorCode::kBadInput) << text;
    EXPECT_THAT(error.Message(), HasSubstr("coordinate reference system"));
    EXPECT_FALSE(error.Hint().empty());
  }
}

TEST_F(CrsTest, ComparesByMeaning) {
  const Crs wgs84 = Crs::Wgs84();
  EXPECT_TRUE(wgs84.IsSame(Crs::FromUserInput("OGC:CRS84")));
  EXPECT_FALSE(wgs84.IsSame(Crs::FromUserInput("EPSG:4258")));
  EXPECT_FALSE(wgs84.IsSame(Crs()));
  EXPECT_TRUE(Crs().IsSame(Crs()));
}

TEST_F(CrsTest, NamesTheUtmZoneOfAPlace) {
  EXPECT_EQ(Crs::UtmAt(106.7, 10.8).Label(), "EPSG:32648");
  EXPECT_EQ(Crs::UtmAt(-70.6, -33.4).Label(), "EPSG:32719");
  EXPECT_EQ(Crs::UtmAt(180.0, 0.0).Label(), "EPSG:32601");
  EXPECT_EQ(Crs::UtmAt(-180.0, 0.0).Label(), "EPSG:32601");
  EXPECT_EQ(ErrorOf([] { Crs::UtmAt(0.0, 85.0); }).Code(),
            ErrorCode::kBadInput);
}

TEST_F(CrsTest, KnowsTheUnitsOfItsAxes) {
  EXPECT_DOUBLE_EQ(Crs::FromUserInput("EPSG:2056").MetresPerUnit(), 1.0);
  // Grades on Clarke's ellipsoid of 1880.
  EXPECT_NEAR(Crs::FromUserInput("EPSG:4807").MetresPerUnit(),
              6378249.2 * std::numbers::pi / 200.0, 1e-3);
  // Texas Central in US survey feet.
  EXPECT_NEAR(Crs::FromUserInput("EPSG:2277").MetresPerUnit(), 1200.0 / 3937.0,
              1e-12);
}

TEST_F(CrsTest, KnowsWhereItsAxesPoint) {
  for (const char* text : {"EPSG:2056", "EPSG:4326", "EPSG:3857", "EPSG:31467",
                           "EPSG:3031", "EPSG:3413", "EPSG:5514"}) {
    EXPECT_TRUE(Crs::FromUserInput(text).PointsEastAndNorth()) << text;
  }
  // Krovak's south and west, the Cape's west and south.
  for (const char* text : {"EPSG:5513", "EPSG:2048"}) {
    EXPECT_FALSE(Crs::FromUserInput(text).PointsEastAndNorth()) << text;
  }
}

TEST_F(CrsTest, MeasuresTheScaleOfTheGround) {
  const double latitude = 10.8;
  const double y =
      6378137.0 * std::log(std::tan(std::numbers::pi / 4.0 +
                                    latitude * std::numbers::pi / 360.0));
  const GroundScale mercator =
      ScaleAt(Crs::FromUserInput("EPSG:3857"), {11877789.7, y});
  // Web Mercator is spherical, so it is not quite cos(latitude).
  EXPECT_NEAR(mercator.Length(), std::cos(latitude * std::numbers::pi / 180.0),
              0.007);
  const GroundScale swiss =
      ScaleAt(Crs::FromUserInput("EPSG:2056"), {2600000, 1200000});
  EXPECT_NEAR(swiss.x, 1.0, 1e-6);
  EXPECT_NEAR(swiss.y, 1.0, 1e-6);
  const GroundScale feet =
      ScaleAt(Crs::FromUserInput("EPSG:2277"), {3100000, 10070000});
  EXPECT_NEAR(feet.Length(), 1200.0 / 3937.0, 1e-4);
  // A degree at the equator: 6378137 * pi / 180 and, shorter, along the
  // meridian.
  const GroundScale degrees = ScaleAt(Crs::Wgs84(), {20.0, 0.0});
  EXPECT_NEAR(degrees.x, 111319.49, 0.1);
  EXPECT_NEAR(degrees.y, 110574.3, 1.0);
}

TEST_F(CrsTest, RefusesToMeasureOutsideTheWorld) {
  EXPECT_EQ(ErrorOf([] {
              ScaleAt(Crs::FromUserInput("EPSG:32632"), {1e12, 1e12});
            }).Code(),
            ErrorCode::kBadInput);
}

class TransformerTest : public GeoTest {};

// UTM zone 32 with the axes the wrong way round for a GIS.
constexpr const char* kNorthingFirst =
    R"wkt(PROJCRS["northing first",BASEGEOGCRS["WGS 84",DATUM["WGS_1984",)wkt"
    R"wkt(ELLIPSOID["WGS 84",6378137,298.257223563]]],CONVERSION["UTM 32",)wkt"
    R"wkt(METHOD["Transverse Mercator"],)wkt"
    R"wkt(PARAMETER["Latitude of natural origin",0],)wkt"
    R"wkt(PARAMETER["Longitude of natural origin",9],)wkt"
    R"wkt(PARAMETER["Scale factor at natural origin",0.9996],)wkt"
    R"wkt(PARAMETER["False easting",500000],PARAMETER["False northing",0]],)wkt"
    R"wkt(CS[Cartesian,2],AXIS["northing (N)",north,ORDER[1]],)wkt"
    R"wkt(AXIS["easting (E)",east,ORDER[2]],LENGTHUNIT["metre",1]])wkt";

// Easting or longitude first, whatever the authority prescribes.
TEST_F(TransformerTest, KeepsGisAxisOrder) {
  struct Case {
    const char* crs;
    Point2d degrees;
    Point2d expected;
    double tolerance;
  };
  const Case cases[] = {
      // swisstopo's worked example of the approximate formulas.
      {"EPSG:2056", {8.730497, 46.044131}, {2700000, 1100000}, 2.0},
      {"EPSG:3857", {90.0, 0.0}, {10018754.17, 0.0}, 0.01},
      // The tower of Westminster.
      {"EPSG:27700", {-0.12463, 51.50069}, {530270, 179640}, 30.0},
      // A CRS whose axes are northing, easting in the register.
      {"EPSG:31467", {9.0, 51.0}, {3500000, 5652000}, 2000.0},
      {"EPSG:32632", {9.0, 0.0}, {500000.0, 0.0}, 0.01},
      // Six degrees off the central meridian would be far from the easting.
      {kNorthingFirst, {9.0, 0.0}, {500000.0, 0.0}, 0.01},
      {"EPSG:4258", {9.0, 51.0}, {9.0, 51.0}, 1e-9},
      // Grades from Paris: 2.5969213 gon to a grade of 0.9 degrees.
      {"EPSG:4807", {2.33722917, 48.6}, {0.0, 54.0}, 0.002},
  };
  for (const Case& c : cases) {
    TransformOptions options;
    options.fallback_accuracy_m = 5.0;
    const Transformer transformer(Crs::Wgs84(), Crs::FromUserInput(c.crs),
                                  options);
    const Point2d point = transformer.Forward(c.degrees);
    EXPECT_NEAR(point.x, c.expected.x, c.tolerance) << c.crs;
    EXPECT_NEAR(point.y, c.expected.y, c.tolerance) << c.crs;
    const Point2d back = transformer.Inverse(point);
    EXPECT_NEAR(back.x, c.degrees.x, 1e-7) << c.crs;
    EXPECT_NEAR(back.y, c.degrees.y, 1e-7) << c.crs;
  }
}

TEST_F(TransformerTest, IsTheIdentityBetweenEqualCrs) {
  const Transformer same(Crs::Wgs84(), Crs::FromUserInput("OGC:CRS84"));
  EXPECT_TRUE(same.IsIdentity());
  EXPECT_EQ(same.Forward({7.5, 47.0}), (Point2d{7.5, 47.0}));
  EXPECT_EQ(same.AccuracyMetres(), 0.0);
  EXPECT_EQ(same.Pipeline(), "");
}

TEST_F(TransformerTest, StatesPipelineAndAccuracy) {
  const Transformer dutch(Crs::FromUserInput("EPSG:28992"), Crs::Wgs84());
  EXPECT_THAT(dutch.Pipeline(), HasSubstr("+proj=sterea"));
  EXPECT_THAT(dutch.OperationName(), HasSubstr("Amersfoort to WGS 84"));
  EXPECT_EQ(dutch.AccuracyMetres(), 1.0);
  EXPECT_FALSE(dutch.IsBallpark());
}

// A region in whose middle (600000, 200000) of LV03 lies.
constexpr Box kBern{590000, 190000, 610000, 210000};

TEST_F(TransformerTest, RefusesBallparkAndNamesGridAndMetres) {
  const Crs lv03 = Crs::FromUserInput("EPSG:21781");
  const Crs lv95 = Crs::FromUserInput("EPSG:2056");
  TransformOptions options;
  options.area = kBern;
  options.allow_ballpark = true;
  const Transformer ballpark(lv03, lv95, options);
  if (ballpark.MissingGrids().empty()) {
    GTEST_SKIP() << "the Swiss grid is installed here";
  }
  options.allow_ballpark = false;
  const Error error = ErrorOf([&] { Transformer(lv03, lv95, options); });
  EXPECT_EQ(error.Code(), ErrorCode::kBadInput);
  EXPECT_EQ(ballpark.MissingGrids(),
            std::vector<std::string>{"ch_swisstopo_CHENyx06a.tif"});
  EXPECT_THAT(error.Message(),
              HasSubstr("ch_swisstopo_CHENyx06a.tif (or CHENyx06a.gsb)"));
  EXPECT_THAT(error.Message(), HasSubstr("EPSG:21781 to EPSG:2056"));
  // Both datums lie at the same shift from WGS 84, stated to 1.5 m and 1 m;
  // the truth is 0.1 m here and up to 1.2 m elsewhere in the country.
  EXPECT_THAT(error.Message(), HasSubstr("up to about 1.8 m off"));
  EXPECT_THAT(error.Hint(), HasSubstr("--allow-ballpark"));
  // No stated accuracy makes up for ignoring a datum.
  options.fallback_accuracy_m = 1000.0;
  EXPECT_THROW(Transformer(lv03, lv95, options), Error);

  EXPECT_TRUE(ballpark.IsBallpark());
  EXPECT_FALSE(ballpark.AccuracyMetres().has_value());
  ASSERT_TRUE(ballpark.AtStakeMetres().has_value());
  EXPECT_NEAR(*ballpark.AtStakeMetres(), std::hypot(1.5, 1.0), 0.01);
  EXPECT_THAT(ballpark.Pipeline(), HasSubstr("+proj=somerc"));
  const Point2d shifted = ballpark.Forward({600000, 200000});
  EXPECT_NEAR(shifted.x, 2600000, 1e-3);
  EXPECT_NEAR(shifted.y, 1200000, 1e-3);
}

// Sets an environment variable while it lives.
class ScopedVariable {
 public:
  ScopedVariable(const char* name, const std::string& value) : name_(name) {
    if (const char* before = std::getenv(name)) before_ = before;
    setenv(name, value.c_str(), 1);
  }
  ~ScopedVariable() {
    if (before_) {
      setenv(name_, before_->c_str(), 1);
    } else {
      unsetenv(name_);
    }
  }
  ScopedVariable(const ScopedVariable&) = delete;
  ScopedVariable& operator=(const ScopedVariable&) = delete;

 private:
  const char* name_;
  std::optional<std::string> before_;
};

TEST_F(TransformerTest, UsesTheExactGridOnceItIsFoundUnderItsName) {
  const std::filesystem::path debian = "/usr/share/proj";
  if (!std::filesystem::exists(debian / "CHENYX06a.gsb")) {
    GTEST_SKIP() << "Debian's proj-data with CHENYX06a.gsb is not installed";
  }
  const Crs lv03 = Crs::FromUserInput("EPSG:21781");
  const Crs lv95 = Crs::FromUserInput("EPSG:2056");
  TransformOptions options;
  options.area = kBern;
  try {
    Transformer{lv03, lv95, options};
  } catch (const Error& error) {
    EXPECT_THAT(error.Hint(), HasSubstr("/usr/share/proj/CHENYX06a.gsb"));
  }
  std::filesystem::create_symlink(debian / "CHENYX06a.gsb",
                                  Path("CHENyx06a.gsb"));
  const ScopedVariable folders("PROJ_DATA",
                               Path("").string() + ":" + debian.string());
  const Transformer exact(lv03, lv95, options);
  EXPECT_TRUE(exact.MissingGrids().empty());
  EXPECT_FALSE(exact.IsBallpark());
  EXPECT_EQ(exact.AccuracyMetres(), 0.2);
  EXPECT_EQ(exact.AtStakeMetres(), 0.0);
  EXPECT_THAT(exact.Pipeline(), HasSubstr("+proj=hgridshift"));
  // What swisstopo's grid says for Zurich and Geneva, to a decimetre.
  const Point2d zurich = exact.Forward({683000, 247000});
  EXPECT_NEAR(zurich.x, 2683000.90, 0.1);
  EXPECT_NEAR(zurich.y, 1246999.84, 0.1);
  const Point2d geneva = exact.Forward({500000, 118000});
  EXPECT_NEAR(geneva.x, 2499999.49, 0.1);
  EXPECT_NEAR(geneva.y, 1118000.16, 0.1);
}

TEST_F(TransformerTest, MeasuresWhatAnIgnoredDatumCosts) {
  // In Kansas, without the grids of NADCON, by the way of geocentric shifts.
  const Crs nad27 = Crs::FromUserInput("EPSG:26714");
  const Crs nad83 = Crs::FromUserInput("EPSG:26914");
  TransformOptions options;
  options.area = Box{540000, 4340000, 560000, 4360000};
  options.allow_ballpark = true;
  const Transformer ballpark(nad27, nad83, options);
  if (!ballpark.IsBallpark()) GTEST_SKIP() << "NADCON's grid is installed";
  ASSERT_TRUE(ballpark.AtStakeMetres().has_value());
  const Transformer to_wgs84(nad27, Crs::FromUserInput("EPSG:32614"), options);
  const Point2d place{550000, 4350000};
  const Point2d plain = ballpark.Forward(place);
  const Point2d shifted = to_wgs84.Forward(place);
  // NAD 83 is WGS 84 to a few metres.
  const double distance = std::hypot(plain.x - shifted.x, plain.y - shifted.y);
  EXPECT_GT(*ballpark.AtStakeMetres(), distance);
  EXPECT_LT(*ballpark.AtStakeMetres(), distance + 25.0);
  options.allow_ballpark = false;
  EXPECT_THAT(
      ErrorOf([&] { Transformer(nad27, nad83, options); }).Message(),
      HasSubstr(fmt::format("about {:.2g} m off", *ballpark.AtStakeMetres())));
}

TEST_F(TransformerTest, SaysSoWhereNobodyKnowsTheMetres) {
  // A datum of its own, without any known shift.
  const Crs toises = Crs::FromUserInput(
      R"wkt(PROJCRS["Paris in toises",BASEGEOGCRS["Paris 1790",)wkt"
      R"wkt(DATUM["Observatoire 1790",ELLIPSOID["Clarke 1880 (IGN)",6378249.2,)wkt"
      R"wkt(293.466021293627]]],CONVERSION["Observatory",)wkt"
      R"wkt(METHOD["Transverse Mercator"],)wkt"
      R"wkt(PARAMETER["Latitude of natural origin",48.836,ANGLEUNIT["degree",)wkt"
      R"wkt(0.0174532925199433]],)wkt"
      R"wkt(PARAMETER["Longitude of natural origin",2.3365,ANGLEUNIT["degree",)wkt"
      R"wkt(0.0174532925199433]],)wkt"
      R"wkt(PARAMETER["Scale factor at natural origin",1]],)wkt"
      R"wkt(CS[Cartesian,2],AXIS["easting",east],AXIS["northing",north],)wkt"
      R"wkt(LENGTHUNIT["toise",1.949036]])wkt");
  EXPECT_DOUBLE_EQ(toises.MetresPerUnit(), 1.949036);
  EXPECT_NEAR(ScaleAt(toises, {100, 200}).Length(), 1.949036, 1e-5);
  const Crs lambert = Crs::FromUserInput("EPSG:2154");
  const Error error = ErrorOf([&] { Transformer(toises, lambert); });
  EXPECT_THAT(error.Message(), HasSubstr("unknown number of metres"));
  TransformOptions options;
  options.allow_ballpark = true;
  const Transformer ballpark(toises, lambert, options);
  EXPECT_TRUE(ballpark.IsBallpark());
  EXPECT_FALSE(ballpark.AtStakeMetres().has_value());
}

TEST_F(TransformerTest, TakesAnOlderGridOfEqualAccuracy) {
  const Crs ntf = Crs::FromUserInput("EPSG:27572");
  const Transformer lambert(ntf, Crs::FromUserInput("EPSG:2154"));
  EXPECT_EQ(lambert.AccuracyMetres(), 1.0);
  EXPECT_EQ(lambert.AtStakeMetres(), 0.0);
  EXPECT_TRUE(lambert.MissingGrids().empty());
}

// Results that change with a connection could not be repeated.
TEST_F(TransformerTest, KeepsTheNetworkOff) {
  const ScopedVariable network("PROJ_NETWORK", "ON");
  const Crs lv03 = Crs::FromUserInput("EPSG:21781");
  TransformOptions options;
  options.allow_ballpark = true;
  options.area = kBern;
  const Transformer ballpark(lv03, Crs::FromUserInput("EPSG:2056"), options);
  EXPECT_EQ(OSRGetPROJEnableNetwork(), 0);
  EXPECT_EQ(ballpark.IsBallpark(), !ballpark.MissingGrids().empty());
}

TEST_F(TransformerTest, AcceptsAFallbackOfStatedAccuracyOnRequest) {
  const Crs british = Crs::FromUserInput("EPSG:27700");
  TransformOptions tolerant;
  tolerant.fallback_accuracy_m = 3.0;
  const Transformer fallback(british, Crs::Wgs84(), tolerant);
  if (fallback.MissingGrids().empty()) {
    GTEST_SKIP() << "the British grid is installed here";
  }
  EXPECT_THROW(Transformer(british, Crs::Wgs84()), Error);
  ASSERT_TRUE(fallback.AccuracyMetres().has_value());
  EXPECT_LE(*fallback.AccuracyMetres(), 3.0);
  EXPECT_FALSE(fallback.IsBallpark());
  EXPECT_EQ(fallback.AtStakeMetres(), fallback.AccuracyMetres());
  const Error error = ErrorOf([&] { Transformer(british, Crs::Wgs84()); });
  EXPECT_THAT(error.Message(), HasSubstr("OSTN15"));
  EXPECT_THAT(error.Message(), HasSubstr("up to about 2 m off"));
}

TEST_F(TransformerTest, ReturnsInfinityWhereItIsNotDefined) {
  const Transformer mercator(Crs::Wgs84(), Crs::FromUserInput("EPSG:3857"));
  EXPECT_TRUE(std::isinf(mercator.Forward({0.0, 95.0}).x));
}

TEST_F(TransformerTest, RoundTripsAnywhereInItsArea) {
  const Transformer utm(Crs::FromUserInput("EPSG:3857"),
                        Crs::FromUserInput("EPSG:32648"));
  Rng rng(7);
  for (int i = 0; i < 200; ++i) {
    const Point2d p{rng.Uniform(11.6e6, 12.0e6), rng.Uniform(1.0e6, 1.4e6)};
    const Point2d back = utm.Inverse(utm.Forward(p));
    EXPECT_NEAR(back.x, p.x, 1e-4);
    EXPECT_NEAR(back.y, p.y, 1e-4);
  }
}

}  // namespace
}  // namespace mapweave::geo
