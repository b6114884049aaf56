// SPDX-License-Identifier: MIT
#include "core/json.h"
#include "fixtures.h"
#include "geo/control_points.h"

#include <cmath>
#include <map>
#include <set>

namespace mapweave::geo {
namespace {

using ::testing::HasSubstr;

class IiifAnnotationTest : public GeoTest {
 protected:
  ControlPointFile Read(const Json& document,
                        const ControlPointOptions& options) const {
    return ParseControlPoints(document.dump(), "map.json", options);
  }
  std::string FaultOf(const Json& document) const {
    const Error error = ErrorOf([&] { Read(document, {1000, 500, {}}); });
    EXPECT_EQ(error.Code(), ErrorCode::kBadInput);
    EXPECT_FALSE(error.Hint().empty());
    EXPECT_THAT(error.Message(), HasSubstr("map.json"));
    return error.Message();
  }
};

Json Feature(double column, double row, double longitude, double latitude) {
  return {{"type", "Feature"},
          {"properties", {{"resourceCoords", {column, row}}}},
          {"geometry",
           {{"type", "Point"}, {"coordinates", {longitude, latitude}}}}};
}

Json Annotation(int width, int height, const std::string& id = "") {
  Json annotation = {
      {"type", "Annotation"},
      {"motivation", "georeferencing"},
      {"target",
       {{"type", "SpecificResource"},
        {"source",
         {{"id", "https://maps.example/1"},
          {"type", "ImageService3"},
          {"width", width},
          {"height", height}}},
        {"selector",
         {{"type", "SvgSelector"},
          {"value", "<svg><polygon points=\"10,10 90,10 90,40\"/></svg>"}}}}},
      {"body",
       {{"type", "FeatureCollection"},
        {"features",
         {Feature(0, 0, 7.0, 47.1), Feature(100, 0, 7.1, 47.1),
          Feature(0, 50, 7.0, 47.0)}}}}};
  if (!id.empty()) annotation["id"] = id;
  return annotation;
}

TEST_F(IiifAnnotationTest, ScalesPointsAndMaskToTheScanAtHand) {
  const ControlPointFile file = Read(Annotation(100, 50), {1000, 500, {}});
  ASSERT_EQ(file.points.size(), 3u);
  EXPECT_EQ(file.points[1].pixel, (Point2d{1000, 0}));
  EXPECT_EQ(file.points[2].pixel, (Point2d{0, 500}));
  EXPECT_NEAR(file.points[1].ground.x, 7.1 * 6378137.0 * M_PI / 180.0, 1e-3);
  EXPECT_EQ(file.cutline, (Ring{{100, 100}, {900, 100}, {900, 400}}));
  EXPECT_EQ(file.crs->Label(), "EPSG:3857");
  EXPECT_TRUE(file.crs_is_fixed);
  EXPECT_EQ(file.fit, "");
}

TEST_F(IiifAnnotationTest, ReadsCanvasesAndWholeImages) {
  Json annotation = Annotation(100, 50);
  annotation["target"]["source"]["type"] = "Canvas";
  annotation["target"].erase("selector");
  EXPECT_TRUE(Read(annotation, {1000, 500, {}}).cutline.empty());
  Json bare = Annotation(100, 50);
  bare["target"]["source"] = {{"id", "https://maps.example/c"},
                              {"type", "Canvas"}};
  bare["target"]["selector"]["value"] =
      "<svg width=\"100\" height=\"50\"><polygon points=\"1,1 9,1 9,4\"/>"
      "</svg>";
  EXPECT_EQ(Read(bare, {1000, 500, {}}).cutline[1], (Point2d{90, 10}));
  annotation["target"] = annotation["target"]["source"];
  EXPECT_EQ(Read(annotation, {1000, 500, {}}).points[1].pixel,
            (Point2d{1000, 0}));
}

TEST_F(IiifAnnotationTest, ReadsTheTransformationsOfAllmaps) {
  Json annotation = Annotation(100, 50);
  const auto fit = [&](const Json& transformation) {
    annotation["body"]["transformation"] = transformation;
    return Read(annotation, {1000, 500, {}}).fit;
  };
  EXPECT_EQ(fit({{"type", "polynomial"}}), "polynomial1");
  EXPECT_EQ(fit({{"type", "polynomial"}, {"options", {{"order", 3}}}}),
            "polynomial3");
  EXPECT_EQ(fit({{"type", "thinPlateSpline"}}), "thinPlateSpline");
  EXPECT_EQ(fit({{"type", "helmert"}}), "helmert");
  annotation["body"]["transformation"]["type"] = "polynomial";
  annotation["body"]["transformation"]["options"]["order"] = 4;
  EXPECT_THAT(FaultOf(annotation),
              HasSubstr("/body/transformation/options/order"));
}

TEST_F(IiifAnnotationTest, ChoosesFromAPageBySizeNumberOrId) {
  const Json page = {{"type", "AnnotationPage"},
                     {"items",
                      {Annotation(100, 50, "https://maps.example/small"),
                       Annotation(1000, 500), Annotation(300, 400)}}};
  EXPECT_EQ(Read(page, {1000, 500, {}}).points[1].pixel, (Point2d{100, 0}));
  EXPECT_EQ(Read(page, {1000, 500, "1"}).points[1].pixel, (Point2d{1000, 0}));
  EXPECT_EQ(
      Read(page, {1000, 500, "https://maps.example/small"}).points[1].pixel,
      (Point2d{1000, 0}));

  const Error none = ErrorOf([&] { Read(page, {2000, 1000, {}}); });
  EXPECT_THAT(none.Message(), HasSubstr("/items holds 3 annotations, 0 of"));
  EXPECT_THAT(none.Message(),
              HasSubstr("1 on 100 x 50 pixels (https://maps.example/small); 2 "
                        "on 1000 x 500 pixels"));
  EXPECT_THAT(none.Hint(), HasSubstr("--annotation"));
  EXPECT_THAT(ErrorOf([&] {
                Read(page, {1000, 500, "9"});
              }).Message(),
              HasSubstr("no annotation \"9\""));
}

TEST_F(IiifAnnotationTest, RefusesACroppedScan) {
  EXPECT_THAT(FaultOf(Annotation(100, 60)), HasSubstr("shape differs"));
}

TEST_F(IiifAnnotationTest, RefusesLatitudeFirst) {
  Json annotation = Annotation(100, 50);
  annotation["body"]["features"][1] = Feature(100, 0, 47.1, 107.0);
  EXPECT_THAT(FaultOf(annotation),
              HasSubstr("/body/features/1/geometry/coordinates"));
}

TEST_F(IiifAnnotationTest, RefusesAMaskOnAnotherSize) {
  Json annotation = Annotation(100, 50);
  annotation["target"]["selector"]["value"] =
      "<svg width=\"200\" height=\"100\"><polygon points=\"1,1 9,1 9,4\"/>"
      "</svg>";
  EXPECT_THAT(FaultOf(annotation), HasSubstr("/target/selector/value"));
}

// Every published annotation that its name calls invalid, or that lacks what it
// cannot do without, is refused by the name of the offending field; the others
// are read. Like Allmaps' own parser we do without "@context" and "motivation",
// but not with another motivation. Files map.* are Allmaps' own format, which
// is not the extension's.
TEST_F(IiifAnnotationTest, JudgesPublishedAnnotationsByTheirNames) {
  const auto folder = DataFolder() / "georef_oracles";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no data: " << folder;
  const std::map<std::string, std::string> faults{
      // Its items are empty, whatever its context.
      {"annotation.annotation-page-context-invalid", "/items"},
      {"annotation.annotation-page-items-invalid", "/items"},
      {"annotation.annotation-page-items-missing", "lacks \"items\""},
      {"annotation.body-feature-geometry-invalid",
       "/body/features/0/geometry/coordinates"},
      {"annotation.body-feature-properties-invalid",
       "/body/features/0/properties/pixelCoords"},
      {"annotation.body-feature-properties-missing",
       "/body/features/0 lacks \"properties\""},
      {"annotation.body-feature-type-invalid", "/body/features/0/type"},
      {"annotation.body-transformation-invalid", "/body/transformation"},
      {"annotation.body-type-invalid", "/body/type"},
      {"annotation.motivation-invalid", "/motivation"},
      {"annotation.null-target-and-body", "/target"},
      {"annotation.target-selector-invalid", "/target/selector"},
      {"annotation.target-selector-type-invalid", "/target/selector/type"},
      {"annotation.target-selector-type-missing",
       "/target/selector lacks \"type\""},
      {"annotation.target-selector-value-invalid-1", "/target/selector/value"},
      {"annotation.target-selector-value-invalid-2", "/target/selector/value"},
      {"annotation.target-selector-value-invalid-3", "/target/selector/value"},
      {"annotation.target-selector-value-invalid-4", "/target/selector/value"},
      {"annotation.target-selector-value-missing",
       "/target/selector lacks \"value\""},
      {"annotation.target-service-id-invalid", "/target/service/0/@id"},
      {"annotation.target-service-id-missing",
       "/target/service/0 lacks \"@id\""},
      {"annotation.target-service-invalid", "/target/service"},
      {"annotation.target-service-missing", "/target lacks \"service\""},
      {"annotation.target-service-type-invalid", "/target/service/0/type"},
      {"annotation.target-service-type-missing",
       "/target/service/0 lacks \"type\""},
      {"annotation.target-source-invalid", "/target/source"},
      {"annotation.target-source-missing", "/target lacks \"source\""},
      {"annotation.target-type-invalid", "/target/type"},
      {"annotation.target-type-missing", "/target lacks \"type\""},
      {"annotation.type-invalid", "/type"},
  };
  // A page of two maps on one image: both are good, so one must be named.
  const std::set<std::string> needs_number{
      "annotation.annotation-page-yT5Z6epJ7vi7BeLP"};
  const std::map<std::string, std::pair<int, int>> sizes{
      {"annotation.annotation-page-a1db818fc69e94ad", {2650, 3342}},
      {"annotation.annotation-page-yT5Z6epJ7vi7BeLP", {5212, 7072}},
      {"annotation.canvas-target", {7408, 6240}},
      {"annotation.canvas-target-motivation-missing", {7408, 6240}},
      {"annotation.projection", {9147, 6661}}};
  int read = 0;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().extension() != ".json") continue;
    const std::string name = entry.path().stem().string();
    SCOPED_TRACE(name);
    ControlPointOptions options{4708, 1860, {}};
    if (const auto size = sizes.find(name); size != sizes.end()) {
      options.width = size->second.first;
      options.height = size->second.second;
    }
    const auto act = [&] { ReadControlPoints(entry.path(), options); };
    const auto fault = faults.find(name);
    if (fault != faults.end() || name.rfind("map.", 0) == 0) {
      const Error error = ErrorOf(act);
      EXPECT_EQ(error.Code(), ErrorCode::kBadInput);
      EXPECT_THAT(error.Message(), HasSubstr(entry.path().string()));
      if (fault != faults.end()) {
        EXPECT_THAT(error.Message(), HasSubstr(fault->second));
      }
      continue;
    }
    if (needs_number.count(name) != 0) {
      EXPECT_THAT(ErrorOf(act).Message(), HasSubstr("holds 2 annotations"));
      options.annotation = "2";
    }
    const ControlPointFile file = ReadControlPoints(entry.path(), options);
    EXPECT_GE(file.points.size(), 3u);
    EXPECT_GE(file.cutline.size(), 3u);
    ++read;
  }
  EXPECT_EQ(read, 14);
}

}  // namespace
}  // namespace mapweave::geo
