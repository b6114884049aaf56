// SPDX-License-Identifier: MIT
#include "geo/vector_io.h"

#include "core/atomic_file.h"
#include "core/json.h"
#include "fixtures.h"
#include "geo/polygon_ops.h"

#include <algorithm>

namespace mapweave::geo {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class VectorIoTest : public GeoTest {
 protected:
  std::vector<VectorFeature> Houses() const {
    const auto square = [](double x, double y, double side) {
      return Ring{{x, y}, {x + side, y}, {x + side, y + side}, {x, y + side}};
    };
    return {
        {{{square(2600000, 1200000, 20), {square(2600005, 1200005, 5)}}},
         {{"track_id", "h\xC3\xB4tel"},
          {"storeys", "3"},
          {"area_m2", "375.5"},
          {"built", "1882-05-01"}}},
        {{{square(2600050, 1200000, 4), {}}, {square(2600060, 1200000, 4), {}}},
         {{"track_id", "b"}}}};
  }
  WriteVectorOptions Options() const {
    WriteVectorOptions options;
    options.fields = {{"track_id", FieldType::kText},
                      {"storeys", FieldType::kInteger},
                      {"area_m2", FieldType::kReal},
                      {"built", FieldType::kDate}};
    return options;
  }
  Crs Swiss() const { return Crs::FromUserInput("EPSG:2056"); }
};

TEST_F(VectorIoTest, ReadsBackWhatItWrites) {
  for (const char* name : {"a.gpkg", "a.fgb", "a.geojson", "a.geojsons"}) {
    WritePolygons(Path(name), Houses(), Swiss(), Options());
    ReadVectorOptions options;
    options.target = Swiss();
    VectorLayer layer = ReadPolygons(Path(name), options);
    EXPECT_EQ(layer.skipped, 0) << name;
    EXPECT_EQ(layer.repaired, 0) << name;
    ASSERT_EQ(layer.features.size(), 2u) << name;
    // FlatGeobuf orders features along a curve.
    std::sort(layer.features.begin(), layer.features.end(),
              [](const VectorFeature& a, const VectorFeature& b) {
                return a.attributes.size() > b.attributes.size();
              });
    const VectorFeature& hotel = layer.features[0];
    EXPECT_EQ(hotel.attributes.at("track_id"), "h\xC3\xB4tel") << name;
    EXPECT_EQ(hotel.attributes.at("storeys"), "3") << name;
    EXPECT_EQ(hotel.attributes.at("area_m2"), "375.5") << name;
    EXPECT_EQ(hotel.attributes.at("built").substr(0, 4), "1882") << name;
    ASSERT_EQ(hotel.geometry.size(), 1u) << name;
    EXPECT_EQ(hotel.geometry[0].holes.size(), 1u) << name;
    EXPECT_NEAR(PlanarArea(hotel.geometry), 375.0, 0.5) << name;
    const VectorFeature& pair = layer.features[1];
    EXPECT_EQ(pair.geometry.size(), 2u) << name;
    EXPECT_EQ(pair.attributes.count("storeys"), 0u) << name;
    const Box box = Bounds(pair.geometry);
    EXPECT_NEAR(box.min_x, 2600050, 0.02) << name;
    EXPECT_NEAR(box.max_y, 1200004, 0.02) << name;
  }
}

TEST_F(VectorIoTest, WritesGeoJsonAsTheStandardSays) {
  WritePolygons(Path("a.geojson"), Houses(), Swiss(), Options());
  const Json document = ReadJson(Path("a.geojson"));
  EXPECT_FALSE(document.contains("crs"));
  const Json& geometry = document.at("features")[0].at("geometry");
  EXPECT_EQ(geometry.at("type"), "Polygon");
  const Json& shell = geometry.at("coordinates")[0];
  const double longitude = shell[0][0];
  const double latitude = shell[0][1];
  EXPECT_NEAR(longitude, 7.4386, 1e-3);
  EXPECT_NEAR(latitude, 46.9511, 1e-3);
  Ring ring;
  for (const Json& p : shell) ring.push_back({p[0], p[1]});
  EXPECT_GT(SignedArea(ring), 0.0);
}

TEST_F(VectorIoTest, WritesCsvWithGeometryAsText) {
  WritePolygons(Path("a.csv"), Houses(), Swiss(), Options());
  const std::string text = ReadFile(Path("a.csv"));
  EXPECT_THAT(text, HasSubstr("WKT"));
  EXPECT_THAT(text, HasSubstr("MULTIPOLYGON"));
  EXPECT_THAT(text, HasSubstr("375.5"));
}

TEST_F(VectorIoTest, RefusesUnknownFormatsAndValues) {
  EXPECT_EQ(ErrorOf([&] {
              WritePolygons(Path("a.xyz"), Houses(), Swiss(), Options());
            }).Code(),
            ErrorCode::kUsage);
  auto houses = Houses();
  houses[0].attributes["storeys"] = "three";
  const Error error = ErrorOf(
      [&] { WritePolygons(Path("a.gpkg"), houses, Swiss(), Options()); });
  EXPECT_EQ(error.Code(), ErrorCode::kUsage);
  EXPECT_THAT(error.Message(), HasSubstr("three"));
  EXPECT_FALSE(std::filesystem::exists(Path("a.gpkg")));
}

TEST_F(VectorIoTest, RepairsSkipsAndCounts) {
  const auto path = WriteText("mixed.geojson",
                              R"({"type":"FeatureCollection","features":[
        {"type":"Feature","properties":{"n":1},"geometry":{"type":"Polygon",
         "coordinates":[[[0,0],[4,4],[4,0],[0,4],[0,0]]]}},
        {"type":"Feature","properties":{"n":2},"geometry":null},
        {"type":"Feature","properties":{"n":3},"geometry":
         {"type":"Point","coordinates":[1,1]}},
        {"type":"Feature","properties":{"n":null},"geometry":
         {"type":"GeometryCollection","geometries":[
          {"type":"Point","coordinates":[1,1]},
          {"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,0]]]}]}}]})");
  const VectorLayer layer = ReadPolygons(path);
  EXPECT_EQ(layer.crs.Label(), "EPSG:4326");
  EXPECT_EQ(layer.features.size(), 2u);
  EXPECT_EQ(layer.skipped, 2);
  EXPECT_EQ(layer.repaired, 1);
  EXPECT_DOUBLE_EQ(PlanarArea(layer.features[0].geometry), 8.0);
  EXPECT_DOUBLE_EQ(PlanarArea(layer.features[1].geometry), 0.5);
  EXPECT_EQ(layer.features[1].attributes.count("n"), 0u);
}

TEST_F(VectorIoTest, ChoosesAndListsLayers) {
  WriteVectorOptions options = Options();
  options.layer = "houses";
  WritePolygons(Path("a.gpkg"), Houses(), Swiss(), options);
  EXPECT_THAT(ListLayers(Path("a.gpkg")), ElementsAre("houses"));
  ReadVectorOptions read;
  read.layer = "barns";
  const Error error = ErrorOf([&] { ReadPolygons(Path("a.gpkg"), read); });
  EXPECT_EQ(error.Code(), ErrorCode::kBadInput);
  EXPECT_THAT(error.Message(), HasSubstr("barns"));
  EXPECT_THAT(error.Hint(), HasSubstr("houses"));
}

TEST_F(VectorIoTest, RefusesALayerWithoutCrs) {
  const auto path = WriteText(
      "a.csv",
      "id,WKT\n1,\"POLYGON((600000 200000,600010 200000,600000 200010,600000 "
      "200000))\"\n");
  const Error error = ErrorOf([&] { ReadPolygons(path); });
  EXPECT_EQ(error.Code(), ErrorCode::kBadInput);
  EXPECT_THAT(error.Hint(), HasSubstr("--crs"));
  ReadVectorOptions options;
  options.crs_override = Crs::FromUserInput("EPSG:21781");
  const VectorLayer layer = ReadPolygons(path, options);
  ASSERT_EQ(layer.features.size(), 1u);
  EXPECT_EQ(layer.crs.Label(), "EPSG:21781");
}

TEST_F(VectorIoTest, ReadsOrRefusesPublishedFiles) {
  int read = 0;
  int refused = 0;
  for (const char* name :
       {"geojson_fixtures", "gpkg_fixtures", "nypl", "amsterdam"}) {
    const auto folder = DataFolder() / name;
    if (!std::filesystem::exists(folder)) {
      GTEST_SKIP() << "no data: " << folder;
    }
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(folder)) {
      const auto extension = entry.path().extension();
      if (extension != ".geojson" && extension != ".gpkg") continue;
      try {
        const VectorLayer layer = ReadPolygons(entry.path());
        for (const VectorFeature& feature : layer.features) {
          ASSERT_TRUE(IsValid(feature.geometry)) << entry.path();
        }
        ++read;
      } catch (const Error& e) {
        EXPECT_EQ(e.Code(), ErrorCode::kBadInput) << entry.path();
        EXPECT_FALSE(e.Hint().empty()) << entry.path() << e.Message();
        ++refused;
      }
    }
  }
  EXPECT_GT(read, 0);
  EXPECT_GT(refused, 0);
}

}  // namespace
}  // namespace mapweave::geo
