// SPDX-License-Identifier: MIT
#include "pipelines/geojson.h"

#include "fixture.h"

#include <regex>

namespace mapweave::pipelines {
namespace {

using ::testing::ElementsAre;

Ring RingOf(const Json& positions) {
  Ring ring;
  for (const Json& position : positions) {
    ring.push_back({position.at(0), position.at(1)});
  }
  return ring;
}

// Clockwise, as no GeoJSON shell may run.
Ring ClockwiseSquare(double x, double y, double side) {
  return {{x, y}, {x, y + side}, {x + side, y + side}, {x + side, y}};
}

Ring Reversed(Ring ring) { return {ring.rbegin(), ring.rend()}; }

Json Encode(const MultiPolygon& polygons) {
  Box bounds = GeoJsonGeometry::EmptyBounds();
  return GeoJsonGeometry(geo::Crs::Wgs84()).Encode(polygons, bounds);
}

TEST(GeoJson, ShellsRunCounterClockwiseAndHolesClockwiseWhateverCameIn) {
  const Ring shell = ClockwiseSquare(9.0, 48.0, 0.01);
  const Ring hole = ClockwiseSquare(9.002, 48.002, 0.002);
  for (const MultiPolygon& polygons :
       {MultiPolygon{{shell, {hole}}}, MultiPolygon{{Reversed(shell), {hole}}},
        MultiPolygon{{shell, {Reversed(hole)}}},
        MultiPolygon{{Reversed(shell), {Reversed(hole)}}}}) {
    const Json geometry = Encode(polygons);
    EXPECT_EQ(geometry.at("type"), "MultiPolygon");
    const Json& rings = geometry.at("coordinates").at(0);
    ASSERT_EQ(rings.size(), 2u);
    EXPECT_GT(SignedArea(RingOf(rings.at(0))), 0.0);
    EXPECT_LT(SignedArea(RingOf(rings.at(1))), 0.0);
    for (const Json& ring : rings) {
      EXPECT_EQ(ring.size(), 5u);
      EXPECT_EQ(ring.front(), ring.back());
    }
  }
}

TEST(GeoJson, PositionsHaveSevenDecimals) {
  const Json geometry = Encode(
      {{{{9.123456749, 48.0}, {9.223456751, 48.0}, {9.2, 48.11111111111}},
        {}}});
  const Ring ring = RingOf(geometry.at("coordinates").at(0).at(0));
  EXPECT_EQ(ring[0], (Point2d{9.1234567, 48.0}));
  EXPECT_EQ(ring[1], (Point2d{9.2234568, 48.0}));
  EXPECT_EQ(ring[2], (Point2d{9.2, 48.1111111}));
}

TEST(GeoJson, RingsThatRoundingCollapsesAreLeftOut) {
  const double tiny = 2e-8;
  const Polygon collapsed{ClockwiseSquare(9.0, 48.0, tiny), {}};
  const Polygon sliver{{{9.0, 48.0}, {9.1, 48.0}, {9.05, 48.0 + tiny}}, {}};
  const Polygon good{ClockwiseSquare(9.2, 48.0, 0.01),
                     {ClockwiseSquare(9.204, 48.004, tiny)}};
  EXPECT_TRUE(Encode({collapsed, sliver}).is_null());
  const Json geometry = Encode({collapsed, good, sliver});
  ASSERT_EQ(geometry.at("coordinates").size(), 1u);
  EXPECT_EQ(geometry.at("coordinates").at(0).size(), 1u);
}

TEST(GeoJson, ProjectedCoordinatesBecomeLongitudeAndLatitude) {
  Box bounds = GeoJsonGeometry::EmptyBounds();
  const GeoJsonGeometry geometry(geo::Crs::FromUserInput("EPSG:25832"));
  geometry.Encode({{ClockwiseSquare(500000, 5400000, 100), {}}}, bounds);
  // The central meridian of zone 32 lies at 9 degrees east.
  EXPECT_DOUBLE_EQ(bounds.min_x, 9.0);
  // From gdaltransform.
  EXPECT_NEAR(bounds.min_y, 48.7530130, 2e-7);
  EXPECT_NEAR(bounds.max_x - bounds.min_x, 100 / 73480.0, 1e-5);
  EXPECT_NEAR(bounds.max_y - bounds.min_y, 100 / 111200.0, 1e-5);
}

TEST(GeoJson, CollectionHasBoundsIdsAndNoCrs) {
  std::vector<GeoJsonFeature> features(3);
  features[0].id = "a/1860";
  features[0].geometry = {{ClockwiseSquare(9.0, 48.0, 0.5), {}}};
  features[0].properties["edition"] = "1860";
  features[1].id = "nothing";
  features[2].id = "b/1860";
  features[2].geometry = {{ClockwiseSquare(8.5, 48.25, 0.25), {}}};
  const Json collection = FeatureCollection(features, geo::Crs::Wgs84());
  EXPECT_FALSE(collection.contains("crs"));
  EXPECT_THAT(collection.at("bbox").get<std::vector<double>>(),
              ElementsAre(8.5, 48.0, 9.5, 48.5));
  EXPECT_THAT(
      collection.at("features").at(2).at("bbox").get<std::vector<double>>(),
      ElementsAre(8.5, 48.25, 8.75, 48.5));
  EXPECT_EQ(collection.at("features").at(0).at("id"), "a/1860");
  // RFC 7946, 3.2: an unlocated feature keeps the member as null.
  EXPECT_TRUE(collection.at("features").at(1).at("geometry").is_null());
  EXPECT_FALSE(collection.at("features").at(1).contains("bbox"));
}

TEST(GeoJson, TextParsesBackToTheCollectionWithoutLongNumbers) {
  std::vector<GeoJsonFeature> features(40);
  for (size_t i = 0; i < features.size(); ++i) {
    features[i].id = std::to_string(i);
    features[i].geometry = {
        {ClockwiseSquare(500000.37 + 11.1 * static_cast<double>(i), 5400000.91,
                         7.7),
         {}}};
  }
  const Json collection =
      FeatureCollection(features, geo::Crs::FromUserInput("EPSG:25832"));
  const std::string text = DumpFeatureCollection(collection);
  EXPECT_EQ(Json::parse(text), collection);
  EXPECT_FALSE(std::regex_search(text, std::regex(R"(\.\d{8})"))) << text;
  EXPECT_EQ(Json::parse(DumpFeatureCollection(
                FeatureCollection({}, geo::Crs::Wgs84()))),
            (Json{{"type", "FeatureCollection"}, {"features", Json::array()}}));
}

TEST(GeoJson, SequenceHasOneFeatureInEachLine) {
  std::vector<GeoJsonFeature> features(3);
  for (GeoJsonFeature& feature : features) {
    feature.id = "line\nbreak";
    feature.geometry = {{ClockwiseSquare(9.0, 48.0, 0.5), {}}};
  }
  std::istringstream lines(
      DumpFeatureSequence(FeatureCollection(features, geo::Crs::Wgs84())));
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    EXPECT_EQ(Json::parse(line).at("type"), "Feature");
  }
  EXPECT_EQ(count, 3);
}

// A datum that nobody has tied to WGS 84: off by hundreds of metres, perhaps.
TEST(GeoJson, BallparkTransformationIsRefused) {
  const geo::Crs local = geo::Crs::FromUserInput(
      "+proj=tmerc +lat_0=0 +lon_0=9 +k=1 +x_0=500000 +y_0=0 +ellps=bessel "
      "+units=m +no_defs +type=crs");
  const Error error = ErrorOf([&] { GeoJsonGeometry geometry(local); });
  EXPECT_EQ(error.Code(), ErrorCode::kBadInput);
  EXPECT_THAT(error.Message(), ::testing::HasSubstr("WGS 84"));
  EXPECT_THAT(error.Hint(), ::testing::HasSubstr(".gpkg"));
}

TEST(GeoJson, TransformationWithoutItsGridWillDoIfItsAccuracyIsKnown) {
  const GeoJsonGeometry geometry(geo::Crs::FromUserInput("EPSG:27700"));
  Box bounds = GeoJsonGeometry::EmptyBounds();
  geometry.Encode({{ClockwiseSquare(530270.0, 179640.0, 10.0), {}}}, bounds);
  // The tower of Westminster.
  EXPECT_NEAR(bounds.min_x, -0.1246, 0.0003);
  EXPECT_NEAR(bounds.min_y, 51.5007, 0.0003);
}

}  // namespace
}  // namespace mapweave::pipelines
