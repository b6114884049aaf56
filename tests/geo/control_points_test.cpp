// SPDX-License-Identifier: MIT
#include "geo/control_points.h"

#include "fixtures.h"

namespace mapweave::geo {
namespace {

using ::testing::HasSubstr;

class ControlPointsTest : public GeoTest {};

TEST_F(ControlPointsTest, ReadsQgisRowsWithYUpwards) {
  const auto path = WriteText("a.points",
                              "mapX,mapY,pixelX,pixelY,enable\n"
                              "600000.5,200000.25,12.5,-40,1\n"
                              "1,2,3,-4,0\n");
  const ControlPointFile file = ReadControlPoints(path, {100, 100, {}});
  ASSERT_EQ(file.points.size(), 1u);
  EXPECT_EQ(file.points[0].pixel, (Point2d{12.5, 40}));
  EXPECT_EQ(file.points[0].ground, (Point2d{600000.5, 200000.25}));
  EXPECT_FALSE(file.crs.has_value());
}

TEST_F(ControlPointsTest, NamesTheBadLine) {
  const auto path = WriteText("a.points",
                              "mapX,mapY,pixelX,pixelY,enable\n"
                              "1,2,3,-4,1\n"
                              "1,2,three,-4,1\n");
  const Error error = ErrorOf([&] { ReadControlPoints(path, {10, 10, {}}); });
  EXPECT_EQ(error.Code(), ErrorCode::kBadInput);
  EXPECT_THAT(error.Message(), HasSubstr("line 3"));
  EXPECT_THAT(error.Message(), HasSubstr("three"));
}

TEST_F(ControlPointsTest, RefusesOtherFiles) {
  for (const char* text : {"", "lat;lon\n1;2\n", "{}", "[]", "{\"type\":1}",
                           R"({"type":"AnnotationPage","items":[]})"}) {
    const auto path = WriteText("a.points", text);
    EXPECT_EQ(ErrorOf([&] {
                ReadControlPoints(path, {10, 10, {}});
              }).Code(),
              ErrorCode::kBadInput)
        << text;
  }
}

TEST_F(ControlPointsTest, ReadsNewQgisFilesByTheirHeader) {
  const ControlPointFile file = ParseControlPoints(
      "#CRS: EPSG:2056\n"
      "mapX,mapY,sourceX,sourceY,enable,dX,dY,residual\n"
      "600000.5,200000.25,12.5,-40,1,0.1,-0.2,0.22\n",
      "a.points", {100, 100, {}});
  ASSERT_EQ(file.points.size(), 1u);
  EXPECT_EQ(file.points[0].pixel, (Point2d{12.5, 40}));
  EXPECT_EQ(file.crs->Label(), "EPSG:2056");
}

TEST_F(ControlPointsTest, StatesItsCrsOnce) {
  const Error error = ErrorOf([] {
    ParseControlPoints(
        "#CRS: EPSG:2056\n#CRS:\n#CRS: EPSG:2056\nx,y,col,row\n1,2,3,4\n",
        "a.points", {100, 100, {}});
  });
  EXPECT_EQ(error.Code(), ErrorCode::kBadInput);
  EXPECT_THAT(error.Message(), HasSubstr("line 3: a second #CRS: line"));
}

TEST_F(ControlPointsTest, ReadsTablesByTheirColumnNames) {
  for (const char* text :
       {"col,row,x,y\n3,4,2600000.5,1200000\n",
        "\xEF\xBB\xBFPixel;Line;Easting;Northing;Name\r\n"
        "3;4;2600000,5;1200000;\"church; north tower\"\r\n",
        "id\ty\tx\trow\tcolumn\nA1\t1200000\t2600000.5\t4\t3\n",
        "image_x,image_y,east,north,enable\n3,4,2600000.5,1200000,1\n"
        "1,1,1,1,0\n"}) {
    SCOPED_TRACE(text);
    const ControlPointFile file =
        ParseControlPoints(text, "a.csv", {100, 100, {}});
    ASSERT_EQ(file.points.size(), 1u);
    EXPECT_EQ(file.points[0].pixel, (Point2d{3, 4}));
    EXPECT_EQ(file.points[0].ground, (Point2d{2600000.5, 1200000}));
    EXPECT_FALSE(file.crs.has_value());
  }
}

TEST_F(ControlPointsTest, TakesLonAndLatAsWgs84) {
  const ControlPointFile file = ParseControlPoints(
      "col,row,lat,lon\n3,4,47.5,7.25\n", "a.csv", {100, 100, {}});
  EXPECT_EQ(file.points[0].ground, (Point2d{7.25, 47.5}));
  EXPECT_EQ(file.crs->Label(), "EPSG:4326");
  EXPECT_TRUE(file.is_geographic);
}

TEST_F(ControlPointsTest, LonAndLatMayBeOfAnotherGeographicCrs) {
  const auto read = [](const std::string& crs) {
    return ParseControlPoints(
        "#CRS: " + crs + "\ncol,row,lon,lat\n3,4,5.5,47.5\n", "a.csv",
        {100, 100, {}});
  };
  // NTF (Paris), 65 m and a meridian away from WGS 84.
  EXPECT_EQ(read("EPSG:4807").crs->Label(), "EPSG:4807");
  const Error error = ErrorOf([&] { read("EPSG:2056"); });
  EXPECT_EQ(error.Code(), ErrorCode::kBadInput);
  EXPECT_THAT(error.Message(), HasSubstr("EPSG:2056, which is projected"));
}

TEST_F(ControlPointsTest, RefusesTablesThatItWouldHaveToGuess) {
  const auto fault = [](const char* text) {
    const Error error = ErrorOf([&] {
      ParseControlPoints(text, "a.csv", {100, 100, {}});
    });
    EXPECT_EQ(error.Code(), ErrorCode::kBadInput);
    EXPECT_THAT(error.Hint(), HasSubstr("col,row"));
    return error.Message();
  };
  EXPECT_THAT(fault("col,row,x,y,z\n"), HasSubstr("\"z\" is unknown"));
  EXPECT_THAT(fault("col,row,x\n"), HasSubstr("northing or latitude"));
  EXPECT_THAT(fault("col,row,lon,y\n"), HasSubstr("in degrees"));
  EXPECT_THAT(fault("col,row,x,y,lon\n"), HasSubstr("says again"));
  EXPECT_THAT(fault("col,row,x,y\n1,2,3\n"), HasSubstr("line 2"));
  EXPECT_THAT(fault("col,row,x,y\n1,2,nan,4\n"), HasSubstr("\"nan\""));
  EXPECT_THAT(fault("col,row,x,y\n1,2,3,\"4\n"), HasSubstr("quote"));
  EXPECT_THAT(fault("col,row,lon,lat\n1,2,2600000,1200000\n"),
              HasSubstr("not a longitude"));
}

TEST_F(ControlPointsTest, RefusesPointsOfAnotherScan) {
  const auto fault = [](const char* text) {
    return ErrorOf([&] {
             ParseControlPoints(text, "a.csv", {100, 80, {}});
           })
        .Message();
  };
  EXPECT_THAT(fault("col,row,x,y\n5,5,1,1\n900,5,2,2\n"),
              HasSubstr("its point 2 lies at column 900.0"));
  // QGIS's rows without their sign.
  EXPECT_THAT(fault("mapX,mapY,pixelX,pixelY,enable\n1,1,5,40,1\n"),
              HasSubstr("no point is on the sheet"));
}

}  // namespace
}  // namespace mapweave::geo
