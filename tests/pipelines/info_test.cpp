// SPDX-License-Identifier: MIT
#include "pipelines/info.h"

#include "core/error.h"
#include "geo/gdal_session.h"
#include "tests/support/temp_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace mapweave::pipelines {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class InfoTest : public ::testing::Test {
 protected:
  InfoTest() { geo::InitGdal({}); }
  std::string Write(const std::string& name, const std::string& bytes) const {
    const auto path = folder_.Path() / name;
    std::ofstream(path, std::ios::binary) << bytes;
    return path.string();
  }
  // 100 x 50 grey pixels.
  std::string Scan() const {
    return Write("scan.pgm", "P5\n100 50\n255\n" + std::string(5000, '\x80'));
  }

 private:
  mapweave::testing::TempDir folder_;
};

// Five points on an affine map of 2 m pixels; the last one lies 10 m too far
// east.
constexpr const char* kPoints =
    "col,row,x,y\n"
    "0,0,2600000,1200000\n"
    "100,0,2600200,1200000\n"
    "0,50,2600000,1199900\n"
    "100,50,2600200,1199900\n"
    "50,25,2600110,1199950\n";

TEST_F(InfoTest, TellsHowASheetIsPlaced) {
  SheetSettings question;
  question.gcps = Write("points.csv", kPoints);
  question.crs = "EPSG:2056";
  const Json info = FileInfo(Scan(), question);
  EXPECT_EQ(info.at("kind"), "sheet");
  EXPECT_EQ(info.at("georef"), "gcp-poly1");
  EXPECT_THAT(info.at("georef_reason").get<std::string>(),
              HasSubstr("too few to judge"));
  EXPECT_EQ(info.at("crs"), "EPSG:2056");
  EXPECT_NEAR(info.at("pixel_m").get<double>(), 2.0, 0.001);
  // The fit moves by the mean of the residuals, 2 m east: four points are 2 m
  // off and one 8 m, which without itself in the fit are 10 m.
  EXPECT_NEAR(info.at("rmse_m").get<double>(), 4.0, 0.002);
  const Json& points = info.at("control_points");
  ASSERT_EQ(points.size(), 5u);
  EXPECT_EQ(points[0].at("number"), 5);
  EXPECT_THAT(points[0].at("pixel"), ElementsAre(50, 25));
  EXPECT_NEAR(points[0].at("distance_m").get<double>(), 8.0, 0.002);
  EXPECT_NEAR(points[0].at("residual_m")[0].get<double>(), 8.0, 0.002);
  EXPECT_NEAR(points[0].at("leave_one_out_m").get<double>(), 10.0, 0.002);
  EXPECT_EQ(info.at("footprint").at("type"), "MultiPolygon");
  const Json& corner = info.at("footprint_wgs84").at("coordinates")[0][0][0];
  EXPECT_NEAR(corner[0].get<double>(), 7.4386, 0.01);
  EXPECT_NEAR(corner[1].get<double>(), 46.9511, 0.01);

  const std::string text = SheetText(info);
  EXPECT_THAT(text, HasSubstr("gcp-poly1, 5 control points"));
  EXPECT_THAT(text, HasSubstr("left out m"));
}

TEST_F(InfoTest, AppliesTheTransformationAndTheCutline) {
  SheetSettings question;
  question.gcps = Write("points.csv", kPoints);
  question.crs = "EPSG:2056";
  question.transformation = "tps";
  // In longitude and latitude: the western half and more around it.
  question.cutline =
      Write("half.geojson",
            R"({"type":"Polygon","coordinates":[[[7.43,46.94],[7.43995,46.94],)"
            R"([7.43995,46.96],[7.43,46.96],[7.43,46.94]]]})");
  const Json info = FileInfo(Scan(), question);
  EXPECT_EQ(info.at("georef"), "tps");
  EXPECT_EQ(info.at("georef_reason"), "chosen by the user");
  double most = 0.0;
  for (const Json& p : info.at("cutline").at("coordinates")[0][0]) {
    most = std::max(most, p[0].get<double>());
  }
  EXPECT_GT(most, 40.0);
  EXPECT_LT(most, 60.0);

  question.transformation = "rubber";
  try {
    FileInfo(Scan(), question);
    ADD_FAILURE() << "no error was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.Code(), ErrorCode::kUsage);
    EXPECT_THAT(error.Hint(), HasSubstr("gcp-poly3"));
  }
}

}  // namespace
}  // namespace mapweave::pipelines
