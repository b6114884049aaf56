// SPDX-License-Identifier: MIT
#include "geo/crs.h"

#include "core/random.h"
#include "fixtures.h"

#include <cmath>
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
  // Texas Central in US survey feet.
  EXPECT_NEAR(Crs::FromUserInput("EPSG:2277").MetresPerUnit(), 1200.0 / 3937.0,
              1e-12);
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

// Easting or longitude first, whatever the authority prescribes.
TEST_F(TransformerTest, KeepsGisAxisOrder) {
  const Crs wgs84 = Crs::Wgs84();
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
  };
  for (const Case& c : cases) {
    TransformOptions options;
    options.fallback_accuracy_m = 5.0;
    const Transformer transformer(wgs84, Crs::FromUserInput(c.crs), options);
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

TEST_F(TransformerTest, RefusesBallparkAndNamesTheGrid) {
  const Crs lv03 = Crs::FromUserInput("EPSG:21781");
  const Crs lv95 = Crs::FromUserInput("EPSG:2056");
  TransformOptions allowing;
  allowing.allow_ballpark = true;
  const Transformer ballpark(lv03, lv95, allowing);
  if (ballpark.MissingGrids().empty()) {
    GTEST_SKIP() << "the Swiss grid is installed here";
  }
  const Error error = ErrorOf([&] { Transformer(lv03, lv95); });
  EXPECT_EQ(error.Code(), ErrorCode::kBadInput);
  EXPECT_THAT(error.Message(), HasSubstr(ballpark.MissingGrids()[0]));
  EXPECT_THAT(error.Message(), HasSubstr("EPSG:21781 to EPSG:2056"));
  EXPECT_THAT(error.Hint(), HasSubstr("--allow-ballpark"));
  // No stated accuracy makes up for ignoring a datum.
  TransformOptions tolerant;
  tolerant.fallback_accuracy_m = 1000.0;
  EXPECT_THROW(Transformer(lv03, lv95, tolerant), Error);

  EXPECT_TRUE(ballpark.IsBallpark());
  EXPECT_FALSE(ballpark.AccuracyMetres().has_value());
  const Point2d shifted = ballpark.Forward({600000, 200000});
  EXPECT_NEAR(shifted.x, 2600000, 1e-3);
  EXPECT_NEAR(shifted.y, 1200000, 1e-3);
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
