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

// Every published annotation, valid or not, is read or refused with an Error.
TEST_F(ControlPointsTest, ReadsOrRefusesPublishedAnnotations) {
  const auto folder = DataFolder() / "georef_oracles";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no data: " << folder;
  int read = 0;
  int refused = 0;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().extension() != ".json") continue;
    try {
      const ControlPointFile file =
          ReadControlPoints(entry.path(), {4708, 1860, {}});
      EXPECT_GE(file.points.size(), 3u) << entry.path();
      ++read;
    } catch (const Error& e) {
      EXPECT_EQ(e.Code(), ErrorCode::kBadInput) << entry.path();
      ++refused;
    }
  }
  EXPECT_GT(read, 0);
  EXPECT_GT(refused, 0);
}

}  // namespace
}  // namespace mapweave::geo
